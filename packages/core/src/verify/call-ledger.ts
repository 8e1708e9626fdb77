// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EpochCalls, KnownDoubts, LooseEnd, OpenCall } from './call-check.ts'
import { secondEndMessage } from './call-check.ts'
import { differenceOf } from './call-likeness.ts'
import type { Findings, Place } from './findings.ts'

const RECORD_ID = /^([0-9a-f-]{36})\/(0|[1-9]\d{0,15})$/

/** What is known of an epoch when all records have been read. */
export interface EpochFate {
  readonly calls: EpochCalls
  readonly known: KnownDoubts
  readonly size: number
  /** Records below this were not read: a head or a stub stands for them. */
  readonly heldSize: number
  readonly expiredSize: number
  /** Why calls may be open: its process died, or is at work. */
  readonly excuse: string | undefined
}

/**
 * The check `calls` across epochs: the first end that names a start counts, in whichever epoch it
 * stands. Works on what the epochs hand over when all were read, in their order.
 */
export class CallLedger {
  readonly #findings: Findings
  readonly #fates: ReadonlyMap<string, EpochFate>
  readonly #unlisted = new Map<string, number>()
  /** Epochs that are not there were not asked for. */
  readonly #partial: boolean

  constructor(
    findings: Findings,
    fates: ReadonlyMap<string, EpochFate>,
    { partial }: { readonly partial: boolean },
  ) {
    this.#findings = findings
    this.#fates = fates
    this.#partial = partial
  }

  /** Says which calls never ended, and which ends never began. */
  settle(): void {
    if ([...this.#fates.values()].some(({ calls }) => calls.overflowed)) return
    const seen = new Set<string>()
    for (const [epoch, { calls }] of this.#fates) {
      this.#unlisted.set(epoch, calls.unlisted)
      for (const end of calls.loose) this.#match(end, epoch, seen)
    }
    for (const { calls } of this.#fates.values()) {
      for (const id of calls.listedElsewhere) {
        const open = this.#openCall(id)
        if (open !== undefined) open.listed = true
      }
    }
    for (const [epoch, fate] of this.#fates) {
      for (const [seq, open] of fate.calls.open) {
        if (fate.known.lostEnds.reaches(seq)) continue
        this.#reportOpen(open, { ...open.spot, epoch, seq }, fate)
      }
    }
  }

  #openCall(id: string): OpenCall | undefined {
    const [, epoch = '', seq = ''] = RECORD_ID.exec(id) ?? []
    return this.#fates.get(epoch)?.calls.open.get(Number(seq))
  }

  #match(end: LooseEnd, epoch: string, seen: Set<string>): void {
    const { startId } = end
    const [, startEpoch = '', digits = ''] = RECORD_ID.exec(startId) ?? []
    const startSeq = Number(digits)
    const fate = this.#fates.get(startEpoch)
    const open = fate?.calls.open.get(startSeq)
    const place = { ...end.spot, epoch, seq: end.seq }
    if (fate !== undefined && open !== undefined) {
      fate.calls.open.delete(startSeq)
      fate.calls.ended.add(startSeq)
      const doubtful =
        fate.known.doubts.has(startSeq) ||
        this.#fates.get(epoch)?.known.doubts.has(end.seq) === true
      const difference = doubtful ? undefined : differenceOf(open.likeness, end.likeness)
      if (difference === undefined) return
      const message = `This end has ${difference} than its start.`
      this.#findings.fault({ code: 'forged', check: 'calls', message }, place)
    } else if (fate?.calls.ended.has(startSeq) === true || seen.has(startId)) {
      const message = secondEndMessage(startId)
      this.#findings.fault({ code: 'duplicated', check: 'calls', message }, place)
    } else {
      this.#reportLoose(startId, fate, place)
    }
    seen.add(startId)
  }

  #reportLoose(startId: string, fate: EpochFate | undefined, place: Place): void {
    const startSeq = Number(startId.slice(startId.lastIndexOf('/') + 1))
    const report = { check: 'calls' } as const
    if (fate?.known.doubts.has(startSeq) === true) return
    // What points into an expired range is no fault.
    if (fate !== undefined && startSeq < fate.expiredSize) return
    if (fate !== undefined && startSeq < fate.heldSize) {
      const message = `This end names record ${startId} as its start, and no such call was under way at the head from which this verification goes on.`
      this.#findings.fault({ ...report, code: 'duplicated', message }, place)
    } else if (fate !== undefined && startSeq < fate.size) {
      const message = `This end names record ${startId} as its start, which is none.`
      this.#findings.fault({ ...report, code: 'forged', message }, place)
    } else if (fate === undefined && this.#partial) {
      const message = `The call began as record ${startId}, in an epoch that was not given.`
      this.#findings.notice({ ...report, code: 'missing', message }, place)
    } else {
      const message = `The start of this call, record ${startId}, is missing.`
      this.#findings.fault({ ...report, code: 'missing', message }, place)
    }
  }

  #reportOpen(open: OpenCall, place: Place, { excuse }: EpochFate): void {
    const epoch = place.epoch ?? ''
    const unlisted = this.#unlisted.get(epoch) ?? 0
    const counted = !open.listed && unlisted > 0
    if (counted) this.#unlisted.set(epoch, unlisted - 1)
    const why = open.listed || counted ? 'its epoch.close says so' : excuse
    const report = { code: 'unanswered', check: 'calls' } as const
    const message = `The call that began as record ${place.seq} has no end`
    if (why === undefined) this.#findings.fault({ ...report, message: `${message}.` }, place)
    else this.#findings.notice({ ...report, message: `${message}: ${why}.` }, place)
  }
}
