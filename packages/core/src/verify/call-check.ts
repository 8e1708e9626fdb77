// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { sha256Hex } from '../hash.ts'
import type { Arrival, Spot } from './arrival.ts'
import { placeOf } from './arrival.ts'
import type { Findings, OpenFinding, Place } from './findings.ts'
import type { SeqRanges } from './seq-ranges.ts'
import { SeqSet } from './seq-set.ts'

/** Calls under way that are remembered; an agent that has more at once is not believed. */
export const OPEN_CALLS_MAX = 131_072
/** From this many on, what a call was like is kept as a hash. */
const OPEN_TEXTS_MAX = 4096
const RECORD_ID = /^([0-9a-f-]{36})\/(0|[1-9]\d{0,15})$/
const EPOCH_LENGTH = 36

/** What an end has to share with its start. */
interface Likeness {
  readonly kind: string
  readonly actor: string
  readonly tool: string
  readonly authorization: string
  readonly input: string
}

interface Waiting {
  readonly likeness: Likeness | string
  readonly spot: Spot
  /** Its epoch's `epoch.close`, or a later one, lists it as open. */
  listed: boolean
}

interface WaitingEnd extends Waiting {
  /** Where the end stands. */
  readonly epoch: string
  readonly seq: number
}

/** The calls of one epoch: those that have no end yet, and which starts have theirs. */
interface EpochCalls {
  readonly open: Map<number, Waiting>
  readonly ended: SeqSet
  /** How many open calls its `epoch.close` counts without listing them. */
  unlisted: number
  readonly known: KnownDoubts
}

/** What was found already about the records of an epoch; grows while they are read. */
export interface KnownDoubts {
  /** Records about which something was found. */
  readonly doubts: SeqRanges
  /** Those of them that may have ended any call. */
  readonly lostEnds: SeqRanges
}

/** What is known of an epoch when all records have been read. */
export interface EpochFate {
  readonly size: number
  /** Why calls may be open: its process died, or is at work. */
  readonly excuse: string | undefined
}

/**
 * The check `calls`, over all epochs: each start has one end, which is like it.
 *
 * The first end that names a start counts, in whichever epoch it stands. Memory goes with the calls
 * under way, and one bit for each start that has ended.
 */
export class CallCheck {
  readonly #findings: Findings
  readonly #epochs = new Map<string, EpochCalls>()
  /** Ends of starts not seen so far, by record id of the start. */
  readonly #early = new Map<string, WaitingEnd>()
  #waiting = 0
  #overflowed = false

  constructor(findings: Findings) {
    this.#findings = findings
  }

