// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { RECORD_REV } from '../record.ts'
import type { Admissions } from './admissions.ts'
import { AdmissionCheck } from './admissions.ts'
import type { Arrival } from './arrival.ts'
import { placeOf } from './arrival.ts'
import type { CallCheck, KnownDoubts } from './call-check.ts'
import type { ClockPoint } from './clock-check.ts'
import { ClockCheck } from './clock-check.ts'
import type { EpochKey, LoggedCertificates, OpenChecks } from './epoch-open-check.ts'
import { checkEpochOpen } from './epoch-open-check.ts'

const STARTS: ReadonlySet<string> = new Set(['task.start', 'tool.start'])
const ENDS: ReadonlySet<string> = new Set(['task.end', 'tool.end'])
const START_ID = /^[0-9a-f-]{36}\/(0|[1-9]\d{0,15})$/

export interface RecordChecks extends OpenChecks {
  readonly nowMillis: number
}

/** What the records of one epoch are held against. */
interface EpochChecks extends RecordChecks {
  readonly calls: CallCheck
  readonly logged: LoggedCertificates
}

/** What was found of records that are not read again. */
export interface HeldRecords {
  readonly rev: number
  /** How many records its opening has: `epoch.open`, and each `epoch.observed` behind it. */
  readonly openingSize: number
  /** Of `epoch.open`, and of the last record of the opening. */
  readonly openingLeaf: string
  readonly openingEndLeaf: string
  readonly closed: boolean
  readonly clock: ClockPoint
}

/** What the records of one epoch say, once each has its place: the checks `epoch`, `calls`, `time`. */
export class RecordCheck {
  readonly #checks: EpochChecks
  readonly #admissions: AdmissionCheck
  readonly #clock: ClockCheck
  readonly #known: KnownDoubts
  #rev: number | undefined
  #opening = true
  #openingSize = 1
  #openingLeaf = ''
  #openingEndLeaf = ''
  #followed = false
  /** Records seen. */
  count = 0
  key: EpochKey | undefined
  /** There is an `epoch.close`. */
  closed = false
  openedAtMillis: number = Number.NaN
  /** Its checkpoints were signed before the records that they cover were durable. */
  unsynced = false

  constructor(checks: EpochChecks, known: KnownDoubts) {
    this.#checks = checks
    this.#admissions = new AdmissionCheck(checks.findings)
    this.#clock = new ClockCheck(checks.findings, checks.nowMillis)
    this.#known = known
  }

  get admissions(): Admissions {
    return this.#admissions.admissions
  }

  /** Goes on behind records that were checked before, of which only `epoch.open` is read again. */
  resume(opening: Arrival | undefined, held: HeldRecords, size: number): void {
    if (opening !== undefined) this.#opened(opening)
    this.#rev = held.rev
    this.#openingSize = held.openingSize
    this.#openingLeaf = held.openingLeaf
    this.#openingEndLeaf = held.openingEndLeaf
    this.#opening = held.openingSize === size
    this.closed = held.closed
    this.#clock.resume(held.clock)
  }

  /** What it takes to go on from here. */
  held(): HeldRecords {
    return {
      rev: this.#rev ?? 0,
      openingSize: this.#openingSize,
      openingLeaf: this.#openingLeaf,
      openingEndLeaf: this.#openingEndLeaf,
      closed: this.closed,
      clock: this.#clock.point,
    }
  }

  #opened(arrival: Arrival): void {
    this.key = checkEpochOpen(arrival, this.#checks, this.#checks.logged)
    this.openedAtMillis = Date.parse(arrival.read.envelope.time.at)
    this.unsynced = durabilityOf(arrival) === 'none'
  }

  placed(arrival: Arrival, late: boolean): void {
    this.count++
    this.#checkRevision(arrival)
    this.#checkOrder(arrival)
    if (arrival.flaw === undefined && !late) this.#clock.check(arrival)
    const { type } = arrival.read.envelope
    if (STARTS.has(type)) this.#start(arrival)
    else if (ENDS.has(type)) this.#end(arrival)
    else if (type === 'epoch.close') this.#close(arrival)
    else if (arrival.flaw === undefined) this.#admissions.check(arrival)
  }

