// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type {
  CallError,
  CommitKeys,
  Commitment,
  EventType,
  Invocation,
  TraceRef,
} from '@spanseal/core'
import type { AppendedRecord, RecordPlace } from '@spanseal/journal'
import type { CallIntent, CallRecords, OpenCall } from './call.ts'
import { blocksOf, headOf, severityOf, withOutput } from './call-blocks.ts'
import type { Committer } from './commitments.ts'
import { digestCallArguments, digestOutput } from './commitments.ts'
import type { Counters } from './counters.ts'
import { reasonOf } from './counters.ts'
import type { Writable } from './invocation.ts'
import { addCallFields, errorBlock, shownError, summaryOf } from './invocation.ts'
import type { CallOutcome, ErrorFacts } from './outcome.ts'
import type { RecordContent, RecordWriter } from './record-writer.ts'
import { observeValue } from './redact/observe.ts'
import type { Redactor } from './redact/redact.ts'
import type { AuditScope } from './scope.ts'
import { ShapeTags } from './shape-tags.ts'

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
  readonly #shapeTags = new ShapeTags()

  constructor(parts: RecorderParts) {
    this.#parts = parts
  }

  /** Records the intent. */
  begin(intent: CallIntent): OpenCall {
    const { committer, records } = this.#parts
    const digested = intent.args === undefined ? undefined : digestCallArguments(intent.args)
    const blocks = blocksOf(intent)
    const keys = this.keysFor(intent.subjects)
    let input: Commitment | undefined
    const start = records.append(headOf(intent, 'start'), (at) => {
      if (digested !== undefined && keys !== undefined) {
        input = committer.commit(digested, { ...at, pointer: '/invocation/input' }, keys)
      }
      const invocation: Writable<Invocation> = { status: 'started' }
      addCallFields(invocation, intent)
      if (input !== undefined) invocation.input = input
      return { ...blocks, invocation, severity: 'info' }
    })
    const call: OpenCall = {
      intent,
      start,
      failure: records.failure,
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
      const { shape, flags, bytes } = seen
      const { eq } = this.#parts.committer.keysFor([])
      call.observed = { flags, input_bytes: bytes, input_shape: this.#shapeTags.tagOf(shape, eq) }
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
    const summary = summaryOf(intent, outcome, this.#parts.redactor)
    let commitment: Commitment | undefined
    const end = this.#parts.records.append(headOf(intent, 'end'), (at) => {
      if (output !== undefined && call.keys !== undefined) {
        const place = { ...at, pointer: '/invocation/output' }
        commitment = this.#parts.committer.commit(output, place, call.keys)
      }
      const invocation: Writable<Invocation> = {
        duration_ns: String(durationNs),
        start: `${start.epoch}/${start.seq}`,
        status: outcome.status,
      }
      addCallFields(invocation, intent)
      if (error !== undefined) invocation.error = this.#errorOf(error, at, call.keys)
      if (call.input !== undefined) invocation.input = call.input
      if (call.observed !== undefined) invocation.observed = withOutput(call.observed, output)
      if (commitment !== undefined) invocation.output = commitment
      if (summary !== undefined) invocation.summary = summary
      return { ...call.blocks, invocation, severity: severityOf(outcome) }
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

  #errorOf(error: ErrorFacts, at: RecordPlace, keys: CommitKeys | undefined): CallError {
    const { committer, redactor, clearErrors } = this.#parts
    const place = { ...at, pointer: '/invocation/error/message' }
    const eq = this.keysFor([])?.eq
    return errorBlock(error, { place, keys }, { committer, redactor, eq, clear: clearErrors })
  }

  /** Undefined where a person's key cannot be had: the record then stands without commitments. */
  keysFor(subjects: readonly string[]): CommitKeys | undefined {
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
