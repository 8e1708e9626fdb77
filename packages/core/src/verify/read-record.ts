// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { canonicalize } from '../canonical.ts'
import { isEpochId } from '../epoch-id.ts'
import type { AuditRecord, Chain } from '../record.ts'
import { RECORD_BYTES_MAX, RECORD_REV, RECORD_VERSION } from '../record.ts'
import { validateRecord } from '../validate.generated.ts'
import { schemaViolation } from '../validate-record.ts'
import type { Blocks, Shortened } from './known-blocks.ts'
import { KnownBlocks } from './known-blocks.ts'
import type { Line } from './lines.ts'
import type { Check } from './verdict.ts'

/** Levels of nesting that a record may have, the record itself being the first. */
export const RECORD_DEPTH_MAX = 16

/** What every record of version 1 has, whatever its revision. */
export interface Envelope {
  readonly v: number
  readonly rev: number
  readonly type: string
  readonly chain: {
    readonly epoch: string
    readonly log: string
    readonly prev: string
    readonly seq: number
  }
  readonly time: { readonly at: string; readonly event_at?: string; readonly mono_ns: string }
}

/** A line that is a record of a known version. */
export interface ReadRecord {
  readonly kind: 'record'
  readonly envelope: Envelope
  /** The record, if its revision is known and the schema holds. Its `blocks` may be stand-ins. */
  readonly record: AuditRecord | undefined
  /** The canonical texts of the blocks that it has. */
  readonly blocks: Blocks
  /** How it departs from the schema of its revision. */
  readonly violation: string | undefined
}

/** A line that is none: what it fails, and how. */
export interface BrokenLine {
  readonly kind: 'broken'
  readonly check: Check
  readonly why: string
}

/** A JSON object of a version whose bytes and hashes are not known here. */
export interface OtherVersion {
  readonly kind: 'version'
  readonly v: unknown
}

const REPLACEMENT = '\ufffd'
const PREV = /^[0-9a-f]{64}$/
const MONO = /^(0|[1-9]\d{0,18})$/
// In UTC, milliseconds; that the calendar has the day is the time check's business.
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

/** Reads lines as records: the checks `parse`, `canonical` and `schema`. Never throws. */
export class RecordReader {
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  readonly #known = new KnownBlocks()

  /** @param next where in its chain the record should stand; see {@link KnownBlocks.shorten} */
  read(line: Line, next?: Chain): ReadRecord | BrokenLine | OtherVersion {
    if (line.tooLong) return broken('parse', `is longer than ${RECORD_BYTES_MAX} bytes`)
    const text = this.#decode(line)
    if (text === undefined) return broken('parse', 'is not UTF-8')
    // Before anything throws: a file can be all garbage.
    if (!text.startsWith('{"') || !text.endsWith('}')) {
      return broken('parse', 'is not the JSON of a record')
    }
    const short = this.#known.shorten(text, next)
    const quick = short && this.#accept(short, parse(short.text))
    if (quick !== undefined) return quick
    const value = parse(text)
    return this.#accept({ text, taken: {} }, value) ?? this.#diagnose(text, value)
  }

