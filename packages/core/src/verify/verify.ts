// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint } from '../checkpoint.ts'
import type { NoteKey } from '../note.ts'
import type { WitnessKey } from '../tlog/cosignature.ts'
import type { EpochFate } from './call-ledger.ts'
import { CallLedger } from './call-ledger.ts'
import type { GivenHead } from './checkpoint-check.ts'
import { checkCompleteness } from './completeness.ts'
import { signedCoverage } from './coverage.ts'
import { deliveredHint, readDeliveredMarker } from './delivered-marker.ts'
import type { EpochEnd } from './epoch-end.ts'
import { checkEnd, reportLost } from './epoch-end.ts'
import type { RunContext, RunTools } from './epoch-job.ts'
import type { EpochOutcome, EpochResult } from './epoch-outcome.ts'
import { EpochRun } from './epoch-run.ts'
import type { EpochRunner } from './epoch-runner.ts'
import { epochTask, revived } from './epoch-runner.ts'
import { Findings } from './findings.ts'
import type { GivenHeads } from './given-heads.ts'
import { epochOfOrigin, readHeads } from './given-heads.ts'
import type { HeadFile, HeldEpoch } from './head-file.ts'
import { checkHeld, heldEpochs, resumable } from './held-epochs.ts'
import { inOrder } from './in-order.ts'
import type { EpochBytes, TenantLogBytes } from './input.ts'
import type { LeafPrints } from './leaf-prints.ts'
import { LineSplitter } from './lines.ts'
import { checkObservationOrder } from './observation-order.ts'
import type { Observation, Opening } from './openings.ts'
import { readOpening } from './openings.ts'
import { RecordReader } from './read-record.ts'
import { Revocations } from './revocations.ts'
import type { TenantLogOutcome } from './tenant-log-check.ts'
import { NO_TENANT_LOG, TenantLogCheck } from './tenant-log-check.ts'
import type { Finding, Verdict } from './verdict.ts'
import { verdictOf } from './verdict-of.ts'
import { checkWitnesses } from './witnesses.ts'

/** How old an epoch may be that has no checkpoint yet while its writer is at work. */
const FIRST_CHECKPOINT_MILLIS_MAX = 60_000

export interface VerifyOptions {
  /**
   * Public keys that are trusted: tenant, issuer or epoch keys, from elsewhere than the files under
   * test. Default: none; then level 1 is the most that can hold.
   */
  readonly keys?: readonly NoteKey[]
  /**
   * Heads of epochs and of the tenant log kept elsewhere: signed checkpoints, or what they say. Each
   * must be reached; with one of the tenant log, or one for every epoch, level 3 can hold.
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
  /**
   * The epochs are some of a log's: that others, which they saw, are not among them is no fault. Default:
   * false. Heads that were given are asked for all the same.
   */
  readonly partial?: boolean
  /** Runs epochs elsewhere, several at once; default: here, one after the other. */
  readonly runner?: EpochRunner
  /** Unix milliseconds; default: the system's clock. */
  readonly now?: () => number
  /** Told about each MiB, and at the end of each epoch. */
  readonly onProgress?: (bytes: number, records: number) => void
}

/**
 * Checks epochs, and the log that they make up, from their bytes alone.
 *
 * Runs the checks `parse canonical schema sequence link epoch calls time checkpoint`, and with a tenant
 * log `completeness witness timestamp`. Goes on after a fault, and lists what it found in the order of
 * reading; a failure that follows from one already listed is not listed again. Reads the tenant log
 * first, then every epoch's beginning, and then every epoch once, in constant memory but for calls
 * under way, one bit a call, some hundred bytes an epoch, and 60 bytes an entry of the tenant log.
 *
 * Whatever the bytes are, the answer is a verdict: nothing in them makes this throw.
 *
 * @throws AuditError `INVALID_OPTION`, `MALFORMED_NOTE`, `MALFORMED_CHECKPOINT`, `MALFORMED_HEAD` or
 * `MALFORMED_REVOCATION` for options that are wrong; and whatever the source throws when it cannot be
 * read, but for `JOURNAL_UNUSABLE` of a segment, which is a finding
 */
export async function verify(
  epochs: AsyncIterable<EpochBytes> | Iterable<EpochBytes>,
  options: VerifyOptions = {},
): Promise<Verdict> {
  return (await verifyToHead(epochs, options)).verdict
}

