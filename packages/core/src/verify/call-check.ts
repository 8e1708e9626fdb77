// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Arrival, Spot } from './arrival.ts'
import { placeOf } from './arrival.ts'
import type { Likeness } from './call-likeness.ts'
import { differenceOf, hashOfLikeness, likenessOf } from './call-likeness.ts'
import type { Findings, OpenFinding, Place } from './findings.ts'
import type { SeqRanges } from './seq-ranges.ts'
import { SeqSet } from './seq-set.ts'

/** Calls under way that are remembered; an agent that has more at once is not believed. */
export const OPEN_CALLS_MAX = 131_072
/** From this many on, what a call was like is kept as a hash. */
const OPEN_TEXTS_MAX = 4096
const EPOCH_LENGTH = 36

/** A start that has no end so far. */
export interface OpenCall {
  readonly likeness: Likeness | string
  /** Undefined where it lies before the head from which the verification goes on. */
  readonly spot: Spot | undefined
  /** Its epoch's `epoch.close`, or a later one, lists it as open. */
  listed: boolean
}

/** An end of a start that is not before it in its epoch. */
export interface LooseEnd {
  /** Record id of the start. */
  readonly startId: string
  readonly likeness: Likeness | string
  readonly spot: Spot
  /** Where the end stands. */
  readonly seq: number
}

/** What was found already about the records of an epoch; grows while they are read. */
export interface KnownDoubts {
  /** Records about which something was found. */
  readonly doubts: SeqRanges
  /** Those of them that may have ended any call. */
  readonly lostEnds: SeqRanges
}

/** The calls of one epoch, as far as they can be told without the others. */
export interface EpochCalls {
  readonly open: Map<number, OpenCall>
  readonly ended: SeqSet
  /** Ends of calls that began in other epochs, or nowhere. */
  readonly loose: readonly LooseEnd[]
  /** Calls of other epochs that this one's `epoch.close` lists as open. */
  readonly listedElsewhere: readonly string[]
  /** How many open calls its `epoch.close` counts without listing them. */
  readonly unlisted: number
  /** There were more calls at once than are remembered. */
  readonly overflowed: boolean
}

/**
 * The check `calls` within one epoch: each start has one end, which is like it. What concerns other
 * epochs is handed on to the {@link CallLedger}.
 *
 * Memory goes with the calls under way, and one bit for each start that has ended.
 */
export class CallCheck {
  readonly #findings: Findings
  readonly #known: KnownDoubts
  readonly #open: Map<number, OpenCall>
  readonly #ended = new SeqSet()
  readonly #loose = new Map<string, LooseEnd>()
  readonly #listedElsewhere: string[] = []
  #unlisted: number
  #overflowed = false

  /** @param held the calls under way at the head from which the verification goes on */
  constructor(
    findings: Findings,
    known: KnownDoubts,
    held: { readonly open: Map<number, OpenCall>; readonly unlisted: number },
  ) {
    this.#findings = findings
    this.#known = known
    this.#open = held.open
    this.#unlisted = held.unlisted
  }

  start(arrival: Arrival): void {
    const { epoch, seq } = arrival.read.envelope.chain
    const likeness = likenessOf(arrival.read)
    const id = this.#loose.size > 0 ? `${epoch}/${seq}` : ''
    const end = this.#loose.get(id)
    if (end !== undefined) {
      this.#loose.delete(id)
      this.#ended.add(seq)
      if (this.#known.doubts.has(seq)) return
      this.#compare(likeness, end.likeness, { ...end.spot, epoch, seq: end.seq })
    } else if (this.#admit(arrival)) {
      this.#open.set(seq, {
        likeness: this.#compact(likeness),
        spot: arrival.spot,
        listed: false,
      })
    }
  }

  end(arrival: Arrival, startId: string): void {
    const { epoch, seq } = arrival.read.envelope.chain
    const isOurs = startId.startsWith(epoch)
    const startSeq = Number(startId.slice(EPOCH_LENGTH + 1))
    const open = isOurs ? this.#open.get(startSeq) : undefined
    if (open !== undefined) {
      this.#open.delete(startSeq)
      this.#ended.add(startSeq)
      if (arrival.flaw !== undefined || this.#known.doubts.has(startSeq)) return
      arrival.flaw = this.#compare(open.likeness, likenessOf(arrival.read), placeOf(arrival))
    } else if ((isOurs && this.#ended.has(startSeq)) || this.#loose.has(startId)) {
      const message = secondEndMessage(startId)
      this.#findings.fault({ code: 'duplicated', check: 'calls', message }, placeOf(arrival))
    } else if (this.#admit(arrival)) {
      const likeness = this.#compact(likenessOf(arrival.read))
      this.#loose.set(startId, { startId, likeness, spot: arrival.spot, seq })
    }
  }

  /** Calls that the epoch's `epoch.close` says are open. */
  listed(epoch: string, ids: readonly string[], more: number): void {
    this.#unlisted = more
    for (const id of ids) {
      const open = id.startsWith(epoch)
        ? this.#open.get(Number(id.slice(EPOCH_LENGTH + 1)))
        : undefined
      if (open !== undefined) open.listed = true
      else this.#listedElsewhere.push(id)
    }
  }

  calls(): EpochCalls {
    return {
      open: this.#open,
      ended: this.#ended,
      loose: [...this.#loose.values()],
      listedElsewhere: this.#listedElsewhere,
      unlisted: this.#unlisted,
      overflowed: this.#overflowed,
    }
  }

  #compare(
    start: Likeness | string,
    end: Likeness | string,
    place: Place,
  ): OpenFinding | undefined {
    const difference = differenceOf(start, end)
    if (difference === undefined) return undefined
    const message = `This end has ${difference} than its start.`
    return this.#findings.fault({ code: 'forged', check: 'calls', message }, place)
  }

  #admit(arrival: Arrival): boolean {
    if (this.#open.size + this.#loose.size < OPEN_CALLS_MAX) return true
    if (!this.#overflowed) {
      this.#overflowed = true
      const message = `More than ${OPEN_CALLS_MAX} calls are open at once; starts and ends are not matched any more.`
      this.#findings.fault({ code: 'unverifiable', check: 'calls', message }, placeOf(arrival))
    }
    return false
  }

  #compact(likeness: Likeness): Likeness | string {
    return this.#open.size + this.#loose.size > OPEN_TEXTS_MAX ? hashOfLikeness(likeness) : likeness
  }
}

export function secondEndMessage(startId: string): string {
  return `The call that began as record ${startId} has ended before: this is a second end.`
}
