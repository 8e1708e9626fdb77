// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { MerkleFrontier } from '../merkle.ts'
import { NO_PREV } from '../record.ts'
import type { Arrival } from './arrival.ts'
import { placeOf } from './arrival.ts'
import type { Findings, OpenFinding } from './findings.ts'
import { RangeFindings } from './findings.ts'
import { LeafPrints } from './leaf-prints.ts'
import type { ReadRecord } from './read-record.ts'
import { SeqRanges } from './seq-ranges.ts'

const GAPS_MAX = 1000
/** Leaves of neighbouring broken lines that are kept until it is known whose place they took. */
const BROKEN_LEAVES_MAX = 1000

/** Told of records once their place is settled. */
export interface ChainListener {
  /** A record has its place; those that come `late` (reordered) are in no tree. */
  placed(arrival: Arrival, late: boolean): void
  /** The tree has grown by a leaf. */
  grown(size: number, leaf: string, arrival: Arrival | undefined): void
}

/** A point of a chain from which it can be gone on. */
export interface ChainPoint {
  readonly size: number
  /** Of the last record. */
  readonly leaf: string
  readonly tree: MerkleFrontier | undefined
}

interface Gap {
  from: number
  readonly to: number
  readonly before: Arrival
}

/** Lines in a row that are no records of this chain; whose place they took shows in what follows. */
interface BrokenRun {
  count: number
  /** The first one's, and the last one's. */
  readonly finding: OpenFinding
  last: OpenFinding
  readonly leaves: string[]
}

/**
 * The checks `sequence` and `link` of one epoch.
 *
 * It names what happened, not only where: a record whose bytes changed, one that is gone, moved,
 * repeated, or there twice in different forms. For that it holds on to at most one record that runs
 * ahead of its number until the next one shows which of the two is wrong.
 */
export class ChainCheck {
  readonly #findings: Findings
  readonly #runs: RangeFindings
  readonly #listener: ChainListener
  readonly prints: LeafPrints = new LeafPrints()
  /** Records about which something was found. */
  readonly doubts: SeqRanges = new SeqRanges()
  /** Those of them that are gone, unreadable or changed, and so may have ended any call. */
  readonly lostEnds: SeqRanges = new SeqRanges()
  readonly #gaps: Gap[] = []
  #tree: MerkleFrontier | undefined = new MerkleFrontier()
  #size = 0
  #leaf = NO_PREV
  #last: Arrival | undefined
  #broken: BrokenRun | undefined
  #ahead: Arrival | undefined
  #aheadPassed = false

  constructor(findings: Findings, listener: ChainListener) {
    this.#findings = findings
    this.#runs = new RangeFindings(findings)
    this.#listener = listener
  }

  /**
   * Goes on behind records that are not read: a head or a stub stands for the first `size`. Without a
   * tree no further root can be told.
   */
  resume({ size, leaf, tree }: ChainPoint): void {
    this.#size = size
    this.#leaf = leaf
    this.#tree = tree
    this.#last = undefined
    this.#broken = undefined
    this.prints.set(size - 1, leaf)
    this.#listener.grown(size, leaf, undefined)
  }

  /** The compact range over all records so far; undefined where their places are in doubt. */
  nodes(): string[] | undefined {
    return this.#tree?.nodes()
  }

  /** How far the chain reaches: the `seq` that the next record should have. */
  get size(): number {
    return this.#size
  }

  /** The leaf of the last record; 64 zeros before the first. */
  get leaf(): string {
    return this.#leaf
  }

  get last(): Arrival | undefined {
    return this.#last
  }

  /** The root over all records so far; undefined where their places are in doubt. */
  root(): string | undefined {
    return this.#tree?.root()
  }

  /** The first record about which something was found; Infinity where nothing was. */
  get firstDoubt(): number {
    return this.doubts.first
  }

  /** Whether this record continues the chain. */
  continues({ envelope }: ReadRecord): boolean {
    const { seq, prev } = envelope.chain
    return seq === this.#size && prev === this.#leaf
  }

  /** The `seq` that the next line should have, if all broken ones took the place of records. */
  get nextSeq(): number {
    return this.#size + (this.#broken?.count ?? 0)
  }