/** A verdict, and from where another verification can go on. */
export interface VerdictToHead {
  readonly verdict: Verdict
  /** Undefined where the verdict is not `ok`. */
  readonly head: HeadFile | undefined
}

/** Like {@link verify}, and hands out the head up to which it holds, to be given as `since`. */
export async function verifyToHead(
  epochs: AsyncIterable<EpochBytes> | Iterable<EpochBytes>,
  options: VerifyOptions = {},
): Promise<VerdictToHead> {
  const verification = new Verification(options)
  await verification.readTenantLog()
  for await (const epoch of epochs) await verification.readOpening(epoch)
  verification.checkOrder()
  await verification.checkRecords()
  verification.checkEnds()
  verification.checkSignatures()
  verification.checkAbsent()
  verification.checkTenantLog()
  await verification.readMarkers()
  return verification.outcome()
}

/** One verification: its steps, and what they hand on to each other. */
class Verification {
  readonly #findings = new Findings()
  readonly #options: VerifyOptions
  readonly #live: boolean
  readonly #partial: boolean
  readonly #revocations: Revocations
  readonly #heads: GivenHeads
  readonly #headsByEpoch: ReadonlyMap<string, readonly GivenHead[]>
  readonly #held: ReadonlyMap<string, HeldEpoch>
  readonly #context: RunContext
  readonly #tools: RunTools
  #tenantLog: TenantLogOutcome = NO_TENANT_LOG
  readonly #openings: Opening[] = []
  /** The first run over each epoch of which there are copies, and its leaves. */
  readonly #prints = new Map<string, Promise<{ readonly prints: LeafPrints }>>()
  readonly #observed = new Map<string, Observation[]>()
  readonly #outcomes: EpochOutcome[] = []
  /** Of the first epoch that names one. */
  #log: string | undefined
  readonly #ends = new Map<EpochOutcome, EpochEnd>()
  /** The first copy of each. */
  readonly #byEpoch = new Map<string, EpochOutcome>()
  /** Epochs that were reported as missing. */
  readonly #absent = new Set<string>()
  #expectedElsewhere = 0
  #signed = false
  #progressBytes = 0
  #progressRecords = 0

  constructor(options: VerifyOptions) {
    const { keys = [], heads = [], live = false, partial = false, now = Date.now } = options
    const { since, tenantLog, witnesses, onProgress } = options
    this.#options = options
    this.#live = live
    this.#partial = partial
    this.#revocations = new Revocations(keys)
    for (const revocation of options.revocations ?? []) this.#revocations.give(revocation)
    checkWitnesses(witnesses, tenantLog !== undefined)
    this.#heads = readHeads(heads, { since, hasTenantLog: tenantLog !== undefined })
    this.#headsByEpoch = headsByEpoch(this.#heads.epochs)
    this.#held = resumable(checkHeld(since))
    this.#context = { pinned: keys, nowMillis: now(), revoked: this.#revocations.revoked }
    this.#tools = {
      splitter: new LineSplitter(),
      reader: new RecordReader(),
      progress: (bytes, records) => {
        this.#progressBytes += bytes
        onProgress?.(this.#progressBytes, this.#progressRecords + records)
      },
    }
  }

  /** First: what it names is there when the epochs are listed, also while writers are at work. */
  async readTenantLog(): Promise<void> {
    const { keys = [], tenantLog, verifyTimestamp, witnesses } = this.#options
    if (tenantLog === undefined) return
    const options = {
      pinned: keys,
      heads: this.#heads.tenant,
      witnesses,
      revocations: this.#revocations,
      verifyTimestamp,
    }
    this.#tenantLog = await new TenantLogCheck(tenantLog, options, this.#findings).run()
  }

