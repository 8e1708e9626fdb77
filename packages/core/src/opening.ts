// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { BundleOpening } from './bundle/bundle.ts'
import type { CommitKeys, Commitment, CommitPlace } from './commitment.ts'
import { commitmentSalt, openCommitment } from './commitment.ts'
import type { Encoding } from './encode.ts'
import { digestEncoded } from './encode.ts'
import { sha256Hex } from './hash.ts'
import type { AuditRecord } from './record.ts'

/**
 * The commitments of a record, and what opens one. `spec/commitments.md` is normative; bundles carry
 * and check openings.
 */

/** A commitment where it stands, and the place that it is bound to. */
export interface PlacedCommitment {
  /** JSON Pointer of the field, for instance `/invocation/input`; of a cut text, the text's. */
  readonly field: string
  readonly place: CommitPlace
  readonly commitment: Commitment
}

const INPUT_FIELD = '/invocation/input'
/** Deeper than any block of a record. */
const DEPTH_MAX = 8
const RECORD_ID = /^([0-9a-f-]{36})\/(0|[1-9]\d{0,15})$/

/** Every commitment of a record, in the order of its fields. */
export function commitmentsOf(record: AuditRecord): PlacedCommitment[] {
  const { epoch, seq } = record.chain
  const found: PlacedCommitment[] = []
  // `ext` is the user's and holds none of ours, whatever it looks like.
  for (const block of ['detail', 'invocation'] as const) {
    const value: unknown = record[block as keyof AuditRecord]
    collect(value, `/${block}`, (field, commitment) => {
      const start = field === INPUT_FIELD ? startOf(record) : undefined
      found.push({ field, commitment, place: { ...(start ?? { epoch, seq }), pointer: field } })
    })
  }
  return found
}

function collect(
  value: unknown,
  field: string,
  found: (field: string, commitment: Commitment) => void,
): void {
  if (typeof value !== 'object' || value === null || field.split('/').length > DEPTH_MAX) return
  const { alg, c, commitment, cut } = value as Record<string, unknown>
  if (typeof c === 'string' && (alg === 'blinded-sha256' || alg === 'sha256')) {
    found(field, value as Commitment)
  } else if (cut === true && commitment !== undefined) collect(commitment, field, found)
  else for (const [key, inner] of Object.entries(value)) collect(inner, `${field}/${key}`, found)
}

/** Where the start of an end stands: its input keeps that place. */
function startOf(record: AuditRecord): Pick<CommitPlace, 'epoch' | 'seq'> | undefined {
  const invocation = 'invocation' in record ? record.invocation : undefined
  const start: unknown = invocation !== undefined && 'start' in invocation && invocation.start
  const [, epoch, seq] = RECORD_ID.exec(typeof start === 'string' ? start : '') ?? []
  return epoch === undefined ? undefined : { epoch, seq: Number(seq) }
}

/** The commitment that stands at a field; undefined where none does. */
export function commitmentAt(record: AuditRecord, field: string): PlacedCommitment | undefined {
  return commitmentsOf(record).find((one) => one.field === field)
}

/**
 * The `c` that bytes in an encoding have.
 *
 * @param salt of a blinded commitment; undefined for a plain digest
 */
export function commitmentDigest(
  { enc, body }: { readonly enc: Encoding; readonly body: string | Uint8Array },
  place: CommitPlace,
  salt: string | undefined,
): string {
  if (salt === undefined) return sha256Hex(body)
  return openCommitment(digestEncoded({ enc, body, partial: false }).h, salt, place)
}

/** The opening of a commitment, for a proof bundle: discloses this one salt. */
export function openingOf(
  { field, place, commitment }: PlacedCommitment,
  body: string | Uint8Array,
  keys: CommitKeys | undefined,
): BundleOpening {
  const value = Buffer.from(body as string).toString('base64')
  const { enc } = commitment
  if (commitment.alg === 'sha256' || keys === undefined) return { field, enc, value }
  return { field, enc, salt: commitmentSalt(place, keys), value }
}