  accept(arrival: Arrival): void {
    if (this.continues(arrival.read)) {
      this.#broken = undefined
      this.#advance(arrival)
      if (this.#ahead !== undefined) this.#passAhead(this.#ahead, arrival)
    } else {
      this.#irregular(arrival)
    }
  }

  /** Notes a line that is no record and has been reported; `leaf` is unknown where it was skipped. */
  broken(finding: OpenFinding, leaf: string | undefined): void {
    this.#broken ??= { count: 0, finding, last: finding, leaves: [] }
    this.#broken.count++
    this.#broken.last = finding
    if (leaf !== undefined && this.#broken.leaves.length < BROKEN_LEAVES_MAX) {
      this.#broken.leaves.push(leaf)
    }
  }

  /** Ends the epoch: what did not turn up is missing. */
  finish(): void {
    const ahead = this.#ahead
    if (ahead !== undefined) {
      const early = this.#aheadPassed && seqOf(ahead) === this.#size
      const gap = !this.#aheadPassed && prevOf(ahead) !== this.#leaf
      if (early || gap) this.#takeAhead(ahead)
      else this.#reportStray(ahead)
    }
    if (this.#broken !== undefined) this.#replacedBy(this.#broken, this.#size + this.#broken.count)
    for (const gap of this.#gaps) this.#reportMissing(gap)
  }

  #advance(arrival: Arrival): void {
    this.#grow(arrival.leaf, arrival)
    this.#last = arrival
    this.#listener.placed(arrival, false)
  }

  #grow(leaf: string, arrival: Arrival | undefined): void {
    this.prints.set(this.#size, leaf)
    this.#tree?.append(leaf)
    this.#size++
    this.#leaf = leaf
    this.#listener.grown(this.#size, leaf, arrival)
  }

  #irregular(arrival: Arrival): void {
    const seq = seqOf(arrival)
    const ahead = this.#ahead
    if (ahead !== undefined && seq === seqOf(ahead) + 1 && prevOf(arrival) === ahead.leaf) {
      this.#takeAhead(ahead)
      this.#advance(arrival)
    } else if (this.#broken !== undefined && seq >= this.#size && seq <= this.nextSeq) {
      this.#replacedBy(this.#broken, seq, prevOf(arrival))
      arrival.reported = true
      this.#advance(arrival)
    } else if (seq === this.#size) {
      this.#reportLink(arrival)
      this.#advance(arrival)
    } else if (seq > this.#size) {
      this.#runAhead(arrival)
    } else if (prevOf(arrival) === this.#leaf) {
      this.#reportStray(arrival)
    } else {
      this.#late(arrival)
    }
  }

  /** The record does not link to the one before it: one of the two was changed. */
  #reportLink(arrival: Arrival): void {
    const seq = seqOf(arrival)
    const before = this.#last
    if (seq === 0 || before === undefined) {
      const message = 'The first record links to a predecessor, and there is none before it.'
      this.#findings.fault({ code: 'edited', check: 'link', message }, placeOf(arrival))
      this.doubts.add(seq, seq)
    } else if (before.flaw !== undefined) {
      const message = `Record ${seq - 1} was changed after it was written: it does not hash to what record ${seq} links to. ${before.flaw.message}`
      this.#findings.recode(before.flaw, { code: 'edited', check: 'link', message })
      before.flaw.lastSeq = seq
    } else if (!before.reported) {
      const message = `Record ${seq - 1} or ${seq} was changed after it was written: record ${seq} links to another hash than that of record ${seq - 1}.`
      const place = { ...placeOf(before), lastSeq: seq }
      this.#findings.fault({ code: 'edited', check: 'link', message }, place)
    }
    this.doubts.add(Math.max(0, seq - 1), seq)
    if (isEnd(arrival) || (before !== undefined && isEnd(before))) {
      this.lostEnds.add(Math.max(0, seq - 1), seq)
    }
    arrival.reported = true
  }

  /** A number too high: records are missing before it, or the number is wrong. The next one tells. */
  #runAhead(arrival: Arrival): void {
    const ahead = this.#ahead
    if (ahead !== undefined) {
      if (this.#aheadPassed || seqOf(arrival) <= seqOf(ahead) + 1) this.#reportStray(ahead)
      else this.#takeAhead(ahead)
      this.accept(arrival)
      return
    }
    this.#ahead = arrival
    this.#aheadPassed = false
  }