  #decode({ bytes, start, end }: Line): string | undefined {
    const text = bytes.toString('utf8', start, end)
    // Decoding never lengthens, and shortens by what is valid beyond ASCII; so the same length
    // without a replacement character is ASCII.
    if (text.length === end - start && !text.includes(REPLACEMENT)) return text
    try {
      return this.#utf8.decode(bytes.subarray(start, end))
    } catch {
      return undefined
    }
  }

  /** A record that holds in every respect, and nothing else. */
  #accept(line: Shortened, value: unknown): ReadRecord | undefined {
    if (!hasPlainKeys(value, 1) || !isQuicklyCanonical(line.text, value)) return undefined
    this.#known.restore(value, line)
    if (!validateRecord(value)) return undefined
    const record = value as unknown as Record<string, unknown>
    if (line.place !== undefined) record['chain'] = line.place
    this.#known.learn(record, line.taken)
    const blocks = line.taken
    return { kind: 'record', envelope: value, record: value, blocks, violation: undefined }
  }

  /** Says what is wrong with a line, or that it holds only in ways that take longer to see. */
  #diagnose(text: string, value: unknown): ReadRecord | BrokenLine | OtherVersion {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return broken('parse', 'is not JSON')
    }
    const { v, rev } = value as { v?: unknown; rev?: unknown }
    if (v !== RECORD_VERSION && v !== undefined) return { kind: 'version', v }
    if (depthExceeds(value, RECORD_DEPTH_MAX)) {
      return broken('canonical', `is nested more than ${RECORD_DEPTH_MAX} levels deep`)
    }
    if (!isCanonical(text, value)) return broken('canonical', 'is not in its one canonical form')
    const flaw = envelopeFlaw(value)
    if (flaw !== undefined) return broken('schema', flaw)
    const envelope = value as unknown as Envelope
    if (typeof rev === 'number' && rev > RECORD_REV) {
      return {
        kind: 'record',
        envelope,
        record: undefined,
        blocks: blocksOf(value),
        violation: undefined,
      }
    }
    const violation = schemaViolation(value)
    if (violation === undefined) {
      const record = value as AuditRecord
      return { kind: 'record', envelope, record, blocks: blocksOf(value), violation: undefined }
    }
    const where = violation.path === '' ? 'the record' : violation.path
    return {
      kind: 'record',
      envelope,
      record: undefined,
      blocks: {},
      violation: `${where} ${violation.rule}`,
    }
  }
}

function broken(check: Check, why: string): BrokenLine {
  return { kind: 'broken', check, why }
}

/** The value, or undefined where the text is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function blocksOf(record: object): Blocks {
  const { actor, authorization, tool } = record as Record<string, unknown>
  return {
    ...(actor !== undefined && { actor: JSON.stringify(actor) }),
    ...(authorization !== undefined && { authorization: JSON.stringify(authorization) }),
    ...(tool !== undefined && { tool: JSON.stringify(tool) }),
  }
}

/** An object whose keys ascend at every level, without `__proto__`, not nested too deep. */
function hasPlainKeys(value: unknown, depth: number): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || depth > RECORD_DEPTH_MAX) return false
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) {
      if (typeof item === 'object' && item !== null && !hasPlainKeys(item, depth + 1)) return false
    }
    return true
  }
  let last = ''
  for (const key in value) {
    if (key < last || key === '__proto__') return false
    last = key
    const item = (value as Record<string, unknown>)[key]
    if (typeof item === 'object' && item !== null && !hasPlainKeys(item, depth + 1)) return false
  }
  return true
}

/**
 * Where keys ascend, `JSON.stringify` writes what RFC 8785 asks for, but for lone surrogates: it
 * escapes them where the canonical form has none. So a text with such an escape takes the long way.
 */
function isQuicklyCanonical(text: string, value: unknown): boolean {
  return JSON.stringify(value) === text && !text.includes('\\ud')
}

function isCanonical(text: string, value: unknown): boolean {
  try {
    return canonicalize(value) === text
  } catch {
    return false
  }
}

/** Asked before anything recurses: a line of 64 KiB can be nested 30,000 levels deep. */
function depthExceeds(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const item of Object.values(value)) if (depthExceeds(item, levels - 1)) return true
  return false
}

/** Why a record of any revision cannot be placed in a chain, or undefined. */
function envelopeFlaw(value: object): string | undefined {
  const { v, rev, type, chain, time } = value as Record<string, unknown>
  if (v === undefined) return 'has no version "v"'
  if (!Number.isSafeInteger(rev) || (rev as number) < 0) return 'has no revision "rev"'
  if (typeof type !== 'string') return 'has no type'
  if (typeof chain !== 'object' || chain === null) return 'has no place in a chain'
  const { epoch, log, prev, seq } = chain as Record<string, unknown>
  if (typeof epoch !== 'string' || !isEpochId(epoch)) return 'names no epoch'
  if (typeof log !== 'string') return 'names no log'
  if (typeof prev !== 'string' || !PREV.test(prev)) return 'has no link to its predecessor'
  if (!Number.isSafeInteger(seq) || (seq as number) < 0) return 'has no sequence number'
  if (typeof time !== 'object' || time === null) return 'has no time'
  const { at, mono_ns: mono, event_at: eventAt } = time as Record<string, unknown>
  if (!matches(at, TIME) || !matches(mono, MONO)) return 'has no time of the one form'
  if (eventAt !== undefined && !matches(eventAt, TIME)) return 'has no time of the one form'
  return undefined
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value)
}
