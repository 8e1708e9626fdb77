// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint } from '../checkpoint.ts'
import { parseCheckpoint } from '../checkpoint.ts'
import { epochMillis } from '../epoch-id.ts'
import { AuditError } from '../errors.ts'
import { leafHash } from '../hash.ts'
import type { NoteKey } from '../note.ts'
import { parseNote } from '../note.ts'
import { RECORD_REV } from '../record.ts'
import { parseRevocation } from '../revocation.ts'
import type { WitnessKey } from '../tlog/cosignature.ts'
import { inclusionRoot } from '../tlog/proof.ts'
import type { Envelope } from '../verify/read-record.ts'
import { RecordReader } from '../verify/read-record.ts'
import type { Bundle } from './bundle.ts'
import { parseBundle } from './bundle.ts'
import type { BundleRecord, BundleVerdict, OpeningVerdict } from './bundle-verdict.ts'
import { BundleReport } from './bundle-verdict.ts'
import { checkOpening } from './check-opening.ts'
import { checkRevocations } from './check-revocation.ts'
import { checkSignature } from './check-signature.ts'
import { checkHeads, checkTenant, checkTimestamps, checkWitnesses } from './check-tenant.ts'
import type { SignedHead } from './read-head.ts'
import { readHead } from './read-head.ts'

/** How far ahead of the checker's clock an epoch may have been opened. */
const CLOCK_AHEAD_MILLIS_MAX = 300_000

export interface CheckBundleOptions {
  /** Public keys that are trusted: tenant, issuer or epoch keys, from elsewhere than the bundle. */
  readonly keys: readonly NoteKey[]
  /** Witnesses that are trusted, and how many of them must have cosigned the tenant log's head. */
  readonly witnesses?: { readonly keys: readonly WitnessKey[]; readonly threshold: number }
  /** Heads kept elsewhere, of the tenant log or of epochs: signed notes, or what they say. */
  readonly heads?: readonly (string | Checkpoint)[]
  /** Signed notes that revoke keys, besides those in the bundle. */
  readonly revocations?: readonly string[]
  /**
   * Checks an RFC 3161 TimeStampResp over a SHA-256 digest; holds the authorities that are trusted.
   * Whatever it throws, the token does not count.
   */
  readonly verifyTimestamp?: (
    token: Uint8Array,
    digestHex: string,
  ) => Promise<{ readonly time: string }>
  /** Unix milliseconds; default: the system's clock. */
  readonly now?: () => number
}

/**
 * Checks what a proof bundle shows, from its text alone: `spec/bundle.md`.
 *
 * Says that the record is in the log and who vouches for that, never that the log is complete.
 * Whatever the bundle is like, the answer is a verdict: nothing in it makes this throw. Time and
 * memory are bounded by its size, which is 1 MiB at most.
 *
 * @param bundle the text, or the bytes of the file
 * @throws AuditError for options that are none: `INVALID_OPTION` for a threshold that the witnesses
 * cannot reach; `MALFORMED_NOTE`, `MALFORMED_CHECKPOINT` for a head; `MALFORMED_NOTE`,
 * `MALFORMED_REVOCATION` for a revocation
 */
