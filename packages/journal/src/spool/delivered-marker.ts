// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { openRegular, readRange } from '../byte-file.ts'
import { isShortage } from '../journal-fs.ts'
import { markerSizeOf, SINK_NAME } from '../journal-layout.ts'

/**
 * `delivered-<size>.json`: the records of an epoch behind `epoch.open` and below `size` were removed
 * after delivery. It lets openers, readers and `status` go on where those records end. It proves
 * nothing: a verification calls the records missing.
 *
 * The size stands in the name, so that of two who remove records at once neither takes back what the
 * other said: the greatest holds.
 */
export interface DeliveredMarker {
  readonly size: number
  /** The leaf of record `size` − 1. */
  readonly leaf: string
  /** That record is `epoch.close`. */
  readonly closed: boolean
  /** Unix milliseconds. */
  readonly at: number
  readonly sinks: readonly string[]
  /** Bytes behind that record which were removed with it: a crash had torn them. */
  readonly torn?: { readonly bytes: number; readonly sha256: string }
}

const MARKER_BYTES_MAX = 64 * 1024
/** Malformed ones that are passed over before there counts as none. */
const ATTEMPTS_MAX = 8
const HASH = /^[0-9a-f]{64}$/
const SINKS_MAX = 64

/** The marker with the greatest size in an epoch folder; undefined where there is none to be read. */
export function readMarker(folder: string): DeliveredMarker | undefined {
  return markerAmong(readdirSync(folder), folder)
}

/** The same, where the folder's names are known. */
export function markerAmong(names: readonly string[], folder: string): DeliveredMarker | undefined {
  return candidates(names)
    .map(({ name, size }) => parsed(markerText(join(folder, name)), size))
    .find((marker) => marker !== undefined)
}

/** The text of that marker. */
export function newestMarkerText(folder: string): string | undefined {
  for (const { name, size } of candidates(readdirSync(folder))) {
    const text = markerText(join(folder, name))
    if (parsed(text, size) !== undefined) return text
  }
  return undefined
}

export function formatMarker(marker: DeliveredMarker): string {
  return `${JSON.stringify(marker)}\n`
}

function candidates(names: readonly string[]): { readonly name: string; readonly size: number }[] {
  return names
    .map((name) => ({ name, size: markerSizeOf(name) ?? 0 }))
    .filter(({ size }) => size > 0)
    .sort((a, b) => b.size - a.size)
    .slice(0, ATTEMPTS_MAX)
}

function markerText(path: string): string | undefined {
  try {
    const file = openRegular(path, false)
    try {
      return file.size > MARKER_BYTES_MAX ? undefined : readRange(file, 0, file.size).toString()
    } finally {
      file.close()
    }
  } catch (error) {
    if (isShortage(error)) throw error // silence would say that nothing was removed
    return undefined
  }
}

function parsed(text: string | undefined, size: number): DeliveredMarker | undefined {
  if (text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const { size: said, leaf, closed, at, sinks, torn } = fieldsOf(value)
  const fits =
    said === size &&
    typeof leaf === 'string' &&
    HASH.test(leaf) &&
    typeof closed === 'boolean' &&
    Number.isSafeInteger(at) &&
    Array.isArray(sinks) &&
    sinks.length <= SINKS_MAX &&
    sinks.every((name) => typeof name === 'string' && SINK_NAME.test(name))
  if (!fits) return undefined
  const marker = { size, leaf, closed, at: at as number, sinks: sinks as string[] }
  const tail = tornOf(torn)
  return tail === undefined ? marker : { ...marker, torn: tail }
}

function tornOf(value: unknown): DeliveredMarker['torn'] {
  const { bytes, sha256 } = fieldsOf(value)
  const fits = Number.isSafeInteger(bytes) && (bytes as number) > 0
  if (!fits || typeof sha256 !== 'string' || !HASH.test(sha256)) return undefined
  return { bytes: bytes as number, sha256 }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
