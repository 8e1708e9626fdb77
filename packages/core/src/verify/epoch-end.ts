// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EpochOutcome } from './epoch-outcome.ts'
import type { Findings, Place, Report } from './findings.ts'
import type { Observation } from './openings.ts'
import type { EpochEnds } from './verdict.ts'

/** How an epoch ends. */
export type EndKind = keyof EpochEnds

/** An epoch's end, judged by all that is known of it. */
export interface EpochEnd {
  readonly kind: EndKind
  /** Records that there should be, at least. */
  readonly expected: number
  /** Why calls may have no end here; undefined where they must have one. */
  readonly excuse: string | undefined
}

/** What an end is judged by. */
export interface EndChecks {
  readonly findings: Findings
  /** What other epochs say of this one. */
  readonly observed: readonly Observation[]
  /** Its writer may be at work. */
  readonly live: boolean
  /** How many of its records signatures answer for, its own and those of later epochs. */
  readonly signedSize: number
}

/** Judges the end of an epoch: is it where checkpoints, heads and observers say it should be? */
export function checkEnd(outcome: EpochOutcome, checks: EndChecks): EpochEnd {
  const kind = kindOf(outcome, checks)
  const expected = expectedSize(outcome, checks.observed)
  if (!outcome.unverifiable) {
    const cut = checkTruncated(outcome, checks)
    if (!cut) checkClosed(outcome, kind, checks)
    checkTail(outcome, checks)
    checkObservedAsClosed(outcome, checks)
  }
  return { kind, expected, excuse: excuseOf(kind, checks.live) }
}

/** Observers who saw the epoch end, its writer being gone, where it ends here. */
function endObservers({ observers, size }: EpochOutcome): Observation[] {
  return [...observers].filter((seen) => seen.size === size && seen.state !== 'live')
}

function deathsOf(outcome: EpochOutcome): Observation[] {
  return endObservers(outcome).filter(({ state }) => state !== 'closed')
}

function kindOf(outcome: EpochOutcome, checks: EndChecks): EndKind {
  if (outcome.endExpired || (outcome.closed && !isLoose(outcome, checks))) return 'closed'
  if (deathsOf(outcome).length > 0) return 'crashed'
  return outcome.headSize > 0 && outcome.headSize === outcome.size ? 'headed' : 'open'
}

/**
 * An `epoch.close` behind everything that is signed, or kept outside, proves no end: whoever can write
 * the folder can cut the epoch back to a checkpoint and close it anew. Where something else was found
 * about the epoch, that explains it.
 */
function isLoose(outcome: EpochOutcome, { signedSize }: EndChecks): boolean {
  const { checkpointFaults, coveredSize, doubts, headSize, key, size } = outcome
  if (checkpointFaults > 0 || key === undefined || coveredSize === 0 || !doubts.empty) return false
  return Math.max(signedSize, headSize) < size
}

function excuseOf(kind: EndKind, live: boolean): string | undefined {
  if (kind === 'crashed') return 'its process died'
  if (kind === 'closed') return undefined
  if (live) return 'its process may be at work'
  return kind === 'headed' ? 'it may have ended behind the given head' : undefined
}

function expectedSize(outcome: EpochOutcome, observed: readonly Observation[]): number {
  const sizes = observed.map(({ size, expected_size: expected = 0 }) => Math.max(size, expected))
  const logged = outcome.named?.sizes.largest ?? 0
  return Math.max(outcome.size, outcome.claimedSize, logged, maxOf(sizes))
}

function maxOf(numbers: readonly number[]): number {
  return numbers.reduce((max, number) => Math.max(max, number), 0)
}

/** Fewer records than someone saw or signed. */
function checkTruncated(outcome: EpochOutcome, checks: EndChecks): boolean {
  const { size, claimedSize } = outcome
  const seen = checks.observed.reduce<Observation | undefined>(
    (most, one) => (one.size > (most?.size ?? 0) ? one : most),
    undefined,
  )
  const seenSize = seen?.size ?? 0
  const logged = outcome.named?.sizes.largest ?? 0
  const most = Math.max(claimedSize, seenSize, logged)
  if (most > size) {
    const own = seenSize > claimedSize ? `epoch ${seen?.by} saw` : 'a checkpoint names'
    const who = logged === most && claimedSize < most ? 'the tenant log names' : own
    const message = `The epoch ends after ${size} records, and ${who} ${most}.`
    // The records alone do not tell.
    const outside = Math.max(claimedSize, seenSize) <= size
    const check = outside ? 'completeness' : 'checkpoint'
    fault(checks, { code: 'truncated', check, message, outside }, endPlace(outcome, most))
    outcome.lostEnds.add(size, most - 1)
    return true
  }
  const lost = checks.observed.find(({ state }) => state === 'lost')
  if (lost === undefined) return false
  reportLost(lost, checks.findings)
  return true
}

