// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { WitnessKey } from '@spanseal/core'
import { AuditError, BUNDLE_BYTES_MAX, parseWitnessKey } from '@spanseal/core'

/** Nothing that is named on the command line here is longer than a bundle. */
const BYTES_MAX = BUNDLE_BYTES_MAX

/**
 * The bytes of a file; of one that is longer than a bundle may be, as many as it takes to see that.
 *
 * @throws AuditError `NOT_FOUND`, `INVALID_OPTION`
 */
export function shortFile(option: string, path: string): Buffer {
  const refuse = (code: 'NOT_FOUND' | 'INVALID_OPTION', why: string, cause?: unknown): never => {
    const details = { option, file: path }
    throw new AuditError(code, `${option}: ${path} ${why}`, { cause, details })
  }
  let fd: number
  try {
    // A named pipe is not waited for.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return refuse('NOT_FOUND', 'is not there', error)
    return refuse('INVALID_OPTION', `cannot be read (${code})`, error)
  }
  try {
    if (!fstatSync(fd).isFile()) return refuse('INVALID_OPTION', 'is no regular file')
    const buffer = Buffer.alloc(BYTES_MAX + 1)
    let filled = 0
    for (let more = -1; more !== 0 && filled < buffer.length; filled += more) {
      more = readSync(fd, buffer, filled, buffer.length - filled, filled)
    }
    return buffer.subarray(0, filled)
  } finally {
    closeSync(fd)
  }
}

/** Witnesses, and how many of them are asked for. */
export interface WitnessesGiven {
  readonly keys: readonly WitnessKey[]
  readonly threshold: number
}

/** `<name>+<8 hex digits>+<base64>`; a path of that form is not expected. */
const WITNESS_KEY = /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/

/**
 * What `--witness k/n` and the `--witness-key`s say: n keys, given as text or as files with one a
 * line; undefined where neither is given.
 *
 * @throws AuditError `INVALID_OPTION`, `MALFORMED_KEY`, `NOT_FOUND`
 */
export function witnessesGiven(
  quorum: string | undefined,
  values: readonly string[],
): WitnessesGiven | undefined {
  if (quorum === undefined && values.length === 0) return undefined
  const keys = values.flatMap((value) => {
    if (WITNESS_KEY.test(value)) return [parseWitnessKey(value)]
    const lines = shortFile('--witness-key', value).toString().split(/\r?\n/)
    return lines
      .filter((line) => !/^\s*(#|$)/.test(line))
      .map((line) => parseWitnessKey(line.trim()))
  })
  const [, k = '', n = ''] = /^([1-9]\d{0,3})\/([1-9]\d{0,3})$/.exec(quorum ?? '') ?? []
  if (Number(n) === keys.length && Number(k) >= 1 && Number(k) <= Number(n)) {
    return { keys, threshold: Number(k) }
  }
  const why =
    quorum === undefined
      ? 'is missing beside --witness-key'
      : `${JSON.stringify(quorum.slice(0, 40))} does not fit ${keys.length} witness keys`
  throw new AuditError(
    'INVALID_OPTION',
    `--witness: ${why}; give k/n, for instance 2/3, and n times --witness-key`,
    { details: { option: '--witness' } },
  )
}
