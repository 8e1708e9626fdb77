// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { canonicalize, isCanonicalText } from '../canonical.ts'
import type { Encoding } from '../encode.ts'
import { AuditError } from '../errors.ts'
import { RECORD_BYTES_MAX } from '../record.ts'
import { PROOF_HASHES_MAX } from '../tlog/proof.ts'

/** Proof bundles: one record, its way up to a head, and who vouches; `spec/bundle.md` is normative. */

export const BUNDLE_BYTES_MAX: number = 1_048_576
const FORMAT = 'spanseal/bundle/1'
const NOTE_BYTES_MAX = 65_536
const CERTS_MAX = 2
const REVOCATIONS_MAX = 64
const TIMESTAMPS_MAX = 16
const OPENINGS_MAX = 64
const POINTER_BYTES_MAX = 256
const ENCODINGS: ReadonlySet<string> = new Set<Encoding>([
  'bytes',
  'text',
  'json',
  'typed/1',
  'items/1',
  'args/1',
])

/** Where an entry stands in the tenant log. */
export interface EntryProof {
  /** Its index. */
  readonly entry: number
  /** Inclusion, from the leaf up; 64 hex digits each. */
  readonly path: readonly string[]
}

/** The tenant log's part of a bundle. */
export interface TenantProof extends EntryProof {
  /** The tenant log's signed note, cosignatures included. `entry` and `path` are of the epoch's checkpoint text. */
  readonly checkpoint: string
  /** Of the epoch's certificate, the whole note. */
  readonly certificate: EntryProof
  /** Signed notes: what whoever made the bundle knew to be revoked. */
  readonly revocations?: readonly string[]
  /** Base64 of DER `TimeStampResp` over the SHA-256 of the checkpoint's text. */
  readonly timestamps?: readonly string[]
}

/** What a commitment of the record stands for. */
export interface BundleOpening {
  /** JSON Pointer to where the commitment stands in the record, for instance `/invocation/input`. */
  readonly field: string
  readonly enc: Encoding
  /** 64 hex digits; absent where the commitment is a plain `sha256`. */
  readonly salt?: string
  /** Base64 of the encoded bytes. */
  readonly value: string
}

/** That a record is in a log. */
export interface Bundle {
  /** The line, without LF. */
  readonly record: string
  /** Inclusion of the record in the epoch's checkpoint, from the leaf up; 64 hex digits each. */
  readonly path: readonly string[]
  /** The epoch's signed note. */
  readonly checkpoint: string
  /** Signed notes, as `epoch.open` has them: the epoch's, the issuer's. */
  readonly certs: readonly string[]
  readonly tenant?: TenantProof
  readonly openings?: readonly BundleOpening[]
}

/**
 * The bundle as its one text: RFC 8785 and a LF.
 *
 * @throws AuditError `MALFORMED_BUNDLE` where it could not be read back, for instance over 1 MiB
 */
export function formatBundle(bundle: Bundle): string {
  let text: string
  try {
    text = `${canonicalize({ ...bundle, bundle: FORMAT })}\n`
  } catch (cause) {
    throw new AuditError('MALFORMED_BUNDLE', 'a bundle holds what has no canonical JSON', { cause })
  }
  // In pairs: nothing is handed out that could not be read back.
  parseBundle(text)
  return text
}

/**
 * Takes a bundle apart. Its form is checked and nothing else: {@link checkBundle} says what it shows.
 *
 * @param bundle the text, or the bytes of the file
 * @throws AuditError `MALFORMED_BUNDLE` for more than 1 MiB, for anything but the one canonical form,
 * and for unknown keys
 */
export function parseBundle(bundle: string | Uint8Array): Bundle {
  const text = typeof bundle === 'string' ? bundle : decode(bundle)
  if (text.length > BUNDLE_BYTES_MAX || Buffer.byteLength(text) > BUNDLE_BYTES_MAX) {
    refuse('it has over 1 MiB')
  }
  if (!text.endsWith('}\n')) refuse('it is not one JSON object and a line feed')
  const body = text.slice(0, -1)
  const value = parseJson(body)
  const parsed = readBundle(value)
  // Only now: what was read is flat, whatever the text was like.
  if (!isCanonicalText(body, value)) refuse('it is not in its one canonical form')
  return parsed
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Uint8Array): string {
  if (bytes.length > BUNDLE_BYTES_MAX) refuse('it has over 1 MiB')
  try {
    return utf8.decode(bytes)
  } catch {
    return refuse('it is not UTF-8')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return refuse('it is not JSON')
  }
}

function refuse(why: string): never {
  throw new AuditError('MALFORMED_BUNDLE', `not a proof bundle: ${why}`)
}

