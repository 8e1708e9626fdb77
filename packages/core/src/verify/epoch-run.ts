// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { isEpochId } from '../epoch-id.ts'
import { IncrementalSha256 } from '../hash.ts'
import { isLogName } from '../log-name.ts'
import { MerkleFrontier } from '../merkle.ts'
import type { Chain } from '../record.ts'
import type { Arrival, Spot } from './arrival.ts'
import { placeOf } from './arrival.ts'
import { CallCheck } from './call-check.ts'
import type { ChainListener } from './chain-check.ts'
import { ChainCheck } from './chain-check.ts'
import { CheckpointCheck } from './checkpoint-check.ts'
import type { EpochJob, RunContext, RunTools } from './epoch-job.ts'
import { ByteProgress, heldCalls, notesStart } from './epoch-job.ts'
import type { EpochPoint, EpochResult, TornTail } from './epoch-outcome.ts'
import type { LastRecord } from './epoch-point.ts'
import { pointOf } from './epoch-point.ts'
import type { OpenFinding, Place, Report } from './findings.ts'
import { Findings, RangeFindings } from './findings.ts'
import type { HeldEpoch } from './head-file.ts'
import type { SegmentBytes } from './input.ts'
import type { LeafPrints } from './leaf-prints.ts'
import type { Line } from './lines.ts'
import { leafOf } from './lines.ts'
import { ObservationWatch } from './observation-watch.ts'
import { firstRecord, isUnreadable } from './openings.ts'
import type { ReadRecord } from './read-record.ts'
import { RecordCheck } from './record-check.ts'
import { SignedSizes } from './signed-sizes.ts'
import { StubCheck } from './stub-check.ts'

/**
 * Runs all checks over one epoch, in one pass. Knows nothing of other runs: what it is told is in the
 * job, and what it finds is in the result, so runs can take place side by side.
 */
export class EpochRun implements ChainListener {
  readonly #job: EpochJob
  readonly #tools: RunTools
  readonly #findings = new Findings()
  readonly #foreign: RangeFindings = new RangeFindings(this.#findings)
  readonly #watch: ObservationWatch
  readonly #chain: ChainCheck
  readonly #checkpoints: CheckpointCheck
  readonly #calls: CallCheck
  readonly #records: RecordCheck
  readonly #stubCheck: StubCheck
  #epoch: string | undefined
  #log: string | undefined
  /** Log and epoch have the form that they must have. */
  #wellNamed = false
  #torn: TornTail | undefined
  #pastEnd = false
  #unverifiable = false
  #foreignCount = 0
  #lastSpot: Spot | undefined
  #notesRead = false
  // At the size where an observer saw the epoch end; behind it, once no record continues it.
  #atEnd = false
  #behindEnd = false
  #endSpot: Spot | undefined
  #file = ''
  #firstSeq: number | undefined
  #segment: number | undefined
  /** Bytes that no LF ended, until it is known whether their segment is the last. */
  #rest: { readonly tail: TornTail; readonly leaf: string | undefined } | undefined
  readonly #progress: ByteProgress
  #stub: ReturnType<StubCheck['read']>
  #stubHolds = false
  /** How many records the stub stands for, `epoch.open` included; 0 where records are there instead. */
  #expiredSize = 0
  /** The held head that is in use; until its last record was read again, that is awaited. */
  #held: HeldEpoch | undefined
  #awaited: HeldEpoch | undefined
  /** Where to place a finding about the record that a held head ends with. */
  #resumePlace: Place | undefined
  #last: LastRecord | undefined

