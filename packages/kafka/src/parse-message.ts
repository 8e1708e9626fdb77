// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { isUtf8 } from 'node:buffer'
import type { SealedCheckpoint, SealedRecord } from '@spanseal/core'
import {
  isEpochId,
  isLogName,
  leafHash,
  parseCheckpoint,
  parseNote,
  RECORD_BYTES_MAX,
  RECORD_REV,
  RECORD_VERSION,
  schemaViolation,
} from '@spanseal/core'

/** A message as it lies in a topic. */
export interface ReadMessage {
  readonly key: Uint8Array | null
  readonly value: Buffer | null
  readonly headers?: MessageHeaders | undefined
}

/** A header may come several times. */
export type MessageHeaders = Readonly<
  Record<string, HeaderValue | readonly HeaderValue[] | undefined>
>
type HeaderValue = Uint8Array | string

/** What a message must be, beside being a record or a checkpoint. */
export interface MessageRules {
  readonly kind: 'record' | 'checkpoint'
  /** The logs it may belong to; undefined: any. */
  readonly logs?: ReadonlySet<string> | undefined
}

/** Why a message is not what its topic holds; one sentence without content of the message. */
export interface Malformed {
  readonly malformed: string
}

const REASON_LENGTH_MAX = 200
/** What a signed note may have. */
const NOTE_BYTES_MAX = 65_536
const TRACE_ID = /^[0-9a-f]{32}$/
const SPAN_ID = /^[0-9a-f]{16}$/

/**
 * The record or checkpoint that a message carries, or why it is none of ours: by its value, whose
 * epoch must be the message's key, and which no header that places it may contradict. Headers may be
 * missing.
 */
export function readMessage(
  message: ReadMessage,
  { kind, logs }: MessageRules,
): SealedRecord | SealedCheckpoint | Malformed {
  const parse = kind === 'record' ? parseRecord : parseCheckpointMessage
  const parsed = parse(message.value)
  if ('malformed' in parsed) return parsed
  if (logs?.has(parsed.log) === false) return { malformed: 'of a log that is not expected here' }
  if (message.key === null || message.key.length === 0) return { malformed: 'no key' }
  if (textOf(message.key) !== parsed.epoch) return { malformed: 'its key is not its epoch' }
  const name = contradicted(message.headers ?? {}, expectedHeaders(kind, parsed))
  return name === undefined ? parsed : { malformed: `its header ${name} says otherwise` }
}

function expectedHeaders(
  kind: MessageRules['kind'],
  { log, epoch, ...rest }: SealedRecord | SealedCheckpoint,
): Readonly<Record<string, string>> {
  return {
    'spanseal-schema': `${kind}/1`,
    'spanseal-log': log,
    'spanseal-epoch': epoch,
    ...('size' in rest ? { 'spanseal-size': `${rest.size}` } : {}),
    // Not `spanseal-leaf`: what was changed on the way is evidence, and for a verifier to see.
    ...('seq' in rest ? { 'spanseal-seq': `${rest.seq}` } : {}),
  }
}

/** The first header that is there and is not what it has to be. */
function contradicted(
  headers: MessageHeaders,
  expected: Readonly<Record<string, string>>,
): string | undefined {
  return Object.entries(expected).find(([name, text]) => {
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined
    return value !== undefined && textOf(value) !== text
  })?.[0]
}

function textOf(value: HeaderValue | readonly HeaderValue[]): string | undefined {
  if (typeof value === 'string') return value
  if (Buffer.isBuffer(value)) return value.toString('utf8')
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : undefined
}

/**
 * The record in a message's value: where it belongs is read from the value, its leaf is computed,
 * and neither key nor headers are believed. It has to be of the schema, as far as its `rev` is known;
 * whether it is sound is for the verifier to say.
 */
export function parseRecord(value: Buffer | null): SealedRecord | Malformed {
  if (value === null) return { malformed: 'no value' }
  if (value.length > RECORD_BYTES_MAX) return { malformed: `over ${RECORD_BYTES_MAX} bytes` }
  if (!isUtf8(value)) return { malformed: 'not UTF-8' }
  const record = parseJsonObject(value.toString('utf8'))
  if (record === undefined) return { malformed: 'not a JSON object' }
  const { log, epoch, seq } = asObject(record['chain'])
  if (typeof epoch !== 'string' || !isEpochId(epoch)) return { malformed: 'no epoch id' }
  if (typeof log !== 'string' || !isLogName(log)) return { malformed: 'no log name' }
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 0) {
    return { malformed: 'no sequence number' }
  }
  const type = record['type']
  if (typeof type !== 'string' || type.length > 128) return { malformed: 'no event type' }
  const violation = violationOf(record)
  if (violation !== undefined) return { malformed: violation }
  const traceparent = traceparentOf(asObject(record['trace']))
  return {
    log,
    epoch,
    seq,
    leaf: leafHash(value),
    type,
    ...(traceparent === undefined ? {} : { traceparent }),
    line: value,
  }
}

/** The checkpoint in a message's value: a signed note; its signatures are not checked here. */
export function parseCheckpointMessage(value: Buffer | null): SealedCheckpoint | Malformed {
  if (value === null) return { malformed: 'no value' }
  if (value.length > NOTE_BYTES_MAX) return { malformed: `over ${NOTE_BYTES_MAX} bytes` }
  if (!isUtf8(value)) return { malformed: 'not UTF-8' }
  const note = value.toString('utf8')
  try {
    const { origin, size } = parseCheckpoint(parseNote(note).text)
    const slash = origin.lastIndexOf('/')
    const log = origin.slice(0, Math.max(0, slash))
    const epoch = origin.slice(slash + 1)
    if (!isEpochId(epoch) || !isLogName(log)) return { malformed: "not an epoch's checkpoint" }
    return { log, epoch, size, note }
  } catch {
    return { malformed: 'not a signed checkpoint' }
  }
}

/** A higher `rev` than ours only adds, and is not ours to judge. */
function violationOf(record: Readonly<Record<string, unknown>>): string | undefined {
  if (record['v'] !== RECORD_VERSION) return 'a version that is not known'
  const { rev } = record
  if (typeof rev === 'number' && Number.isSafeInteger(rev) && rev > RECORD_REV) return undefined
  const violation = schemaViolation(record)
  if (violation === undefined) return undefined
  // Its keys are the sender's words.
  const path = /^[a-z0-9_/]*$/.test(violation.path) ? violation.path : ''
  const rule = violation.rule.replace(/^(has an unknown key) .*$/s, '$1')
  return `not of the schema: ${path} ${rule}`.slice(0, REASON_LENGTH_MAX)
}

function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return value as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function traceparentOf(trace: Readonly<Record<string, unknown>>): string | undefined {
  const { trace_id: traceId, span_id: spanId } = trace
  if (typeof traceId !== 'string' || !TRACE_ID.test(traceId)) return undefined
  if (typeof spanId !== 'string' || !SPAN_ID.test(spanId)) return undefined
  return `00-${traceId}-${spanId}-01`
}