export async function checkBundle(
  bundle: string | Uint8Array,
  options: CheckBundleOptions,
): Promise<BundleVerdict> {
  const asked = readOptions(options)
  const report = new BundleReport()
  const parsed = parsedBundle(bundle, report)
  const record = parsed && readRecord(parsed.record, report)
  if (parsed === undefined || record === undefined) {
    return verdictOf(report, { witnesses: asked.witnesses.keys.length })
  }
  const { log, epoch, at } = record
  checkClock(record, { now: asked.now(), report })
  const head = epochHead(parsed, record, report)
  const included = head !== undefined && checkInclusion(parsed, { record, head }, report)
  const vouched = checkSignature(parsed, { log, epoch, head, keys: asked.keys }, report)
  const tenant = checkTenant(parsed, { log, keys: asked.keys }, report)
  const heads = { given: asked.heads, log, epoch }
  const headMatched = checkHeads(heads, { epoch: head, tenant: tenant?.head }, report)
  checkRevocations(parsed, { log, keys: asked.keys, given: asked.revocations, tenant }, report)
  const witnesses = checkWitnesses(tenant?.head, asked.witnesses, report)
  const stamp = { at, verify: asked.verifyTimestamp, tokens: parsed.tenant?.timestamps ?? [] }
  const timestamped = await checkTimestamps(tenant?.head, stamp, report)
  if (tenant?.unknown === true && !headMatched && !isEnough(witnesses, asked.witnesses)) {
    const message =
      'You pinned no tenant key, so nobody vouches for the tenant log that it leads to.'
    report.notice('tenant', 'unsigned', message)
  }
  const openings = checkOpenings(parsed, record.value, report)
  return verdictOf(report, {
    record,
    included,
    signed: vouched && report.holds('signature', 'revocation'),
    headMatched,
    cosigned: witnesses,
    threshold: asked.witnesses.threshold,
    witnesses: asked.witnesses.keys.length,
    timestamped,
    openings,
  })
}

function isEnough(cosigned: number, { threshold }: { readonly threshold: number }): boolean {
  return threshold > 0 && cosigned >= threshold
}

interface Asked {
  readonly keys: readonly NoteKey[]
  readonly witnesses: { readonly keys: readonly WitnessKey[]; readonly threshold: number }
  readonly heads: readonly Checkpoint[]
  readonly revocations: readonly string[]
  readonly verifyTimestamp: CheckBundleOptions['verifyTimestamp']
  readonly now: () => number
}

function readOptions(options: CheckBundleOptions): Asked {
  const { keys, heads = [], revocations = [], verifyTimestamp, now = Date.now } = options
  const { witnesses = { keys: [], threshold: 0 } } = options
  for (const note of revocations) parseRevocation(parseNote(note).text)
  const distinct = new Set(witnesses.keys.map((key) => Buffer.from(key.publicKey).toString('hex')))
  const { threshold } = witnesses
  const least = options.witnesses === undefined ? 0 : 1
  if (!Number.isSafeInteger(threshold) || threshold < least || threshold > distinct.size) {
    throw new AuditError(
      'INVALID_OPTION',
      `witnesses: ${threshold} of ${distinct.size} cannot be; give a number from 1 to the number of keys`,
      { details: { option: 'witnesses' } },
    )
  }
  return {
    keys,
    witnesses,
    heads: heads.map((head) =>
      typeof head === 'string' ? parseCheckpoint(parseNote(head).text) : head,
    ),
    revocations,
    verifyTimestamp,
    now,
  }
}

function parsedBundle(bundle: string | Uint8Array, report: BundleReport): Bundle | undefined {
  report.asked('bundle')
  try {
    return parseBundle(bundle)
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    report.fault('bundle', 'malformed', `This is ${error.message}.`)
    return undefined
  }
}

/** A record of version 1, whatever its revision. */
interface ReadableRecord extends BundleRecord {
  readonly value: Envelope
}

function readRecord(text: string, report: BundleReport): ReadableRecord | undefined {
  report.asked('record')
  const bytes = Buffer.from(text, 'utf8')
  const { length } = bytes
  const line = { bytes, start: 0, end: length, number: 1, byteOffset: 0, length }
  // A reader of its own: what it has learned of other lines could not be told apart.
  const read = new RecordReader().read({ ...line, tooLong: false, ended: true })
  if (read.kind === 'version') {
    // Whatever stands there may be nested deeper than it could be written again.
    const version = typeof read.v === 'number' ? String(read.v) : 'unknown'
    const message = `The record is of version ${version}, which this release cannot check.`
    report.fault('record', 'unverifiable', message)
    return undefined
  }
  if (read.kind === 'broken') {
    const code = read.check === 'schema' ? 'schema' : 'edited'
    report.fault('record', code, `The record’s line ${read.why}: no writer leaves it so.`)
    return undefined
  }
  const { type, chain, time, rev } = read.envelope
  if (read.violation !== undefined) {
    report.fault('record', 'schema', `The record is none of its type: ${read.violation}.`)
  } else if (rev > RECORD_REV) {
    const message = `The record is of revision ${rev}, newer than this release; its schema was not checked.`
    report.notice('record', 'newer_rev', message)
  }
  const { log, epoch, seq } = chain
  return { log, epoch, seq, type, at: time.at, leaf: leafHash(bytes), value: read.envelope }
}

