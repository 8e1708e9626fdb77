// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Authorization, CommitKeys, Commitment, EventType, TraceRef } from '@spanseal/core'
import { keyedTag } from '@spanseal/core'
import type { AppendedRecord, RecordPlace } from '@spanseal/journal'
import type { CallIntent, CallRecords, OpenCall } from './call.ts'
import type { Committer, Digested } from './commitments.ts'
import { digestCallArguments, digestOutput } from './commitments.ts'
import type { Counters } from './counters.ts'
import { reasonOf } from './counters.ts'
import { callFields, errorBlock, NO_TAG, shownError, summaryOf } from './invocation.ts'
import type { CallOutcome } from './outcome.ts'
import type { RecordContent, RecordWriter } from './record-writer.ts'
import { authorizationBlock } from './recurring-blocks.ts'
import { observeValue } from './redact/observe.ts'
import type { Redactor } from './redact/redact.ts'
import { sizeClass } from './redact/shape.ts'
import type { AuditScope } from './scope.ts'

export interface RecorderParts {
  readonly records: RecordWriter
  readonly committer: Committer
  readonly redactor: Redactor
  readonly counters: Counters
  /** Error messages stand in clear, redacted. */
  readonly clearErrors: boolean
}

/**
 * Writes calls down: the intent before, the outcome after, and single records between. Synchronous:
 * when a method returns, the line is written. Never throws into the agent.
 */
export class Recorder {
  readonly #parts: RecorderParts
  /** Calls under way, for shutdown. Owned by begin and finish. */
  readonly open: Set<OpenCall> = new Set<OpenCall>()

  constructor(parts: RecorderParts) {
    this.#parts = parts
  }

  /** Records the intent. */
  begin(intent: CallIntent): OpenCall {
    const { committer, records } = this.#parts
    const digested = intent.args === undefined ? undefined : digestCallArguments(intent.args)
    const blocks = blocksOf(intent)
    const keys = this.#keysFor(intent.subjects)
    let input: Commitment | undefined
    const start = records.append(headOf(intent, 'start'), (at) => {
      if (digested !== undefined && keys !== undefined) {
        input = committer.commit(digested, { ...at, pointer: '/invocation/input' }, keys)
      }
      const invocation = {
        ...callFields(intent),
        ...(input && { input }),
        status: 'started' as const,
      }
      return { severity: 'info', ...blocks, invocation }
    })
    const call: OpenCall = {
      intent,
      start,
      input,
      inputBytes: digested?.digest.bytes ?? 0,
      startedNs: process.hrtime.bigint(),
      keys,
      blocks,
      observed: undefined,
      finished: false,
    }
    this.open.add(call)
    return call
  }

  /** Computes what detectors need of the input; call it while the tool waits. */
  observe(call: OpenCall): void {
    const { args, kind } = call.intent
    if (kind !== 'tool' || call.observed !== undefined || args === undefined) return
    try {
      const seen = observeValue(args.length === 1 ? args[0] : args, call.inputBytes)
      const { eq } = this.#parts.committer.keysFor([])
      call.observed = {
        flags: seen.flags,
        input_bytes: seen.bytes,
        input_shape: eq === undefined ? NO_TAG : keyedTag('shape', seen.shape, eq),
      }
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Records the outcome, once; a second outcome of the same call is ignored. */
  finish(call: OpenCall, outcome: CallOutcome): CallRecords {
    const durationNs = outcome.durationNs ?? process.hrtime.bigint() - call.startedNs
    const { intent, start } = call
    const isFirst = !call.finished
    call.finished = true
    this.open.delete(call)
    const { error } = outcome
    const errorType = error && shownError(error, this.#parts.redactor).type
    const nothing = { start, end: undefined, output: undefined, durationNs, errorType }
    // Without a start there is nothing to end.
    if (!isFirst || start === undefined) return nothing
    this.observe(call)
    const output = digestOutput(outcome)
    let commitment: Commitment | undefined
    const end = this.#parts.records.append(headOf(intent, 'end'), (at) => {
      if (output !== undefined && call.keys !== undefined) {
        const place = { ...at, pointer: '/invocation/output' }
        commitment = this.#parts.committer.commit(output, place, call.keys)
      }
      const invocation = {
        ...callFields(intent),
        duration_ns: String(durationNs),
        ...this.#errorOf(outcome, at, call.keys),
        ...(call.input && { input: call.input }),
        ...observedOf(call, output),
        ...(commitment && { output: commitment }),
        start: `${start.epoch}/${start.seq}`,
        status: outcome.status,
        ...summaryOf(intent, outcome, this.#parts.redactor),
      }
      return { severity: severityOf(outcome), ...call.blocks, invocation }
    })
    return { start, end, output: commitment, durationNs, errorType }
  }

  /**
   * Records something that is no call. `build` gets the record's place, for commitments.
   *
   * @returns undefined where it could not be written
   */
  note(
    type: EventType,
    about: { readonly scope: AuditScope; readonly trace: TraceRef; readonly urgent?: boolean },
    build: (at: RecordPlace) => RecordContent,
  ): AppendedRecord | undefined {
    const { scope, trace, urgent } = about
    return this.#parts.records.append({ type, trace, urgent }, (at) => ({
      actor: scope.actor,
      context: scope.context,
      ...build(at),
    }))
  }

  #errorOf({ error }: CallOutcome, at: RecordPlace, keys: CommitKeys | undefined): object {
    if (error === undefined) return {}
    const { committer, redactor, clearErrors } = this.#parts
    const place = { ...at, pointer: '/invocation/error/message' }
    const { eq } = committer.keysFor([])
    return {
      error: errorBlock(error, { place, keys }, { committer, redactor, eq, clear: clearErrors }),
    }
  }

  // A person's key may be unreadable: the call is then recorded without commitments.
  #keysFor(subjects: readonly string[]): CommitKeys | undefined {
    try {
      return this.#parts.committer.keysFor(subjects)
    } catch (error) {
      this.#failed(error)
      return undefined
    }
  }

  #failed(error: unknown): void {
    this.#parts.counters.internalErrors++
    this.#parts.counters.warnOnce('internal', `internal error: ${reasonOf(error)}`)
  }
}

function headOf({ kind, trace, eventAt, authorization }: CallIntent, end: 'start' | 'end') {
  const decision = authorization?.decision
  return {
    type: `${kind}.${end}` as const,
    trace,
    eventAt: end === 'start' ? eventAt : undefined,
    urgent: decision === 'denied' || decision === 'pending',
  }
}

function blocksOf(intent: CallIntent): OpenCall['blocks'] {
  const { scope, tool, authorization, kind, name } = intent
  const context = intent.context ?? scope.context
  if (kind === 'task' || tool === undefined) {
    return { actor: scope.actor, context, detail: { name: name ?? 'task' } }
  }
  return {
    actor: scope.actor,
    authorization: authorizationBlock(authorization as Authorization),
    context,
    tool: tool.tool,
  }
}

function observedOf({ observed }: OpenCall, output: Digested | undefined): object {
  if (observed === undefined) return {}
  if (output === undefined) return { observed }
  return { observed: { ...observed, output_bytes: sizeClass(output.digest.bytes) } }
}

function severityOf({ status }: CallOutcome): 'info' | 'warning' | 'error' {
  if (status === 'error' || status === 'timeout') return 'error'
  return status === 'success' ? 'info' : 'warning'
}