  /** `rev` is the same throughout an epoch; one that is not known here is said once. */
  #checkRevision(arrival: Arrival): void {
    const { rev } = arrival.read.envelope
    if (rev === this.#rev) return
    if (this.#rev !== undefined) {
      if (arrival.flaw !== undefined) return
      const message = `The revision changes from ${this.#rev} to ${rev} within the epoch.`
      this.#fault('schema', message, arrival)
      return
    }
    this.#rev = rev
    if (rev <= RECORD_REV) return
    const message = `The records are of revision ${rev}; this verifier knows ${RECORD_REV}, so their schema is not checked.`
    this.#checks.findings.notice({ code: 'newer_rev', check: 'schema', message }, placeOf(arrival))
  }

  /** `epoch.open` first, what it observed behind it, nothing behind `epoch.close`. */
  #checkOrder(arrival: Arrival): void {
    const { type, chain } = arrival.read.envelope
    if (this.closed && !this.#followed) {
      this.#followed = true
      this.#fault('forged', 'A record follows the epoch.close.', arrival)
    }
    if (chain.seq === 0) {
      this.#openingLeaf = this.#openingEndLeaf = arrival.leaf
      if (type === 'epoch.open') {
        this.#opened(arrival)
      } else {
        this.#fault('schema', `An epoch begins with epoch.open, not with ${type}.`, arrival)
      }
    } else if (type === 'epoch.open') {
      this.#fault('schema', 'There is an epoch.open within the epoch.', arrival)
    } else if (type !== 'epoch.observed') {
      this.#opening = false
    } else if (!this.#opening) {
      this.#fault('schema', 'An epoch.observed stands elsewhere than behind epoch.open.', arrival)
    } else {
      this.#openingSize++
      this.#openingEndLeaf = arrival.leaf
    }
  }

  #start(arrival: Arrival): void {
    const { seq } = arrival.read.envelope.chain
    // Its end is not judged by what is not a start in full.
    if (arrival.flaw === undefined) this.#checks.calls.start(arrival)
    else this.#known.doubts.add(seq, seq)
  }

  #end(arrival: Arrival): void {
    const { invocation } = arrival.read.envelope as { invocation?: { start?: unknown } }
    const start = invocation?.start
    const { seq } = arrival.read.envelope.chain
    if (typeof start === 'string' && START_ID.test(start)) this.#checks.calls.end(arrival, start)
    else this.#known.lostEnds.add(seq, seq)
  }

  #close(arrival: Arrival): void {
    this.closed = true
    if (arrival.flaw !== undefined) return
    const { chain } = arrival.read.envelope
    const { records, open, more } = closeFields(arrival)
    this.#checks.calls.listed(chain.epoch, open, more)
    if (records === chain.seq + 1 || !this.#known.doubts.empty) return
    const message = `The epoch.close counts ${records} records and is number ${chain.seq}.`
    this.#fault('forged', message, arrival)
  }

  #fault(code: 'forged' | 'schema', message: string, arrival: Arrival): void {
    const report = { code, check: 'epoch', message } as const
    arrival.flaw ??= this.#checks.findings.fault(report, placeOf(arrival))
  }
}

/** Read without the schema's help, for revisions that are not known here. */
function closeFields({ read }: Arrival): { records: number; open: string[]; more: number } {
  const { detail } = read.envelope as { detail?: Record<string, unknown> }
  const open: unknown = detail?.['open']
  const more = detail?.['open_more']
  const records = detail?.['records']
  return {
    records: typeof records === 'number' ? records : 0,
    open: Array.isArray(open) ? open.filter((id) => typeof id === 'string') : [],
    more: typeof more === 'number' ? more : 0,
  }
}

function durabilityOf({ read }: Arrival): unknown {
  const { detail } = read.envelope as { detail?: { audit?: { durability?: unknown } } }
  return detail?.audit?.durability
}
