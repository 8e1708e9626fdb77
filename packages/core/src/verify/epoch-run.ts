// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { isEpochId } from '../epoch-id.ts'
import { IncrementalSha256, leafHashOfFrame } from '../hash.ts'
import { isLogName } from '../log-name.ts'
import type { Chain } from '../record.ts'
import type { Arrival, Spot } from './arrival.ts'
import { placeOf } from './arrival.ts'
import type { ChainListener } from './chain-check.ts'
import { ChainCheck } from './chain-check.ts'
import type { GivenHead } from './checkpoint-check.ts'
import { CheckpointCheck } from './checkpoint-check.ts'
import type { EpochOutcome, TornTail } from './epoch-outcome.ts'
import type { Findings, OpenFinding, Report } from './findings.ts'
import { RangeFindings } from './findings.ts'
import type { SegmentBytes } from './input.ts'
import type { LeafPrints } from './leaf-prints.ts'
import type { Line, LineSplitter } from './lines.ts'
import type { Outside } from './observation-watch.ts'
import { ObservationWatch } from './observation-watch.ts'
import type { Opening } from './openings.ts'
import type { ReadRecord, RecordReader } from './read-record.ts'
import type { RecordChecks } from './record-check.ts'
import { RecordCheck } from './record-check.ts'

/** What all epochs of a verification share. */
export interface Shared extends RecordChecks {
  readonly splitter: LineSplitter
  readonly reader: RecordReader
  readonly heads: readonly GivenHead[]
  /** The log of the first epoch, which is that of all; undefined while none is known. */
  readonly log: string | undefined
  readonly progress: (bytes: number, records: number) => void
}

const PROGRESS_BYTES = 1 << 20

/** Runs all checks over one epoch, in one pass. */
export class EpochRun implements ChainListener {
  readonly #opening: Opening
  readonly #shared: Shared
  readonly #findings: Findings
  readonly #foreign: RangeFindings
  readonly #watch: ObservationWatch
  readonly #chain: ChainCheck
  readonly #checkpoints: CheckpointCheck
  readonly #records: RecordCheck
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
  /** Bytes that no LF ended, until it is known whether their segment is the last. */
  #rest: { readonly tail: TornTail; readonly leaf: string | undefined } | undefined
  #bytes = 0
  #bytesSaid = 0

  constructor(opening: Opening, outside: Outside, shared: Shared) {
    this.#opening = opening
    this.#epoch = opening.source.epoch
    this.#shared = shared
    this.#findings = shared.findings
    this.#foreign = new RangeFindings(shared.findings)
    this.#watch = new ObservationWatch(shared.findings, outside)
    this.#chain = new ChainCheck(shared.findings, this)
    this.#checkpoints = new CheckpointCheck(shared.findings, `${opening.source.name}/checkpoints`)
    this.#records = new RecordCheck(shared, this.#chain)
  }

