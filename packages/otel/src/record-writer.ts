// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Block, EventType, RecordDraft, Retention, TraceRef } from '@spanseal/core'
import { block } from '@spanseal/core'
import type { AppendedRecord, AppendOptions, EpochWriter, RecordPlace } from '@spanseal/journal'
import type { Counters } from './counters.ts'
import { reasonOf } from './counters.ts'
import type { VaultIntake } from './vault-intake.ts'

/** What a record says beside who it is about. */
export type RecordContent = Omit<RecordDraft, 'type' | 'trace' | 'retention'>

export interface RecordHead {
  readonly type: EventType
  readonly trace: TraceRef
  /** When it happened, where that was earlier. */
  readonly eventAt?: string | undefined
  /** Followed by a checkpoint as soon as it is synced. */
  readonly urgent?: boolean | undefined
}

/** Appends records. What goes wrong is counted and said, never thrown into the agent. */
export class RecordWriter {
  readonly #writer: EpochWriter
  readonly #counters: Counters
  readonly #retention: Block<Retention> | undefined
  readonly #vault: VaultIntake | undefined

  constructor(
    writer: EpochWriter,
    counters: Counters,
    {
      retention,
      vault,
    }: {
      readonly retention: Retention | undefined
      readonly vault: VaultIntake | undefined
    },
  ) {
    this.#vault = vault
    this.#writer = writer
    this.#counters = counters
    this.#retention = retention && block(retention)
  }

  /**
   * Appends one record; `build` is given its place, which commitments are bound to, and may be run
   * again with another.
   *
   * @returns undefined where it could not be written
   */
  append(head: RecordHead, build: (at: RecordPlace) => RecordContent): AppendedRecord | undefined {
    const { type, trace, eventAt, urgent } = head
    const retention = this.#retention
    const options = eventAt === undefined && urgent !== true ? undefined : optionsOf(head)
    try {
      const appended = this.#writer.append((at) => {
        this.#vault?.restart()
        const content = build(at)
        return retention === undefined
          ? { ...content, trace, type }
          : { ...content, retention, trace, type }
      }, options)
      this.#counters.recordsWritten++
      this.#vault?.take()
      return appended
    } catch (error) {
      this.#vault?.restart()
      this.#counters.recordsFailed++
      this.#counters.warnOnce('write', `a record could not be written: ${reasonOf(error)}`)
      return undefined
    }
  }
}

function optionsOf({ eventAt, urgent }: RecordHead): AppendOptions {
  return { ...(eventAt !== undefined && { eventAt }), checkpoint: urgent === true }
}
