// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint } from '../checkpoint.ts'
import type { NoteKey } from '../note.ts'
import type { WitnessKey } from '../tlog/cosignature.ts'
import type { EpochFate } from './call-check.ts'
import { CallCheck } from './call-check.ts'
import { signedCoverage } from './coverage.ts'
import type { EpochEnd } from './epoch-end.ts'
import { checkEnd, reportLost } from './epoch-end.ts'
import type { EpochOutcome } from './epoch-outcome.ts'
import type { Shared } from './epoch-run.ts'
import { EpochRun } from './epoch-run.ts'
import { Findings } from './findings.ts'
import { epochOfOrigin, readHeads } from './given-heads.ts'
import type { HeadFile } from './head-file.ts'
import type { EpochBytes, TenantLogBytes } from './input.ts'
import type { LeafPrints } from './leaf-prints.ts'
import { LineSplitter } from './lines.ts'
import { checkObservationOrder } from './observation-order.ts'
import type { Observation, Opening } from './openings.ts'
import { readOpening } from './openings.ts'
import { RecordReader } from './read-record.ts'
import type { EpochEnds, Verdict } from './verdict.ts'

/** How old an epoch may be that has no checkpoint yet while its writer is at work. */
const FIRST_CHECKPOINT_MILLIS_MAX = 60_000

export interface VerifyOptions {
  /**
   * Public keys that are trusted: tenant, issuer or epoch keys, from elsewhere than the files under
   * test. Default: none; then level 1 is the most that can hold.
   */
  readonly keys?: readonly NoteKey[]
  /**
   * Heads of epochs kept elsewhere: signed checkpoints, or what they say. Each must be reached; with
   * one for every epoch level 3 can hold.
   */
  readonly heads?: readonly (string | Checkpoint)[]
  /** Writers may be at work: an open epoch, its open calls and a line under way are no faults. Default: false. */
  readonly live?: boolean
  /** The tenant log to which a sealer brought checkpoints of these epochs. */
  readonly tenantLog?: TenantLogBytes
  /** Witnesses that the caller trusts, and how many of them have to have cosigned the tenant log. */
  readonly witnesses?: { readonly keys: readonly WitnessKey[]; readonly threshold: number }
  /** Signed notes that revoke keys, besides those in the tenant log. */
  readonly revocations?: readonly string[]
  /** Heads that the caller trusts and keeps: what they stand for is not read again. */
  readonly since?: HeadFile
  /**
   * Checks an RFC 3161 TimeStampResp over a SHA-256 digest; holds the authorities that are trusted.
   * Throws AuditError `MALFORMED_TIMESTAMP` for one that does not hold.
   */
  readonly verifyTimestamp?: (
    token: Uint8Array,
    digestHex: string,
  ) => Promise<{ readonly time: string }>
  /** Unix milliseconds; default: the system's clock. */
  readonly now?: () => number
  /** Told about each MiB, and at the end of each epoch. */
  readonly onProgress?: (bytes: number, records: number) => void
}

/**
 * Checks epochs, and the log that they make up, from their bytes alone.
 *
 * Runs the checks `parse canonical schema sequence link epoch calls time checkpoint`, goes on after
 * a fault, and lists what it found in the order of reading; a failure that follows from one already
 * listed is not listed again. Reads every epoch's beginning first and then every epoch once, in
 * constant memory but for calls under way, one bit a call and some hundred bytes an epoch.
 *
 * Whatever the bytes are, the answer is a verdict: nothing in them makes this throw.
 *
 * @throws AuditError `INVALID_OPTION`, `MALFORMED_NOTE` or `MALFORMED_CHECKPOINT` for `heads` that
 * are none; and whatever the source throws when it cannot be read
 */
export async function verify(
  epochs: AsyncIterable<EpochBytes> | Iterable<EpochBytes>,
  options: VerifyOptions = {},
): Promise<Verdict> {
  const verification = new Verification(options)
  for await (const epoch of epochs) await verification.readOpening(epoch)
  verification.checkOrder()
  await verification.checkRecords()
  verification.checkEnds()
  verification.checkSignatures()
  verification.checkAbsent()
  return verification.verdict()
}