  async run(): Promise<EpochOutcome> {
    const { splitter, calls } = this.#shared
    splitter.tee = undefined
    if (this.#epoch !== undefined) calls.enter(this.#epoch, this.#chain)
    this.#compareObserved(0, this.#chain.leaf)
    for await (const segment of this.#opening.source.segments()) {
      this.#beginSegment(segment)
      for await (const chunk of segment.chunks()) await this.#chunk(chunk)
      this.#endSegment()
    }
    this.#chain.finish()
    if (!this.#notesRead) await this.#readNotes()
    this.#settleTail()
    this.#progress(0)
    return this.#outcome()
  }

  /** Its leaves, for another copy of the same epoch. */
  get prints(): LeafPrints {
    return this.#chain.prints
  }

  #outcome(): EpochOutcome {
    const { key, count, closed, unsynced, openedAtMillis } = this.#records
    const { coveredSize, headSize, largestSize, unsignedSize, faults } = this.#checkpoints
    return {
      opening: this.#opening,
      epoch: this.#epoch,
      log: this.#log,
      size: this.#chain.size,
      checked: count,
      closed,
      key,
      openedAtMillis,
      unsynced,
      coveredSize,
      headSize,
      claimedSize: key === undefined ? Math.max(largestSize, unsignedSize) : largestSize,
      checkpointFaults: faults,
      observers: this.#watch.confirmed,
      forked: this.#watch.forked,
      torn: this.#torn,
      pastEnd: this.#pastEnd,
      unverifiable: this.#unverifiable,
      foreignCount: this.#foreignCount,
      lastSpot: this.#lastSpot,
      lostEnds: this.#chain.lostEnds,
    }
  }

  placed(arrival: Arrival, late: boolean): void {
    this.#records.placed(arrival, late)
  }

  grown(size: number, leaf: string, arrival: Arrival | undefined): void {
    if (size >= this.#checkpoints.nextSize) this.#checkpoints.reached(size, this.#chain)
    if (size >= this.#watch.nextSize) this.#compareObserved(size, leaf, arrival)
  }

  #compareObserved(size: number, leaf: string, arrival?: Arrival): void {
    const about = { ...(arrival && { arrival }), doubts: this.#chain.doubts }
    if (!this.#watch.reached(size, leaf, about)) return
    this.#atEnd = true
    this.#shared.splitter.tee = { sha: new IncrementalSha256(), bytes: 0 }
  }

  #beginSegment(segment: SegmentBytes): void {
    this.#file = segment.file
    this.#firstSeq = segment.firstSeq
    this.#shared.splitter.begin()
    if (this.#rest === undefined) return
    const message = 'A segment breaks off within a line, and another one follows.'
    const { tail, leaf } = this.#rest
    this.#rest = undefined
    this.#broken({ code: 'torn', check: 'parse', message }, tail.spot, leaf)
  }

  async #chunk(chunk: Uint8Array): Promise<void> {
    const { splitter } = this.#shared
    splitter.push(chunk)
    for (let line = splitter.next(); line !== undefined; line = splitter.next()) {
      this.#line(line)
      // The key that signs them stands in the first record, and the tree begins with it.
      if (!this.#notesRead && this.#chain.size > 0) await this.#readNotes()
    }
    this.#progress(chunk.length)
  }

  #endSegment(): void {
    const line = this.#shared.splitter.rest()
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
    const read = this.#shared.reader.read(line, this.#nextPlace())
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
    this.#shared.splitter.tee = undefined
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
    if (this.#epoch === undefined) {
      this.#epoch = epoch
      this.#shared.calls.enter(epoch, this.#chain)
    }
    const place = { ...spot, epoch: this.#epoch, seq: read.envelope.chain.seq }
    if (epoch !== this.#epoch || (this.#log !== undefined && log !== this.#log)) {
      this.#foreignCount++
      const message =
        epoch === this.#epoch ? `A record of the log ${log}.` : `A record of the epoch ${epoch}.`
      this.#foreign.fault({ code: 'forged', check: 'epoch', message }, place)
      return
    }
    if (this.#log === undefined) this.#joinLog(log, place)
    const arrival: Arrival = { read, leaf, spot, reported: false, flaw: undefined }
    if (read.violation !== undefined) {
      const message = `The record breaks its schema: ${read.violation}.`
      arrival.flaw = this.#findings.fault({ code: 'schema', check: 'schema', message }, place)
    }
    this.#checkFirstSeq(arrival)
    this.#chain.accept(arrival)
  }

  /** All epochs of a verification are of one log. */
  #joinLog(log: string, place: Parameters<Findings['fault']>[1]): void {
    this.#log = log
    this.#wellNamed = isLogName(log) && isEpochId(this.#epoch ?? '')
    if (log === (this.#shared.log ?? log)) return
    const message = `This epoch is of the log ${log}, those before are of ${this.#shared.log}.`
    this.#findings.fault({ code: 'forged', check: 'epoch', message }, place)
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
    const { heads } = this.#shared
    await this.#checkpoints.read(this.#opening.source.checkpoints(), owner, heads)
    this.#checkpoints.reached(this.#chain.size, this.#chain)
  }

  #settleTail(): void {
    const { splitter } = this.#shared
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

  #progress(bytes: number): void {
    this.#bytes += bytes
    if (bytes > 0 && this.#bytes - this.#bytesSaid < PROGRESS_BYTES) return
    this.#shared.progress(this.#bytes - this.#bytesSaid, this.#records.count)
    this.#bytesSaid = this.#bytes
  }
}

/** Unknown where the line was skipped for its length. */
function leafOf({ bytes, start, end, tooLong }: Line): string | undefined {
  if (tooLong) return undefined
  return leafHashOfFrame(bytes.subarray(start - 1, end), end - start + 1)
}
