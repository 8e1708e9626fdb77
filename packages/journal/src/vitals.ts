// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { PendingGap } from './gap.ts'
import type { LiveEpoch } from './live-epoch.ts'
import type { WriterState } from './liveness.ts'
import { ownProcess, saveWriterState } from './liveness.ts'
import { journalFailed } from './write-failure.ts'
import type { WriterSettings } from './writer-options.ts'

/** What a writer says of one of its epochs at a beat. */
interface Pulse {
  readonly folder: string
  /** Records written to it. */
  readonly records: number
  /** How many of them are known to be on disk. */
  readonly synced: number
  readonly ended?: 'closed' | 'failed'
  readonly gap?: PendingGap
}

/** Larger vitals are left out: `writer.json` is rewritten at each beat, and read by others. */
const VITALS_BYTES_MAX = 16_384

/**
 * Replaces an epoch's `writer.json`: the process, the beat, how far the epoch is, and the vitals.
 *
 * @throws what the file system throws
 */
function savePulse(settings: WriterSettings, { folder, ...pulse }: Pulse): void {
  const beat = settings.clock.wallMillis()
  const state = { ...ownProcess(), beat, ...pulse, ...vitalsIn(settings) }
  saveWriterState(settings.fs, folder, state)
}

type Vitals = Pick<WriterState, 'vitals' | 'vitals_too_large'>

function vitalsIn({ journal, vitals, onProblem }: WriterSettings): Vitals {
  if (vitals === undefined) return {}
  try {
    const text = JSON.stringify(vitals())
    if (Buffer.byteLength(text) > VITALS_BYTES_MAX) return { vitals_too_large: true }
    return { vitals: JSON.parse(text) as Readonly<Record<string, unknown>> }
  } catch (cause) {
    onProblem(journalFailed(journal, 'the vitals could not be taken', { cause }))
    return {}
  }
}

/** Epochs of which it could not be said that they ended; the oldest are then left to the next opener. */
const UNSAID_MAX = 100

/** Keeps the `writer.json` of a writer's epochs: of the live one, and of those that ended. */
export class Pulses {
  readonly #settings: WriterSettings
  readonly #gap: () => PendingGap | undefined
  /** The newest epoch that takes no more records. */
  #past: Pulse | undefined
  /** Older ones that still look alive to others: the disk was full, or the like. */
  #unsaid: Pulse[] = []

  constructor(settings: WriterSettings, gap: () => PendingGap | undefined) {
    this.#settings = settings
    this.#gap = gap
  }

  /** @throws what the file system throws */
  beat(live: LiveEpoch): void {
    savePulse(this.#settings, this.#pulseOf(live))
    if (this.#unsaid.length > 0) this.#unsaid = this.#unsaid.filter((past) => !this.#save(past))
  }

  /** A beat out of time, of what there is. Never throws: the next one tries again. */
  tryBeat(live: LiveEpoch | undefined): void {
    if (live === undefined) this.renew()
    else this.#save(this.#pulseOf(live))
  }

  /** An epoch takes no more records, though its process lives. Never throws. */
  leave(live: LiveEpoch, ended: 'closed' | 'failed'): void {
    this.#past = { ...this.#pulseOf(live), ended }
    if (this.#save(this.#past)) return
    const { gap: _, ...past } = this.#past
    this.#unsaid = [...this.#unsaid, past].slice(-UNSAID_MAX)
  }

  /** While no epoch is open the last one says how the process is, and what is lost. Never throws. */
  renew(): void {
    if (this.#past === undefined) return
    const { gap: _, ...past } = this.#past
    this.#past = { ...past, ...this.#pending() }
    this.#save(this.#past)
  }

  /** A gap says now what an epoch's file said before: nobody must tell it again. Never throws. */
  told(live: LiveEpoch): void {
    if (this.#gap() !== undefined) return
    if (this.#past?.gap !== undefined) this.renew()
    if (!live.released) this.tryBeat(live)
  }

  #pulseOf({ folder, chain, syncedSize }: LiveEpoch): Pulse {
    return { folder, records: chain.size, synced: syncedSize, ...this.#pending() }
  }

  #pending(): { readonly gap?: PendingGap } {
    const gap = this.#gap()
    return gap === undefined ? {} : { gap }
  }

  /** @returns whether it was written */
  #save(pulse: Pulse): boolean {
    try {
      savePulse(this.#settings, pulse)
      return true
    } catch {
      return false // others take it for live until it can be said, or this process ends
    }
  }
}
