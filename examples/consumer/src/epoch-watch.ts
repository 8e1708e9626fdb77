// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { NoteKey, SealedCheckpoint, SealedRecord } from '@spanseal/core'
import {
  checkCertificateChain,
  epochBelongsTo,
  isCanonicalText,
  MerkleFrontier,
  NO_PREV,
  noteSignedBy,
  parseCheckpoint,
  parseNote,
  parseVkey,
} from '@spanseal/core'

/** What a record showed when it was checked; `faults` is empty where it holds. */
export interface CheckedRecord {
  readonly record: SealedRecord
  /** The parsed line; empty where it does not parse. */
  readonly fields: Readonly<Record<string, unknown>>
  /** It was here before, and is the same or too old to tell. */
  readonly again: boolean
  readonly faults: readonly string[]
}

export interface CheckedCheckpoint {
  readonly size: number
  /** `pinned`: by a key that a pinned key vouches for. `unknown`: the epoch's start was not seen. */
  readonly signed: 'pinned' | 'unpinned' | 'unknown'
  readonly faults: readonly string[]
}

/** What is known of an epoch. */
export interface EpochSummary {
  readonly epoch: string
  /** The first sequence number that was seen. */
  readonly from: number
  /** Records seen, duplicates not counted. */
  readonly records: number
  /** How many records, counted from the epoch's start, a checkpoint's root has confirmed. */
  readonly confirmed: number
  readonly signed: CheckedCheckpoint['signed']
  readonly closed: boolean
  readonly faults: number
}

/** Checkpoints may come before the records that they cover, and hold them up no longer than this. */
const LEAVES_WAITING_MAX = 200_000
const CHECKPOINTS_WAITING_MAX = 1_000

/**
 * Checks one epoch while it arrives: canonical lines, sequence, links, the epoch's key and its
 * certificate, and the root of every checkpoint. Memory is bounded by what lies between checkpoints.
 */
export class EpochWatch {
  readonly #log: string
  readonly #epoch: string
  readonly #pinned: readonly NoteKey[]
  readonly #tree = new MerkleFrontier()
  /** Leaves behind those in the tree. */
  #leaves: string[] = []
  #waiting: SealedCheckpoint[] = []
  #from: number | undefined
  #next = 0
  #prev = NO_PREV
  #records = 0
  #faults = 0
  #confirmed = 0
  #closed = false
  /** Whether every record from the first one on is here, so that roots can be computed. */
  #whole = true
  #key: NoteKey | undefined
  #signed: CheckedCheckpoint['signed'] = 'unknown'

  constructor(log: string, epoch: string, pinned: readonly NoteKey[]) {
    this.#log = log
    this.#epoch = epoch
    this.#pinned = pinned
  }

  get summary(): EpochSummary {
    return {
      epoch: this.#epoch,
      from: this.#from ?? 0,
      records: this.#records,
      confirmed: this.#confirmed,
      signed: this.#signed,
      closed: this.#closed,
      faults: this.#faults,
    }
  }

  /** Closed, and confirmed to its end: nothing more can come. */
  get complete(): boolean {
    return this.#closed && this.#confirmed === this.#next
  }

  record(record: SealedRecord): CheckedRecord {
    const faults: string[] = []
    const fields = this.#parse(record, faults)
    const again = this.#from !== undefined && record.seq < this.#next
    if (!again) {
      this.#place(record, fields, faults)
      this.#records++
      if (record.seq === 0) this.#open(fields, faults)
      if (record.type === 'epoch.close') this.#closed = true
    }
    this.#faults += faults.length
    return { record, fields, again, faults }
  }

  /** The checkpoints that can be judged now: this one, or others that waited for records. */
  checkpoints(arrived: readonly SealedCheckpoint[] = []): CheckedCheckpoint[] {
    this.#waiting.push(...arrived)
    const ready = this.#waiting.filter(({ size }) => size <= this.#next || !this.#whole)
    this.#waiting = this.#waiting.filter((c) => !ready.includes(c)).slice(-CHECKPOINTS_WAITING_MAX)
    return ready.map((checkpoint) => {
      const checked = this.#checkpoint(checkpoint)
      this.#faults += checked.faults.length
      return checked
    })
  }

  #parse({ line }: SealedRecord, faults: string[]): Readonly<Record<string, unknown>> {
    const text = Buffer.from(line).toString('utf8')
    const value = JSON.parse(text) as Record<string, unknown>
    if (!isCanonicalText(text, value)) faults.push('the line is not canonical')
    return value
  }

  #place(record: SealedRecord, fields: Readonly<Record<string, unknown>>, faults: string[]): void {
    const { seq, leaf } = record
    const { prev } = fields['chain'] as { readonly prev?: unknown }
    const first = this.#from === undefined
    if (first) {
      this.#from = seq
      this.#whole = seq === 0
    } else if (seq > this.#next) {
      faults.push(`records ${this.#next} to ${seq - 1} are missing`)
      this.#whole = false
    }
    const follows = first ? seq === 0 : seq === this.#next
    if (follows && prev !== this.#prev) faults.push('it does not link to the record before it')
    this.#next = seq + 1
    this.#prev = leaf
    this.#leaves.push(leaf)
    if (this.#leaves.length > LEAVES_WAITING_MAX) this.#grow(this.#next)
  }

  #open(fields: Readonly<Record<string, unknown>>, faults: string[]): void {
    const detail = fields['detail'] as { readonly key?: unknown } | undefined
    const { vkey, certs } = (detail?.key ?? {}) as { vkey?: unknown; certs?: unknown }
    const { at } = (fields['time'] ?? {}) as { at?: unknown }
    try {
      const key = parseVkey(String(vkey))
      if (!epochBelongsTo(this.#epoch, key.publicKey)) throw new Error('the key is not the epoch’s')
      const claim = {
        log: this.#log,
        epoch: this.#epoch,
        vkey: String(vkey),
        certs: Array.isArray(certs) ? certs.map(String) : [],
        at: String(at),
      }
      const { pinned, valid } = checkCertificateChain(claim, this.#pinned)
      if (!valid) faults.push('the epoch’s certificate was not valid when it was opened')
      this.#key = key
      this.#signed = pinned ? 'pinned' : 'unpinned'
    } catch (error) {
      faults.push(`the epoch's key does not hold: ${(error as Error).message}`)
    }
  }

  #checkpoint({ note, size }: SealedCheckpoint): CheckedCheckpoint {
    const faults: string[] = []
    const parsed = parseNote(note)
    const { origin, root } = parseCheckpoint(parsed.text)
    if (origin !== `${this.#log}/${this.#epoch}`) faults.push('its origin is another epoch')
    if (this.#key !== undefined && !noteSignedBy(parsed, this.#key)) {
      faults.push('it is not signed by the epoch’s key')
    }
    // Roots below what the tree has reached, and those over a hole, cannot be computed.
    if (faults.length === 0 && this.#whole && size >= this.#tree.size && size <= this.#next) {
      this.#grow(size)
      if (this.#tree.root() !== root) faults.push(`its root is not that of the ${size} records`)
      else this.#confirmed = size
    }
    return { size, signed: this.#signed, faults }
  }

  #grow(size: number): void {
    const added = this.#leaves.splice(0, size - this.#tree.size)
    for (const leaf of added) this.#tree.append(leaf)
  }
}