function readBundle(value: unknown): Bundle {
  const keys = ['bundle', 'certs', 'checkpoint', 'path', 'record']
  const bundle = fieldsOf(value, 'the bundle', { keys, optional: ['openings', 'tenant'] })
  if (bundle['bundle'] !== FORMAT) refuse(`it does not say that it is ${FORMAT}`)
  const certs = notesOf(bundle['certs'], 'certs', [0, CERTS_MAX])
  if (bundle['tenant'] !== undefined && certs.length === 0) {
    refuse('it names an entry of the tenant log for a certificate that it does not hold')
  }
  return {
    record: textOf(bundle['record'], 'record', RECORD_BYTES_MAX),
    path: pathOf(bundle['path'], 'path'),
    checkpoint: textOf(bundle['checkpoint'], 'checkpoint', NOTE_BYTES_MAX),
    certs,
    ...('tenant' in bundle && { tenant: tenantOf(bundle['tenant']) }),
    ...('openings' in bundle && { openings: openingsOf(bundle['openings']) }),
  }
}

function tenantOf(value: unknown): TenantProof {
  const keys = ['certificate', 'checkpoint', 'entry', 'path']
  const optional = ['revocations', 'timestamps']
  const tenant = fieldsOf(value, 'tenant', { keys, optional })
  const certificate = fieldsOf(tenant['certificate'], 'tenant.certificate', {
    keys: ['entry', 'path'],
  })
  return {
    checkpoint: textOf(tenant['checkpoint'], 'tenant.checkpoint', NOTE_BYTES_MAX),
    entry: indexOf(tenant['entry'], 'tenant.entry'),
    path: pathOf(tenant['path'], 'tenant.path'),
    certificate: {
      entry: indexOf(certificate['entry'], 'tenant.certificate.entry'),
      path: pathOf(certificate['path'], 'tenant.certificate.path'),
    },
    ...('revocations' in tenant && {
      revocations: notesOf(tenant['revocations'], 'tenant.revocations', [1, REVOCATIONS_MAX]),
    }),
    ...('timestamps' in tenant && {
      timestamps: listOf(tenant['timestamps'], 'tenant.timestamps', [1, TIMESTAMPS_MAX]).map(
        (token) => base64Of(token, 'tenant.timestamps'),
      ),
    }),
  }
}

function openingsOf(value: unknown): BundleOpening[] {
  const openings = listOf(value, 'openings', [1, OPENINGS_MAX]).map((item): BundleOpening => {
    const keys = ['enc', 'field', 'value']
    const opening = fieldsOf(item, 'openings', { keys, optional: ['salt'] })
    const { enc, field, salt } = opening as Record<string, unknown>
    if (typeof enc !== 'string' || !ENCODINGS.has(enc)) refuse('an opening has no known encoding')
    if (!isPointer(field)) refuse('the field of an opening is no JSON Pointer')
    if ('salt' in opening && !isHash(salt)) refuse('a salt is not 64 hex digits')
    return {
      field: field as string,
      enc: enc as Encoding,
      ...(salt !== undefined && { salt: salt as string }),
      value: base64Of(opening['value'], 'the value of an opening'),
    }
  })
  if (new Set(openings.map(({ field }) => field)).size < openings.length) {
    refuse('it opens a field twice')
  }
  return openings
}

interface Shape {
  readonly keys: readonly string[]
  readonly optional?: readonly string[]
}

function fieldsOf(
  value: unknown,
  name: string,
  { keys, optional = [] }: Shape,
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(`${name} is no object`)
  }
  const present = Object.keys(value)
  if (!keys.every((key) => present.includes(key))) refuse(`${name} lacks a key`)
  if (!present.every((key) => keys.includes(key) || optional.includes(key))) {
    refuse(`${name} has a key that does not belong there`)
  }
  return value as Record<string, unknown>
}

function listOf(value: unknown, name: string, [min, max]: readonly [number, number]): unknown[] {
  if (Array.isArray(value) && value.length >= min && value.length <= max) return value as unknown[]
  return refuse(`${name} is no list of ${min} to ${max}`)
}

function textOf(value: unknown, name: string, bytesMax: number): string {
  if (typeof value === 'string' && Buffer.byteLength(value) <= bytesMax) return value
  return refuse(`${name} is no text of at most ${bytesMax} bytes`)
}

function notesOf(value: unknown, name: string, counts: readonly [number, number]): string[] {
  return listOf(value, name, counts).map((note) => textOf(note, name, NOTE_BYTES_MAX))
}

function pathOf(value: unknown, name: string): string[] {
  const path = listOf(value, name, [0, PROOF_HASHES_MAX])
  return path.every(isHash) ? path : refuse(`${name} holds what is not 64 hex digits`)
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

function indexOf(value: unknown, name: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  return refuse(`${name} is no index`)
}

function base64Of(value: unknown, name: string): string {
  const isCanonical =
    typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value
  return isCanonical ? value : refuse(`${name} is not base64`)
}

function isPointer(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    Buffer.byteLength(value) <= POINTER_BYTES_MAX &&
    /^(\/([^~/]|~[01])*)*$/.test(value)
  )
}