/** An opener found fewer records of an epoch than a head outside the journal names. */
export function reportLost(lost: Observation, findings: Findings): void {
  const { epoch, size, expected_size: expected = 'more', by, seq, spot } = lost
  const message = `Epoch ${by} found ${size} records of epoch ${epoch}, and its writer or keyring knew of ${expected}.`
  const place = { ...spot, epoch: by, seq }
  findings.fault({ code: 'truncated', check: 'epoch', message }, place)
}

/** An epoch that did not close itself, unless something later names its end. */
function checkClosed(outcome: EpochOutcome, kind: EndKind, checks: EndChecks): void {
  if (kind === 'closed' || outcome.pastEnd) return
  if (outcome.size === 0 && outcome.foreignCount > 0) return
  const report = { code: 'unclosed', check: 'epoch' } as const
  const place = endPlace(outcome)
  if (kind === 'crashed') {
    const by = deathsOf(outcome)[0]?.by
    const message = `The epoch was never closed: its process died, as epoch ${by} saw.`
    checks.findings.notice({ ...report, message }, place)
  } else if (kind === 'headed') {
    const message = 'The epoch is not closed; it ends where the given head says.'
    checks.findings.notice({ ...report, message }, place)
  } else if (checks.live) {
    const message = outcome.closed
      ? 'The epoch.close is not signed yet: its process may be at work.'
      : 'The epoch is open: its process may be at work.'
    checks.findings.notice({ ...report, message }, place)
  } else {
    const message = outcome.closed
      ? `The epoch.close stands behind the last signed checkpoint, of ${checks.signedSize} records: those behind may have been replaced, and the epoch closed by somebody else.`
      : 'The epoch is not closed, and nothing names its end: records may be missing behind the last.'
    fault(checks, { ...report, message }, place)
  }
}

/** Bytes behind the last record: explained where the observers of a crash name the same. */
function checkTail(outcome: EpochOutcome, checks: EndChecks): void {
  const { torn } = outcome
  const observers = endObservers(outcome)
  const report = { code: 'torn', check: 'parse' } as const
  if (torn === undefined) {
    const named = observers.find((seen) => seen.torn !== undefined)
    if (named === undefined) return
    const message = `Epoch ${named.by} saw ${named.torn?.bytes} torn bytes behind the last record, which are not here.`
    checks.findings.notice({ ...report, message }, endPlace(outcome))
    return
  }
  const place = { ...torn.spot, epoch: outcome.epoch }
  const bytes = `${torn.bytes} bytes behind the last record are no record`
  const differing = observers.find(
    (seen) => seen.torn?.bytes !== torn.bytes || seen.torn.sha256 !== torn.sha256,
  )
  if (differing !== undefined) {
    const message = `${bytes}, and epoch ${differing.by} saw others there.`
    fault(checks, { ...report, message }, place)
  } else if (observers.length > 0) {
    const message = `${bytes}: a crash tore them, as epoch ${observers[0]?.by} saw.`
    checks.findings.notice({ ...report, message }, place)
  } else if (checks.live && !outcome.closed) {
    const message = `${bytes}: one may be being written.`
    checks.findings.notice({ ...report, message }, place)
  } else {
    fault(checks, { ...report, message: `${bytes}, and no later epoch names them.` }, place)
  }
}

function checkObservedAsClosed(outcome: EpochOutcome, checks: EndChecks): void {
  if (outcome.closed || outcome.endExpired) return
  for (const seen of outcome.observers) {
    if (seen.state !== 'closed' || seen.size !== outcome.size) continue
    const message = `The observer saw epoch ${outcome.epoch} closed, and its last record is no epoch.close.`
    const place = { ...seen.spot, epoch: seen.by, seq: seen.seq }
    fault(checks, { code: 'forged', check: 'epoch', message }, place)
    return
  }
}

function fault({ findings }: EndChecks, report: Report, place: Place): void {
  findings.fault(report, place)
}

/** Where the epoch ends; with `size`, where it should. */
function endPlace({ opening, epoch, lastSpot, size }: EpochOutcome, most?: number): Place {
  const seq = most === undefined ? Math.max(0, size - 1) : size
  const lastSeq = most === undefined ? undefined : most - 1
  return {
    file: opening.source.name,
    ...lastSpot,
    epoch,
    ...(size > 0 || most !== undefined ? { seq } : {}),
    lastSeq,
  }
}