  constructor(job: EpochJob, context: RunContext, tools: RunTools) {
    const { source, held, named, observed, twin } = job
    this.#job = job
    this.#tools = tools
    this.#progress = new ByteProgress(tools)
    this.#epoch = source.epoch
    const findings = this.#findings
    this.#watch = new ObservationWatch(findings, { observed, twin })
    this.#chain = new ChainCheck(findings, this)
    this.#checkpoints = new CheckpointCheck(findings, `${source.name}/checkpoints`, {
      logged: named?.sizes ?? new SignedSizes(1),
      ...notesStart(held),
    })
    // The calls of a copy have been matched already.
    const callFindings = twin === undefined ? findings : new Findings()
    this.#calls = new CallCheck(callFindings, this.#chain, heldCalls(held))
    const checks = { ...context, findings, calls: this.#calls, logged: named?.certificates }
    this.#records = new RecordCheck(checks, this.#chain)
    this.#stubCheck = new StubCheck(findings, `${source.name}/stub`, { ...context, findings })
  }

  async run(): Promise<EpochResult> {
    this.#tools.splitter.tee = undefined
    await this.#guard(this.#readStub())
    this.#held = this.#usableHead()
    if (this.#held === undefined) this.#compareObserved(0, this.#chain.leaf)
    else await this.#resume(this.#held)
    await this.#guard(this.#readSegments())
    if (this.#awaited !== undefined) this.#lostHead(this.#awaited)
    this.#jumpToStub(undefined)
    this.#chain.finish()
    if (!this.#notesRead) await this.#readNotes()
    this.#settleStub()
    this.#settleTail()
    this.#progress.say(this.#records.count)
    return this.#result()
  }

  /** Its leaves, for another copy of the same epoch. */
  get prints(): LeafPrints {
    return this.#chain.prints
  }

  #result(): EpochResult {
    const { admissions, key, count, closed, unsynced, openedAtMillis } = this.#records
    const { coveredSize, headSize, largestSize, unsignedSize, faults } = this.#checkpoints
    return {
      findings: this.#findings.part(),
      calls: this.#calls.calls(),
      doubts: this.#chain.doubts,
      epoch: this.#epoch,
      log: this.#log,
      size: this.#chain.size,
      checked: count,
      closed,
      key,
      openedAtMillis,
      unsynced,
      admissions,
      coveredSize,
      headSize,
      root: this.#chain.root(),
      loggedMismatch: this.#checkpoints.loggedMismatch,
      heldSize: this.#held?.head.size ?? 0,
      expiredSize: this.#expiredSize,
      endExpired: this.#stubHolds && this.#expiredSize === this.#chain.size,
      point: this.#point(),
      claimedSize: key === undefined ? Math.max(largestSize, unsignedSize) : largestSize,
      checkpointFaults: faults,
      confirmed: this.#watch.confirmed,
      forked: this.#watch.forked,
      torn: this.#torn,
      pastEnd: this.#pastEnd,
      unverifiable: this.#unverifiable,
      foreignCount: this.#foreignCount,
      lastSpot: this.#lastSpot,
      lostEnds: this.#chain.lostEnds,
    }
  }

  /** From where another verification can go on, if all is well. */
  #point(): EpochPoint | undefined {
    const last = this.#last ?? this.#held
    if (last === undefined) return undefined
    return pointOf(last, {
      origin: `${this.#log}/${this.#epoch}`,
      expiredSize: Math.max(this.#expiredSize, this.#held?.expiredSize ?? 0),
      chain: this.#chain,
      records: this.#records.held(),
      checkpoints: this.#checkpoints,
    })
  }

  async #readSegments(): Promise<void> {
    const awaited = this.#awaited
    for await (const segment of this.#job.source.segments()) {
      if ((segment.firstSeq ?? 0) < (awaited?.segment ?? 0)) continue
      const from = this.#awaited
      this.#beginSegment(segment, from)
      for await (const chunk of segment.chunks(from?.byteOffset ?? 0)) await this.#chunk(chunk)
      this.#endSegment()
      if (this.#awaited !== undefined) break
    }
  }

  /** A named pipe or a device among the segments: nothing that follows can be told. */
  #unreadable(why: string): void {
    this.#unverifiable = true
    this.#awaited = undefined
    this.#rest = undefined
    this.#chain.lostEnds.add(this.#chain.size, Number.MAX_SAFE_INTEGER)
    this.#chain.doubts.add(this.#chain.size, Number.MAX_SAFE_INTEGER)
    const place = { file: this.#file || this.#job.source.name, epoch: this.#epoch }
    const message = `The epoch cannot be read on from here: ${why}.`
    this.#findings.fault({ code: 'unverifiable', check: 'parse', message }, place)
  }

  async #readStub(): Promise<void> {
    const text = await this.#job.source.stub?.()
    if (text !== undefined) this.#stub = this.#stubCheck.read(text)
  }

  /** What cannot be read is a finding. */
  async #guard(read: Promise<void>): Promise<void> {
    try {
      await read
    } catch (error) {
      if (!isUnreadable(error)) throw error
      this.#unreadable(error.message)
    }
  }

  /** The held head, unless its last record has expired since. */
  #usableHead(): HeldEpoch | undefined {
    const { held } = this.#job
    const lastSeq = this.#stub?.stub.lastSeq ?? -1
    return held !== undefined && lastSeq < held.head.size - 1 ? held : undefined
  }

  /** Reads `epoch.open` again, then goes on at the last record that the head stands for. */
  async #resume(held: HeldEpoch): Promise<void> {
    const opening = await firstRecord(this.#job.source, this.#tools)
    if (opening === undefined || opening.leaf !== held.openingLeaf) {
      const message = 'The epoch.open is not the one on which the given head was verified.'
      const place = { file: this.#job.source.name, ...opening?.spot, epoch: this.#epoch, seq: 0 }
      this.#findings.fault({ code: 'forked', check: 'epoch', message }, place)
    }
    if (opening !== undefined) {
      const { epoch, log } = opening.read.envelope.chain
      this.#epoch ??= epoch
      this.#joinLog(log)
    }
    const { at, monoNanos, skewMillis } = held
    this.#records.resume(opening, { ...held, clock: { at, monoNanos, skewMillis } }, held.head.size)
    await this.#readNotes()
    this.#awaited = held
  }

  /** The last record that a held head stands for has been read, or another one in its place. */
  #foundHead(held: HeldEpoch, leaf: string | undefined, spot: Spot): void {
    this.#awaited = undefined
    const { size } = held.head
    const place = { ...spot, epoch: this.#epoch, seq: size - 1 }
    if (leaf !== held.leaf) {
      const message = `Record ${size - 1} is another one than that with which the given head ends.`
      this.#findings.fault({ code: 'forked', check: 'checkpoint', message }, place)
      this.#chain.doubts.add(size - 1, size - 1)
    }
    const tree = MerkleFrontier.resume(size, held.nodes)
    this.#resumePlace = place
    this.#chain.resume({ size, leaf: held.leaf, tree })
    this.#resumePlace = undefined
    if (leaf === held.leaf) this.#checkpoints.reached(size, this.#chain)
  }

  #lostHead({ head }: HeldEpoch): void {
    this.#awaited = undefined
    this.#unverifiable = true
    const message = `The given head is of ${head.size} records, and the last of them is not where it was.`
    const place = { file: this.#job.source.name, epoch: this.#epoch, seq: head.size - 1 }
    this.#findings.fault({ code: 'truncated', check: 'checkpoint', message }, place)
    this.#chain.lostEnds.add(0, Number.MAX_SAFE_INTEGER)
    this.#chain.doubts.add(0, Number.MAX_SAFE_INTEGER)
  }

  placed(arrival: Arrival, late: boolean): void {
    const { spot, leaf } = arrival
    const { byteOffset, line } = spot
    this.#last = { leaf, segment: this.#segment, byteOffset, line }
    this.#records.placed(arrival, late)
  }

  grown(size: number, leaf: string, arrival: Arrival | undefined): void {
    if (size >= this.#checkpoints.nextSize) this.#checkpoints.reached(size, this.#chain)
    this.#compareStub(size)
    if (size < this.#watch.nextSize) return
    this.#compareObserved(size, leaf, arrival === undefined ? this.#resumePlace : placeOf(arrival))
  }

  #compareObserved(size: number, leaf: string, place?: Place): void {
    if (!this.#watch.reached(size, leaf, { place, doubts: this.#chain.doubts })) return
    this.#atEnd = true
    this.#tools.splitter.tee = { sha: new IncrementalSha256(), bytes: 0 }
  }

  #beginSegment(segment: SegmentBytes, from: HeldEpoch | undefined): void {
    this.#file = segment.file
    this.#firstSeq = from === undefined ? segment.firstSeq : undefined
    this.#segment = segment.firstSeq
    this.#tools.splitter.begin(from)
    if (this.#rest === undefined) return
    const message = 'A segment breaks off within a line, and another one follows.'
    const { tail, leaf } = this.#rest
    this.#rest = undefined
    this.#broken({ code: 'torn', check: 'parse', message }, tail.spot, leaf)
  }

  async #chunk(chunk: Uint8Array): Promise<void> {
    const { splitter } = this.#tools
    splitter.push(chunk)
    for (let line = splitter.next(); line !== undefined; line = splitter.next()) {
      this.#line(line)
      // The key that signs them stands in the first record, and the tree begins with it.
      if (!this.#notesRead && this.#chain.size > 0) await this.#readNotes()
    }
    this.#progress.add(chunk.length, this.#records.count)
  }

  #endSegment(): void {
    const line = this.#tools.splitter.rest()
    if (line === undefined || this.#behindEnd || this.#unverifiable) return
    const spot = this.#spotOf(line)
    if (this.#atEnd) {
      this.#behindEnd = true
      this.#endSpot = spot
    } else {
      this.#rest = { tail: { bytes: line.length, sha256: undefined, spot }, leaf: leafOf(line) }
    }
  }

  #line(line: Line): void {
    if (this.#behindEnd || this.#unverifiable) return
    const leaf = leafOf(line)
    if (this.#awaited !== undefined) {
      const spot = this.#spotOf(line)
      this.#lastSpot = spot
      this.#foundHead(this.#awaited, leaf, spot)
      return
    }
    const read = this.#tools.reader.read(line, this.#nextPlace())
    const spot = this.#spotOf(line)
    this.#lastSpot = spot
    if (this.#atEnd && !this.#goesOn(read.kind === 'record' ? read : undefined, spot)) return
    if (read.kind === 'broken') {
      const { check, why } = read
      const code = check === 'schema' ? 'schema' : 'edited'
      this.#broken({ code, check, message: `The line ${why}.` }, spot, leaf)
    } else if (read.kind === 'version') {
      this.#otherVersion(spot, leaf)
    } else {
      this.#record(read, leaf as string, spot)
    }
  }

  /** What the chain block of the next record should say. */
  #nextPlace(): Chain | undefined {
    const { size: seq, leaf: prev } = this.#chain
    const [epoch, log] = [this.#epoch, this.#log]
    return this.#wellNamed && epoch !== undefined && log !== undefined
      ? { epoch, log, prev, seq }
      : undefined
  }

  /** Whether this line is a further record where an observer saw the last one. */
  #goesOn(read: ReadRecord | undefined, spot: Spot): boolean {
    this.#atEnd = false
    if (read === undefined || !this.#chain.continues(read)) {
      this.#behindEnd = true
      this.#endSpot = spot
      return false
    }
    this.#tools.splitter.tee = undefined
    // Behind an epoch.close it is reported as that.
    if (!this.#pastEnd && !this.#records.closed) {
      this.#pastEnd = true
      const message = `Record ${read.envelope.chain.seq} follows where an observer saw the epoch end.`
      const { epoch, seq } = read.envelope.chain
      this.#findings.fault({ code: 'unclosed', check: 'epoch', message }, { ...spot, epoch, seq })
    }
    return true
  }

  #record(read: ReadRecord, leaf: string, spot: Spot): void {
    const { epoch, log } = read.envelope.chain
    this.#epoch ??= epoch
    const place = { ...spot, epoch: this.#epoch, seq: read.envelope.chain.seq }
    if (epoch !== this.#epoch || (this.#log !== undefined && log !== this.#log)) {
      this.#foreignCount++
      const message =
        epoch === this.#epoch ? `A record of the log ${log}.` : `A record of the epoch ${epoch}.`
      this.#foreign.fault({ code: 'forged', check: 'epoch', message }, place)
      return
    }
    if (this.#log === undefined) this.#joinLog(log)
    if (this.#jumpToStub(read.envelope.chain.seq) === 'expired') {
      this.#stubCheck.left.take(read, leaf, { stub: this.#stub?.stub, place })
      return
    }
    const arrival: Arrival = { read, leaf, spot, reported: false, flaw: undefined }
    if (read.violation !== undefined) {
      const message = `The record breaks its schema: ${read.violation}.`
      arrival.flaw = this.#findings.fault({ code: 'schema', check: 'schema', message }, place)
    }
    this.#checkFirstSeq(arrival)
    this.#chain.accept(arrival)
  }

  #joinLog(log: string): void {
    this.#log = log
    this.#wellNamed = isLogName(log) && isEpochId(this.#epoch ?? '')
  }

  /**
   * Goes on behind the records for which the stub stands, once a record shows that they are gone, or
   * (`seq` undefined) nothing else follows. Those that are left of them are the last ones.
   */
  #jumpToStub(seq: number | undefined): 'expired' | undefined {
    const stub = this.#stub?.stub
    const { size } = this.#chain
    if (stub === undefined || this.#expiredSize > 0 || size > 1 || this.#unverifiable)
      return undefined
    if (this.#held !== undefined || (seq !== undefined && seq <= Math.min(1, size)))
      return undefined
    if (seq !== undefined && seq <= stub.lastSeq) {
      this.#firstSeq = undefined
      return 'expired'
    }
    this.#expiredSize = stub.lastSeq + 1
    this.#stubCheck.left.end(stub)
    if (size === 0) {
      const message =
        'The epoch.open is missing: it has to stay as long as a record or stub of its epoch.'
      const place = { file: this.#job.source.name, epoch: this.#epoch, seq: 0 }
      this.#findings.fault({ code: 'missing', check: 'epoch', message }, place)
    }
    const tree = MerkleFrontier.resume(this.#expiredSize, stub.nodes)
    const file = `${this.#job.source.name}/stub`
    this.#resumePlace = { file, epoch: this.#epoch, seq: stub.lastSeq }
    this.#chain.resume({ size: this.#expiredSize, leaf: stub.lastLeaf, tree })
    this.#resumePlace = undefined
    return undefined
  }

  /** A stub may stand beside the records, until they are removed. */
  #compareStub(size: number): void {
    const stub = this.#stub?.stub
    if (stub === undefined || size !== stub.lastSeq + 1 || this.#expiredSize > 0) return
    if (this.#held !== undefined) return
    const there = { doubts: this.#chain.doubts, root: this.#chain.root() }
    this.#stubCheck.compare(stub, there, this.#epoch)
  }

  #settleStub(): void {
    if (this.#stub === undefined) return
    const { stub, notes } = this.#stub
    this.#stubHolds = this.#stubCheck.settle(stub, notes, { log: this.#log, epoch: this.#epoch })
  }

  #checkFirstSeq(arrival: Arrival): void {
    const promised = this.#firstSeq
    this.#firstSeq = undefined
    const { seq } = arrival.read.envelope.chain
    if (promised === undefined || promised === seq || seq !== this.#chain.nextSeq) return
    const message = `The segment's name promises record ${promised}, and it begins with ${seq}.`
    this.#findings.fault({ code: 'reordered', check: 'sequence', message }, placeOf(arrival))
  }

  #otherVersion(spot: Spot, leaf: string | undefined): void {
    if (this.#chain.nextSeq > 0) {
      const message = 'The version of the records changes within the epoch.'
      this.#broken({ code: 'schema', check: 'schema', message }, spot, leaf)
      return
    }
    this.#unverifiable = true
    const message =
      'The records are of a version that this verifier does not know: nothing of this epoch is checked.'
    const place = { ...spot, epoch: this.#epoch }
    this.#findings.fault({ code: 'unverifiable', check: 'parse', message }, place)
  }

  #broken(report: Report, spot: Spot, leaf: string | undefined): OpenFinding {
    const place = { ...spot, epoch: this.#epoch, seq: this.#chain.nextSeq }
    const finding = this.#findings.fault(report, place)
    this.#chain.broken(finding, leaf)
    return finding
  }

  async #readNotes(): Promise<void> {
    this.#notesRead = true
    const owner = { epoch: this.#epoch, log: this.#log, key: this.#records.key?.key }
    const { heads, source } = this.#job
    const chunks = source.checkpoints(this.#checkpoints.notesEnd.byteOffset)
    await this.#guard(this.#checkpoints.read(chunks, owner, heads))
    if (this.#awaited === undefined) this.#checkpoints.reached(this.#chain.size, this.#chain)
  }

  #settleTail(): void {
    const { splitter } = this.#tools
    const { tee } = splitter
    splitter.tee = undefined
    if (this.#endSpot !== undefined && tee !== undefined) {
      this.#torn = { bytes: tee.bytes, sha256: tee.sha.hex(), spot: this.#endSpot }
    } else {
      this.#torn = this.#rest?.tail
    }
  }

  #spotOf(line: Line): Spot {
    return { file: this.#file, line: line.number, byteOffset: line.byteOffset }
  }
}
