// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { AppendedRecord, EpochWriter } from '@spanseal/journal'
import type { BreakGlass } from './break-glass.ts'
import type { Counters } from './counters.ts'
import { reasonOf } from './counters.ts'
import type { RiskPolicies } from './risk-policies.ts'
import type { RegisteredTool } from './tool-definition.ts'

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

  /** Whether they wait for a sink, which only asynchronous calls can. */
  waitsForSink({ risk }: RegisteredTool): boolean {
    return this.#parts.policies[risk].waitsForSink
  }

  /** Waits until the intent is where its class wants it; why it is not. Never rejects. */
  async made(start: AppendedRecord, { risk }: RegisteredTool): Promise<AuditError | undefined> {
    const { policies, writer } = this.#parts
    const { waitsForDisk, waitsForSink } = policies[risk]
    const disk = waitsForDisk ? writer.synced(start).then(none, this.#unsynced) : undefined
    const sink = waitsForSink ? this.acknowledged?.(start).then(none, coded) : undefined
    return (await disk) ?? (await sink)
  }

  /** As {@link made}, for callers that cannot wait: no sink can acknowledge meanwhile. */
  madeNow(start: AppendedRecord, { risk }: RegisteredTool): AuditError | undefined {
    const { policies, writer } = this.#parts
    const { waitsForDisk, waitsForSink } = policies[risk]
    if (waitsForSink) return new AuditError('DELIVERY_TIMEOUT', CANNOT_WAIT)
    if (!waitsForDisk) return undefined
    try {
      writer.syncNow(start)
      return undefined
    } catch (error) {
      return this.#unsynced(error)
    }
  }

  /** Whether a tool may run although its intent is not durable; counts it either way. */
  mayRun({ risk }: RegisteredTool): boolean {
    const { policies, glass, counters } = this.#parts
    const isAllowed = policies[risk].failMode === 'open' || glass.allows()
    if (isAllowed) counters.callsUndurable++
    else counters.callsRefused++
    return isAllowed
  }

  readonly #unsynced = (error: unknown): AuditError => {
    const { counters } = this.#parts
    counters.recordsFailed++
    counters.warnOnce('sync', `records could not be synced: ${reasonOf(error)}`)
    return coded(error)
  }
}

const CANNOT_WAIT = 'a synchronous call cannot wait for a sink, and this one does not say `async`'

function none(): undefined {}

/** Whatever was thrown while a record was made: of what is not ours the type alone is told. */
export function coded(error: unknown): AuditError {
  if (error instanceof AuditError) return error
  return new AuditError('JOURNAL_FAILED', `the record could not be made: ${reasonOf(error)}`, {
    cause: error,
  })
}