function checkClock(
  { epoch }: BundleRecord,
  { now, report }: { readonly now: number; readonly report: BundleReport },
): void {
  if (epochMillis(epoch) <= now + CLOCK_AHEAD_MILLIS_MAX) return
  const message =
    'By its id the record’s epoch was opened later than it is here now: one of the clocks is wrong.'
  report.notice('record', 'clock', message)
}

/** The epoch's head that the bundle brings along, its signature not yet checked. */
function epochHead(
  { checkpoint }: Bundle,
  { log, epoch }: BundleRecord,
  report: BundleReport,
): SignedHead | undefined {
  report.asked('inclusion')
  const head = readHead(checkpoint)
  if (head === undefined) {
    report.fault('inclusion', 'edited', 'What stands for the checkpoint is no signed checkpoint.')
    return undefined
  }
  if (head.origin === `${log}/${epoch}`) return head
  const message = `The checkpoint is one of ${head.origin}, and the record stands in ${log}/${epoch}.`
  report.fault('inclusion', 'forged', message)
  return undefined
}

function checkInclusion(
  { path }: Bundle,
  { record, head }: { readonly record: BundleRecord; readonly head: SignedHead },
  report: BundleReport,
): boolean {
  const { seq, leaf } = record
  const { size, root } = head
  if (seq >= size) {
    const message = `The checkpoint covers ${size} records, and this is record ${seq}, counted from 0.`
    report.fault('inclusion', 'edited', message)
    return false
  }
  if (inclusionRoot(leaf, { index: seq, size }, path) === root) return true
  const message = `The record does not lead to the root of the checkpoint of size ${size}: record, path or checkpoint are not what they were.`
  report.fault('inclusion', 'edited', message)
  return false
}

function checkOpenings(
  { openings = [] }: Bundle,
  record: Envelope,
  report: BundleReport,
): OpeningVerdict[] {
  return openings.map((opening): OpeningVerdict => {
    report.asked('opening')
    const { field } = opening
    const outcome = checkOpening(record, opening)
    const bytes = Buffer.from(opening.value, 'base64').length
    if ('commitment' in outcome) {
      return { field, holds: true, bytes, partial: outcome.commitment.partial === true }
    }
    const message = `The value given for ${field} is not what the record committed to: ${outcome.flaw}.`
    report.fault('opening', 'forged', message)
    return { field, holds: false, bytes, partial: false }
  })
}

interface Outcome {
  readonly record?: ReadableRecord
  readonly included?: boolean
  readonly signed?: boolean
  readonly headMatched?: boolean
  readonly cosigned?: number
  readonly threshold?: number
  readonly witnesses: number
  readonly timestamped?: string | undefined
  readonly openings?: readonly OpeningVerdict[]
}

function verdictOf(report: BundleReport, outcome: Outcome): BundleVerdict {
  const { record, included = false, signed = false, headMatched = false } = outcome
  const { cosigned = 0, threshold = 0, witnesses, timestamped, openings = [] } = outcome
  const ok = included && !report.findings.some(({ kind }) => kind === 'fault')
  const enough = isEnough(cosigned, { threshold })
  const steps = [ok, signed, headMatched || enough, enough, timestamped !== undefined]
  const failed = steps.indexOf(false)
  return {
    ok,
    level: (failed < 0 ? steps.length : failed) as BundleVerdict['level'],
    ...(record !== undefined && { record: shown(record) }),
    checks: report.checks(),
    included,
    signed: ok && signed,
    headMatched: ok && headMatched,
    witnessed: { k: cosigned, n: witnesses },
    ...(timestamped !== undefined && { timestamped }),
    openings,
    findings: report.findings,
  }
}

function shown({ log, epoch, seq, type, at, leaf }: ReadableRecord): BundleRecord {
  return { log, epoch, seq, type, at, leaf }
}