  /** The chain goes on from before `ahead`, so that one stands too early or does not belong. */
  #passAhead(ahead: Arrival, arrival: Arrival): void {
    this.#aheadPassed = true
    if (seqOf(arrival) !== seqOf(ahead)) return
    this.#reportSecond(ahead)
    this.#ahead = undefined
  }

  /** The chain goes on from `ahead`: what lies between is missing, or comes later. */
  #takeAhead(ahead: Arrival): void {
    const seq = seqOf(ahead)
    this.#ahead = undefined
    this.#tree = undefined
    if (seq === this.#size) {
      const message = `Record ${seq} stands before record ${seq - 1}.`
      this.#findings.fault({ code: 'reordered', check: 'sequence', message }, placeOf(ahead))
    } else if (this.#broken !== undefined) {
      this.#broken.finding.lastSeq = seq - 1
    } else {
      this.#openGap({ from: this.#size, to: seq - 1, before: ahead })
    }
    this.#broken = undefined
    this.doubts.add(Math.min(this.#size, seq), seq)
    if (seq > this.#size) this.lostEnds.add(this.#size, seq - 1)
    this.#size = seq
    ahead.reported = true
    this.#advance(ahead)
  }

  #openGap(gap: Gap): void {
    if (this.#gaps.length < GAPS_MAX) this.#gaps.push(gap)
    else this.#reportMissing(gap)
  }

  #reportMissing({ from, to, before }: Gap): void {
    const message =
      from === to
        ? `Record ${from} is missing.`
        : `Records ${from} to ${to} are missing: ${to - from + 1} of them.`
    const place = { ...placeOf(before), seq: from, lastSeq: to }
    this.#findings.fault({ code: 'missing', check: 'sequence', message }, place)
  }

  /** Broken lines stood where the records before `seq` belong. */
  #replacedBy(run: BrokenRun, seq: number, link?: string): void {
    this.#broken = undefined
    // A line that breaks the schema was written so only if its successor links to it.
    if (link !== undefined && link !== run.leaves.at(-1) && run.last.code === 'schema') {
      const { check, message } = run.last
      this.#findings.recode(run.last, { code: 'edited', check, message })
    }
    this.doubts.add(this.#size, Math.max(this.#size, seq - 1))
    this.lostEnds.add(this.#size, Math.max(this.#size, seq - 1))
    if (seq - this.#size === run.leaves.length && run.leaves.length === run.count) {
      for (const leaf of run.leaves) this.#grow(leaf, undefined)
    } else {
      this.#tree = undefined
      this.#size = seq
      this.#leaf = NO_PREV
    }
  }

  /** A record whose number fits nothing around it. */
  #reportStray(arrival: Arrival): void {
    const seq = seqOf(arrival)
    const passed = arrival === this.#ahead && this.#aheadPassed
    if (arrival === this.#ahead) this.#ahead = undefined
    const message = passed
      ? `A record that says it is number ${seq} links to nothing around it.`
      : `A record that says it is number ${seq} stands where number ${this.nextSeq} belongs.`
    const place = { ...placeOf(arrival), ...(!passed && { seq: this.nextSeq }) }
    const finding = this.#findings.fault({ code: 'edited', check: 'sequence', message }, place)
    // Unless the chain went on without it, it took the place of the record that belongs there.
    if (!passed) this.broken(finding, arrival.leaf)
  }

  /** A number that was there already, or that others had run past. */
  #late(arrival: Arrival): void {
    const seq = seqOf(arrival)
    const gap = this.#gaps.find(({ from, to }) => from <= seq && seq <= to)
    if (gap === undefined) {
      this.#reportSecond(arrival)
      return
    }
    const message = `Record ${seq} stands behind record ${this.#size - 1}.`
    this.#runs.fault({ code: 'reordered', check: 'sequence', message }, placeOf(arrival))
    this.#gaps.splice(this.#gaps.indexOf(gap), 1, ...without(gap, seq))
    // Each record that comes late can make two gaps of one, and all are searched for the next.
    if (this.#gaps.length > GAPS_MAX) this.#reportMissing(this.#gaps.pop() as Gap)
    this.prints.set(seq, arrival.leaf)
    this.#listener.placed(arrival, true)
  }

  #reportSecond(arrival: Arrival): void {
    const seq = seqOf(arrival)
    if (this.prints.matches(seq, arrival.leaf)) {
      const message = `Record ${seq} is there a second time.`
      this.#runs.fault({ code: 'duplicated', check: 'sequence', message }, placeOf(arrival))
      return
    }
    const message = `There are two different records with number ${seq}.`
    this.#runs.fault({ code: 'forked', check: 'sequence', message }, placeOf(arrival))
    this.doubts.add(seq, seq)
    if (this.#last !== undefined && seq === this.#size - 1) this.#last.reported = true
  }
}

function seqOf({ read }: Arrival): number {
  return read.envelope.chain.seq
}

function prevOf({ read }: Arrival): string {
  return read.envelope.chain.prev
}

function isEnd({ read }: Arrival): boolean {
  return read.envelope.type.endsWith('.end')
}

function without({ from, to, before }: Gap, seq: number): Gap[] {
  return [
    { from, to: seq - 1, before },
    { from: seq + 1, to, before },
  ].filter((gap) => gap.from <= gap.to)
}