  async readOpening(epoch: EpochBytes): Promise<void> {
    const held = this.#held.get(epoch.epoch ?? '')
    const opening = await readOpening(epoch, this.#tools, held)
    this.#openings.push(opening)
    for (const seen of opening.observations) {
      const known = this.#observed.get(seen.epoch)
      if (known === undefined) this.#observed.set(seen.epoch, [seen])
      else known.push(seen)
    }
    const place = { file: epoch.name, epoch: opening.epoch }
    if (opening.changed) {
      const message =
        'What the epoch observed at its beginning is not that on which the given head was verified.'
      this.#findings.fault({ code: 'forked', check: 'epoch', message }, place)
    }
    if (!opening.overflowed) return
    const message =
      'The epoch observes more others than are read; what it says of the rest is not checked.'
    this.#findings.fault({ code: 'unverifiable', check: 'epoch', message }, place)
  }

  /** Observations lead back in time. */
  checkOrder(): void {
    checkObservationOrder(this.#openings, this.#findings)
  }

  /** Everything that can be said of each epoch by itself. */
  async checkRecords(): Promise<void> {
    const copies = repeated(this.#openings)
    const ahead = this.#options.runner?.concurrency ?? 1
    const run = (opening: Opening): Promise<EpochResult> => this.#run(opening, copies)
    let next = 0
    for await (const result of inOrder(this.#openings, ahead, run)) {
      const opening = this.#openings[next++] as Opening
      const { epoch = '' } = opening
      const isCopy = copies.has(epoch) && this.#byEpoch.has(epoch)
      const outcome = this.#take(opening, result)
      if (isCopy && !outcome.forked) this.#reportCopy(outcome)
    }
  }

  async #run(opening: Opening, copies: ReadonlySet<string>): Promise<EpochResult> {
    const { epoch = '', source } = opening
    const isCopied = copies.has(epoch)
    const { runner } = this.#options
    const job = {
      source,
      observed: this.#observed.get(epoch) ?? [],
      twin: undefined,
      heads: this.#headsByEpoch.get(epoch) ?? [],
      named: this.#tenantLog.named.get(epoch),
      held: isCopied ? undefined : this.#held.get(epoch),
    }
    if (runner !== undefined && !isCopied) {
      const task = epochTask(job, this.#context)
      return revived(await runner.run(source, task, (bytes) => this.#tools.progress(bytes, 0)))
    }
    const first = this.#prints.get(epoch)
    if (!isCopied) return new EpochRun(job, this.#context, this.#tools).run()
    // Copies may be under way at once, so each has tools of its own, and waits for the one before.
    const done = (async () => {
      const tools = { ...this.#tools, splitter: new LineSplitter(), reader: new RecordReader() }
      const run = new EpochRun({ ...job, twin: (await first)?.prints }, this.#context, tools)
      return { result: await run.run(), prints: run.prints }
    })()
    if (first === undefined) this.#prints.set(epoch, done)
    return (await done).result
  }

  #take(opening: Opening, result: EpochResult): EpochOutcome {
    const { checked, epoch = '', findings, log } = result
    const observed = this.#observed.get(opening.epoch ?? '') ?? []
    const observers = new Set(result.confirmed.map((index) => observed[index] as Observation))
    const named = this.#tenantLog.named.get(opening.epoch ?? '')
    const outcome = { ...result, opening, observers, named }
    const others = this.#log
    this.#log ??= log
    this.#findings.absorb(findings)
    this.#outcomes.push(outcome)
    this.#progressRecords += checked
    if (!this.#byEpoch.has(epoch)) this.#byEpoch.set(epoch, outcome)
    // All epochs of a verification are of one log.
    if (log === undefined || others === undefined || log === others) return outcome
    const message = `This epoch is of the log ${log}, those before are of ${others}.`
    const place = { file: opening.source.name, epoch, seq: 0 }
    this.#findings.fault({ code: 'forged', check: 'epoch', message }, place)
    return outcome
  }

  /** How each epoch ends, and with that which calls may be open. */
  checkEnds(): void {
    const fates = new Map<string, EpochFate>()
    const signed = signedCoverage(this.#outcomes, () => true)
    for (const outcome of this.#outcomes) {
      const { calls, doubts, epoch = '', expiredSize, heldSize, lostEnds, size } = outcome
      const observed = this.#observed.get(epoch) ?? []
      const signedSize = signed.get(outcome) ?? 0
      const checks = { findings: this.#findings, observed, live: this.#live, signedSize }
      const end = checkEnd(outcome, checks)
      this.#ends.set(outcome, end)
      if (this.#byEpoch.get(epoch) !== outcome) continue
      const known = { doubts, lostEnds }
      fates.set(epoch, { calls, known, size, heldSize, expiredSize, excuse: end.excuse })
    }
    new CallLedger(this.#findings, fates, { partial: this.#partial }).settle()
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
      if (!this.#partial) this.#expectedElsewhere += sizeOf(seen)
      const lost = observed.find(({ state }) => state === 'lost')
      if (lost === undefined) this.#reportAbsent(epoch, seen)
      else reportLost(lost, this.#findings)
    }
    for (const { origin, size } of this.#heads.epochs) {
      const epoch = epochOfOrigin(origin)
      const { log } = this.#byEpoch.get(epoch) ?? {}
      const isOther = log !== undefined && origin !== `${log}/${epoch}`
      if ((present.has(epoch) && !isOther) || this.#absent.has(epoch)) continue
      this.#absent.add(epoch)
      this.#expectedElsewhere += size
      const name = isOther ? `${origin} (the one here is of another log)` : epoch
      const message = `Epoch ${name}, of which a head was given, is missing.`
      const report = { code: 'missing', check: 'checkpoint', message, outside: true } as const
      this.#findings.fault(report, { epoch, seq: 0, lastSeq: size - 1 })
    }
    if (this.#outcomes.some(({ checked, heldSize }) => checked + heldSize > 0)) return
    const message = 'There are no records: nothing was checked.'
    this.#findings.fault({ code: 'missing', check: 'parse', message }, {})
  }

  #reportAbsent(epoch: string, seen: Observation): void {
    const what = `Epoch ${epoch}, of which this one saw ${sizeOf(seen)} records,`
    const place = { ...seen.spot, epoch: seen.by, seq: seen.seq }
    const report = { code: 'missing', check: 'epoch' } as const
    if (this.#partial) {
      this.#findings.notice({ ...report, message: `${what} was not given.` }, place)
    } else {
      this.#absent.add(epoch)
      this.#findings.fault({ ...report, message: `${what} is missing.` }, place)
    }
  }

  /** What the tenant log names is there, with the same roots. */
  checkTenantLog(): void {
    this.#expectedElsewhere += checkCompleteness(this.#tenantLog, {
      findings: this.#findings,
      epochs: this.#byEpoch,
      absent: this.#absent,
      partial: this.#partial,
      name: this.#options.tenantLog?.name,
    })
  }

  /** Where records are missing: what may have become of them, by the word of nobody who is trusted. */
  async readMarkers(): Promise<void> {
    const { missing = 0, truncated = 0 } = this.#findings.counts()
    if (missing + truncated === 0) return
    for (const { epoch: id, source } of this.#openings) {
      const text = await source.delivered?.()
      const claim = text === undefined ? undefined : readDeliveredMarker(text)
      if (claim === undefined || id === undefined) continue
      const isMeant = ({ check, code, epoch, seq = 0 }: Finding): boolean =>
        (code === 'missing' || code === 'truncated') &&
        check !== 'epoch' &&
        epoch === id &&
        seq < claim.size
      this.#findings.hint(isMeant, deliveredHint(claim))
    }
  }

  outcome(): VerdictToHead {
    const verdict = verdictOf({
      findings: this.#findings,
      outcomes: this.#outcomes,
      ends: [...this.#ends.values()],
      tenantLog: this.#tenantLog,
      signed: this.#signed,
      partial: this.#partial,
      headsGiven: this.#heads.epochs.length > 0,
      expectedElsewhere: this.#expectedElsewhere,
    })
    if (!verdict.ok) return { verdict, head: undefined }
    const { head: tenant } = this.#tenantLog
    return { verdict, head: { epochs: heldEpochs(this.#outcomes), ...(tenant && { tenant }) } }
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
    const age = this.#context.nowMillis - openedAtMillis
    if (this.#live && age < FIRST_CHECKPOINT_MILLIS_MAX) return
    const message = 'No checkpoint signs any record of this epoch.'
    const place = { file: `${opening.source.name}/checkpoints`, epoch }
    this.#findings.fault({ code: 'unsigned', check: 'checkpoint', message }, place)
  }
}

function headsByEpoch(heads: readonly GivenHead[]): Map<string, GivenHead[]> {
  const byEpoch = new Map<string, GivenHead[]>()
  for (const head of heads) {
    const epoch = epochOfOrigin(head.origin)
    const known = byEpoch.get(epoch)
    if (known === undefined) byEpoch.set(epoch, [head])
    else known.push(head)
  }
  return byEpoch
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