/** One verification: its steps, and what they hand on to each other. */
class Verification {
  readonly #findings = new Findings()
  readonly #live: boolean
  readonly #shared: Omit<Shared, 'log'>
  #log: string | undefined
  readonly #openings: Opening[] = []
  readonly #observed = new Map<string, Observation[]>()
  readonly #outcomes: EpochOutcome[] = []
  readonly #ends = new Map<EpochOutcome, EpochEnd>()
  #expectedElsewhere = 0
  #signed = false
  #progressBytes = 0
  #progressRecords = 0

  constructor({ keys = [], heads = [], live = false, now = Date.now, onProgress }: VerifyOptions) {
    this.#live = live
    this.#shared = {
      findings: this.#findings,
      pinned: keys,
      heads: readHeads(heads),
      calls: new CallCheck(this.#findings),
      nowMillis: now(),
      splitter: new LineSplitter(),
      reader: new RecordReader(),
      progress: (bytes, records) => {
        this.#progressBytes += bytes
        onProgress?.(this.#progressBytes, this.#progressRecords + records)
      },
    }
  }

  async readOpening(epoch: EpochBytes): Promise<void> {
    const opening = await readOpening(epoch, this.#shared)
    this.#openings.push(opening)
    for (const seen of opening.observations) {
      const known = this.#observed.get(seen.epoch)
      if (known === undefined) this.#observed.set(seen.epoch, [seen])
      else known.push(seen)
    }
    if (!opening.overflowed) return
    const message =
      'The epoch observes more others than are read; what it says of the rest is not checked.'
    const place = { file: epoch.name, epoch: opening.epoch }
    this.#findings.fault({ code: 'unverifiable', check: 'epoch', message }, place)
  }

  /** Observations lead back in time. */
  checkOrder(): void {
    checkObservationOrder(this.#openings, this.#findings)
  }

  /** Everything that can be said while reading the records. */
  async checkRecords(): Promise<void> {
    const copies = repeated(this.#openings)
    const prints = new Map<string, LeafPrints>()
    for (const opening of this.#openings) {
      const { epoch = '' } = opening
      const twin = prints.get(epoch)
      const outside = { observed: this.#observed.get(epoch) ?? [], twin }
      // The calls of a copy have been matched already.
      const calls = twin === undefined ? this.#shared.calls : new CallCheck(new Findings())
      const run = new EpochRun(opening, outside, { ...this.#shared, calls, log: this.#log })
      const outcome = await run.run()
      this.#outcomes.push(outcome)
      this.#log ??= outcome.log
      this.#progressRecords += outcome.checked
      if (copies.has(epoch) && twin === undefined) prints.set(epoch, run.prints)
      if (twin !== undefined && !outcome.forked) this.#reportCopy(outcome)
    }
  }

  /** How each epoch ends, and with that which calls may be open. */
  checkEnds(): void {
    const fates = new Map<string, EpochFate>()
    for (const outcome of this.#outcomes) {
      const { epoch = '', size } = outcome
      const observed = this.#observed.get(epoch) ?? []
      const end = checkEnd(outcome, { findings: this.#findings, observed, live: this.#live })
      this.#ends.set(outcome, end)
      fates.set(epoch, { size, excuse: end.excuse })
    }
    this.#shared.calls.finish(fates)
  }

  /** Every epoch is signed, by its own checkpoints or by the epoch that found it. */
  checkSignatures(): void {
    const signed = signedCoverage(this.#outcomes, () => true)
    const trusted = signedCoverage(this.#outcomes, ({ key }) => key?.pinned === true)
    for (const outcome of this.#outcomes) {
      const { size, coveredSize } = outcome
      if (coveredSize === 0 && (signed.get(outcome) ?? 0) < size) this.#reportUnsigned(outcome)
    }
    this.#signed = this.#outcomes.every((outcome) => {
      const { size, coveredSize, key } = outcome
      return (coveredSize > 0 && key?.pinned === true) || (trusted.get(outcome) ?? 0) >= size
    })
  }

  /** Epochs that are named and not there. */
  checkAbsent(): void {
    const present = new Set(this.#openings.map(({ epoch }) => epoch))
    for (const [epoch, observed] of this.#observed) {
      const seen = observed.reduce((most, one) => (sizeOf(one) > sizeOf(most) ? one : most))
      if (present.has(epoch) || sizeOf(seen) === 0) continue
      this.#expectedElsewhere += sizeOf(seen)
      const lost = observed.find(({ state }) => state === 'lost')
      if (lost !== undefined) {
        reportLost(lost, this.#findings)
        continue
      }
      const message = `Epoch ${epoch}, of which this one saw ${sizeOf(seen)} records, is missing.`
      const place = { ...seen.spot, epoch: seen.by.epoch, seq: seen.seq }
      this.#findings.fault({ code: 'missing', check: 'epoch', message }, place)
    }
    for (const { origin, size } of this.#shared.heads) {
      const epoch = epochOfOrigin(origin)
      if (present.has(epoch)) continue
      this.#expectedElsewhere += size
      const message = `Epoch ${epoch}, of which a head was given, is missing.`
      const report = { code: 'missing', check: 'checkpoint', message, outside: true } as const
      this.#findings.fault(report, { epoch, seq: 0, lastSeq: size - 1 })
    }
    if (this.#outcomes.some(({ checked }) => checked > 0)) return
    const message = 'There are no records: nothing was checked.'
    this.#findings.fault({ code: 'missing', check: 'parse', message }, {})
  }

  verdict(): Verdict {
    const outcomes = this.#outcomes
    const ok = this.#findings.faults === 0
    // An epoch that died before its first record has no head.
    const headed = outcomes.filter(({ size }) => size > 0)
    const headMatched = headed.length > 0 && headed.every(({ headSize }) => headSize > 0)
    const ends = [...this.#ends.values()]
    return {
      ok,
      level: !ok ? 0 : !this.#signed ? 1 : headMatched ? 3 : 2,
      selfConsistent: this.#findings.ownFaults === 0,
      signed: this.#signed,
      headMatched,
      witnessed: { k: 0, n: 0, threshold: 0 },
      timestamped: false,
      beyondHead: { epochs: 0, records: 0 },
      heads: [],
      heldByHead: 0,
      expired: 0,
      ends: countEnds(ends),
      attestedTail: sum(outcomes, ({ size, coveredSize }) => Math.max(0, size - coveredSize)),
      unsynced: sum(outcomes, ({ unsynced }) => (unsynced ? 1 : 0)),
      checked: sum(outcomes, ({ checked }) => checked),
      expected: sum(ends, ({ expected }) => expected) + this.#expectedElsewhere,
      epochs: outcomes.length,
      findings: this.#findings.list(),
      counts: this.#findings.counts(),
    }
  }

  #reportCopy({ opening, epoch }: EpochOutcome): void {
    const message = `Epoch ${epoch} is there twice.`
    const place = { file: opening.source.name, epoch }
    this.#findings.fault({ code: 'duplicated', check: 'epoch', message }, place)
  }

  #reportUnsigned(outcome: EpochOutcome): void {
    const { size, checkpointFaults, key, unverifiable, openedAtMillis, opening, epoch } = outcome
    // Without a key or with broken notes there is a finding already.
    if (size === 0 || checkpointFaults > 0 || key === undefined || unverifiable) return
    const age = this.#shared.nowMillis - openedAtMillis
    if (this.#live && age < FIRST_CHECKPOINT_MILLIS_MAX) return
    const message = 'No checkpoint signs any record of this epoch.'
    const place = { file: `${opening.source.name}/checkpoints`, epoch }
    this.#findings.fault({ code: 'unsigned', check: 'checkpoint', message }, place)
  }
}

/** The ids that occur more than once. */
function repeated(openings: readonly Opening[]): Set<string> {
  const once = new Set<string>()
  const again = new Set<string>()
  for (const { epoch } of openings) {
    if (epoch === undefined) continue
    if (once.has(epoch)) again.add(epoch)
    once.add(epoch)
  }
  return again
}

function sizeOf({ size, expected_size: expected = 0 }: Observation): number {
  return Math.max(size, expected)
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

function countEnds(ends: readonly EpochEnd[]): EpochEnds {
  const count = { closed: 0, headed: 0, crashed: 0, open: 0 }
  for (const { kind } of ends) count[kind]++
  return count
}