  /** Begins an epoch, before any of its calls. */
  enter(epoch: string, known: KnownDoubts): void {
    if (this.#epochs.has(epoch)) return
    this.#epochs.set(epoch, { open: new Map(), ended: new SeqSet(), unlisted: 0, known })
  }

  start(arrival: Arrival): void {
    const { epoch, seq } = arrival.read.envelope.chain
    const calls = this.#epochs.get(epoch)
    if (calls === undefined) return
    const likeness = likenessOf(arrival)
    const id = this.#early.size > 0 ? `${epoch}/${seq}` : ''
    const end = this.#early.get(id)
    if (end !== undefined) {
      this.#early.delete(id)
      this.#waiting--
      calls.ended.add(seq)
      if (calls.known.doubts.has(seq)) return
      this.#compare(likeness, end.likeness, { ...end.spot, epoch: end.epoch, seq: end.seq })
    } else if (this.#admit(arrival)) {
      calls.open.set(seq, { likeness: this.#compact(likeness), spot: arrival.spot, listed: false })
    }
  }

  end(arrival: Arrival, startId: string): void {
    const startEpoch = startId.slice(0, EPOCH_LENGTH)
    const startSeq = Number(startId.slice(EPOCH_LENGTH + 1))
    const calls = this.#epochs.get(startEpoch)
    const open = calls?.open.get(startSeq)
    if (calls !== undefined && open !== undefined) {
      calls.open.delete(startSeq)
      calls.ended.add(startSeq)
      this.#waiting--
      if (arrival.flaw !== undefined || calls.known.doubts.has(startSeq)) return
      arrival.flaw = this.#compare(open.likeness, likenessOf(arrival), placeOf(arrival))
    } else if (calls?.ended.has(startSeq) === true || this.#early.has(startId)) {
      const message = `The call that began as record ${startId} has ended before: this is a second end.`
      this.#findings.fault({ code: 'duplicated', check: 'calls', message }, placeOf(arrival))
    } else if (this.#admit(arrival)) {
      const { epoch, seq } = arrival.read.envelope.chain
      const likeness = this.#compact(likenessOf(arrival))
      this.#early.set(startId, { likeness, spot: arrival.spot, listed: false, epoch, seq })
    }
  }

  /** Calls that an `epoch.close` says are open. */
  listed(epoch: string, ids: readonly string[], more: number): void {
    const calls = this.#epochs.get(epoch)
    if (calls !== undefined) calls.unlisted = more
    for (const id of ids) {
      const [, startEpoch = '', seq = ''] = RECORD_ID.exec(id) ?? []
      const open = this.#epochs.get(startEpoch)?.open.get(Number(seq))
      if (open !== undefined) open.listed = true
    }
  }

  /** Says which calls never ended, and which ends never began. */
  finish(fates: ReadonlyMap<string, EpochFate>): void {
    if (this.#overflowed) return
    for (const [epoch, calls] of this.#epochs) {
      const excuse = fates.get(epoch)?.excuse
      for (const [seq, open] of calls.open) {
        if (calls.known.lostEnds.reaches(seq)) continue
        this.#reportOpen(open, { ...open.spot, epoch, seq }, { calls, excuse })
      }
    }
    for (const [startId, end] of this.#early) this.#reportEarly(startId, end, fates)
  }

  #reportOpen(
    open: Waiting,
    place: Place,
    { calls, excuse }: { readonly calls: EpochCalls; readonly excuse: string | undefined },
  ): void {
    const counted = !open.listed && calls.unlisted > 0
    if (counted) calls.unlisted--
    const why = open.listed || counted ? 'its epoch.close says so' : excuse
    const report = { code: 'unanswered', check: 'calls' } as const
    const message = `The call that began as record ${place.seq} has no end`
    if (why === undefined) this.#findings.fault({ ...report, message: `${message}.` }, place)
    else this.#findings.notice({ ...report, message: `${message}: ${why}.` }, place)
  }

  #reportEarly(startId: string, end: WaitingEnd, fates: ReadonlyMap<string, EpochFate>): void {
    const [, startEpoch = '', seq = ''] = RECORD_ID.exec(startId) ?? []
    const fate = fates.get(startEpoch)
    if (this.#epochs.get(startEpoch)?.known.doubts.has(Number(seq)) === true) return
    const place = { ...end.spot, epoch: end.epoch, seq: end.seq }
    if (fate !== undefined && Number(seq) < fate.size) {
      const message = `This end names record ${startId} as its start, which is none.`
      this.#findings.fault({ code: 'forged', check: 'calls', message }, place)
    } else {
      const message = `The start of this call, record ${startId}, is missing.`
      this.#findings.fault({ code: 'missing', check: 'calls', message }, place)
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
    if (this.#waiting < OPEN_CALLS_MAX) {
      this.#waiting++
      return true
    }
    if (!this.#overflowed) {
      this.#overflowed = true
      const message = `More than ${OPEN_CALLS_MAX} calls are open at once; starts and ends are not matched any more.`
      this.#findings.fault({ code: 'unverifiable', check: 'calls', message }, placeOf(arrival))
    }
    return false
  }

  #compact(likeness: Likeness): Likeness | string {
    return this.#waiting > OPEN_TEXTS_MAX ? hashOf(likeness) : likeness
  }
}

function likenessOf({ read }: Arrival): Likeness {
  const { actor = '', authorization = '', tool = '' } = read.blocks
  const { type } = read.envelope
  const kind = type.slice(0, type.lastIndexOf('.'))
  const { invocation } = read.envelope as { invocation?: unknown }
  const input = (invocation as { input?: unknown } | undefined)?.input
  return {
    kind,
    actor,
    authorization,
    tool,
    input: input === undefined ? '' : JSON.stringify(input),
  }
}

function hashOf({ kind, actor, authorization, tool, input }: Likeness): string {
  return sha256Hex(JSON.stringify([kind, actor, authorization, tool, input]))
}

/** In what the two differ, for a sentence; undefined where they are alike. */
function differenceOf(start: Likeness | string, end: Likeness | string): string | undefined {
  if (typeof start === 'string' || typeof end === 'string') {
    const [a, b] = [start, end].map((one) => (typeof one === 'string' ? one : hashOf(one)))
    return a === b ? undefined : 'another actor, tool, authorization or input'
  }
  if (start.kind !== end.kind) return `another kind (${end.kind}, not ${start.kind})`
  if (start.actor !== end.actor) return 'another actor'
  if (start.tool !== end.tool) return 'another tool'
  if (start.authorization !== end.authorization) return 'another authorization'
  return start.input === end.input ? undefined : 'another input commitment'
}
