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
} from '@spanseal/core'

/** Why a message is not what its topic holds; one sentence without content of the message. */
export interface Malformed {
  readonly malformed: string
}

const TRACE_ID = /^[0-9a-f]{32}$/
const SPAN_ID = /^[0-9a-f]{16}$/

/**
 * The record in a message's value: where it belongs is read from the value, its leaf is computed,
 * and neither key nor headers are believed. Whether the record is sound is for the verifier to say.
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
