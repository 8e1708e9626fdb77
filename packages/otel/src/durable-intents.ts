// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { AppendedRecord, EpochWriter } from '@spanseal/journal'
import type { BreakGlass } from './break-glass.ts'
import type { Counters } from './counters.ts'
import { reasonOf } from './counters.ts'
import { intentError } from './intent-error.ts'
import type { RiskPolicies } from './risk-policies.ts'
import type { RegisteredTool } from './tool-definition.ts'

/** Where an intent could not be made durable. */
export interface IntentFailure {
  readonly error: AuditError
  /** The journal lacks the record, or may lack it after a crash; a sink that is late leaves it whole. */
  readonly isJournals: boolean
}

/** Resolves once a sink has acknowledged the record, rejects with an `AuditError` otherwise. */
export type Acknowledged = (record: AppendedRecord) => Promise<void>

export interface DurableIntentsParts {
  readonly writer: EpochWriter
  readonly policies: RiskPolicies
  readonly glass: BreakGlass
  readonly counters: Counters
}

/** Makes the intents of calls as durable as their class demands, and decides what runs without. */
export class DurableIntents {
  readonly #parts: DurableIntentsParts
  /** Set once the sinks are there. */
  acknowledged: Acknowledged | undefined

  constructor(parts: DurableIntentsParts) {
    this.#parts = parts
  }

  /** Whether calls of the tool wait between their intent and the tool. */
  waits({ risk }: RegisteredTool): boolean {
    const policy = this.#parts.policies[risk]
    return policy.waitsForDisk || policy.waitsForSink
  }

  /** Why an intent was not even written. */
  unwritten(error: unknown): IntentFailure {
    return { error: coded(error), isJournals: true }
  }

  /** Waits until the intent is where its class wants it; why it is not. Never rejects. */
  async made(start: AppendedRecord, { risk }: RegisteredTool): Promise<IntentFailure | undefined> {
    const { policies, writer } = this.#parts
    const { waitsForDisk, waitsForSink } = policies[risk]
    const disk = waitsForDisk ? writer.synced(start).then(none, this.#unsynced) : undefined
    const sink = waitsForSink ? this.acknowledged?.(start).then(none, unacknowledged) : undefined
    return (await disk) ?? (await sink)
  }

  /** As {@link made}, for callers that cannot wait: no sink can acknowledge meanwhile. */
  madeNow(start: AppendedRecord, { risk }: RegisteredTool): IntentFailure | undefined {
    const { policies, writer } = this.#parts
    const { waitsForDisk, waitsForSink } = policies[risk]
    if (waitsForDisk) {
      try {
        writer.syncNow(start)
      } catch (error) {
        return this.#unsynced(error)
      }
    }
    return waitsForSink
      ? { error: new AuditError('DELIVERY_TIMEOUT', CANNOT_WAIT), isJournals: false }
      : undefined
  }

  /** Whether a tool may run although its intent is not durable; counts it where it may. */
  mayRun({ risk }: RegisteredTool): boolean {
    const { policies, glass, counters } = this.#parts
    const isClosed = policies[risk].failMode === 'closed'
    if (isClosed && !glass.allows()) return false
    counters.callsUndurable++
    return true
  }

  /** Counts a call that was not made, and gives what its caller gets. */
  refused(tool: RegisteredTool, { error, isJournals }: IntentFailure): AuditError {
    const { counters, writer } = this.#parts
    counters.callsRefused++
    if (isJournals) writer.noteRefused()
    return intentError(tool, error)
  }

  readonly #unsynced = (error: unknown): IntentFailure => {
    const { counters } = this.#parts
    counters.recordsFailed++
    counters.warnOnce('sync', `records could not be synced: ${reasonOf(error)}`)
    return { error: coded(error), isJournals: true }
  }
}

const CANNOT_WAIT =
  'a synchronous call cannot wait for a sink; make it asynchronous, or say `async: true` where it is'

function none(): undefined {}

function unacknowledged(error: unknown): IntentFailure {
  return { error: coded(error), isJournals: false }
}

/** Whatever was thrown while a record was made: of what is not ours the type alone is told. */
function coded(error: unknown): AuditError {
  if (error instanceof AuditError) return error
  return new AuditError('JOURNAL_FAILED', `the record could not be made: ${reasonOf(error)}`, {
    cause: error,
  })
}
