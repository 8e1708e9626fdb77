// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type {
  Authorization,
  CallError,
  CommitKeys,
  Commitment,
  EventType,
  FreeText,
  Invocation,
  Observed,
  RecordDraft,
  Retention,
  Summary,
  TraceRef,
} from '@spanseal/core'
import { block, keyedTag } from '@spanseal/core'
import type { AppendedRecord, EpochWriter } from '@spanseal/journal'
import type { Keyring } from '@spanseal/keys'
import type { AuthorizationNote, CallIntent, CallRecords, OpenCall } from './call.ts'
import type { Committer, Digested } from './commitments.ts'
import { digestCallArguments, digestOutput, digestStreamed } from './commitments.ts'
import type { Counters } from './counters.ts'
import { reasonOf } from './counters.ts'
import type { CallOutcome, ErrorFacts } from './outcome.ts'
import { authorizationBlock, contextFor } from './recurring-blocks.ts'
import { observeValue } from './redact/observe.ts'
import type { Redactor } from './redact/redact.ts'
import { sizeClass } from './redact/shape.ts'
import type { AuditScope } from './scope.ts'
import { summarize } from './summary.ts'

export interface RecorderParts {
  readonly writer: EpochWriter
  readonly keyring: Keyring
  readonly committer: Committer
  readonly redactor: Redactor
  readonly counters: Counters
  readonly clearErrors: boolean
  readonly retention: Retention | undefined
}

/**
 * Writes calls down: the intent before, the outcome after, and single records between. Synchronous:
 * when a method returns, the line is written. Never throws into the agent.
 */
export class Recorder {
  readonly #parts: RecorderParts
  readonly #retention: Pick<RecordDraft, 'retention'>
  /** Calls under way, for shutdown. Owned by begin and finish. */
  readonly open: Set<OpenCall> = new Set<OpenCall>()

  constructor(parts: RecorderParts) {
    this.#parts = parts
    this.#retention = parts.retention === undefined ? {} : { retention: block(parts.retention) }
  }

  /** Records the intent. */
  begin(intent: CallIntent): OpenCall {
    const digested = intent.args === undefined ? undefined : digestCallArguments(intent.args)
    const blocks = this.#blocksOf(intent)
    let keys: CommitKeys | undefined
    let input: Commitment | undefined
    const start = this.#write(() => {
      keys = this.#parts.committer.keysFor(intent.subjects)
      return this.#append(intent, `${intent.kind}.start`, (at) => {
        const place = { ...at, pointer: '/invocation/input' }
        input = digested && this.#parts.committer.commit(digested, place, keys as CommitKeys)
        return {
          severity: 'info',
          ...blocks,
          ...this.#detailOf(intent),
          invocation: { ...callFields(intent), ...(input && { input }), status: 'started' },
        }
      })
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
    if (
      call.intent.kind !== 'tool' ||
      call.observed !== undefined ||
      call.intent.args === undefined
    )
      return
    try {
      const { args } = call.intent
      const seen = observeValue(args.length === 1 ? args[0] : args, call.inputBytes)
      const { eq } = this.#parts.committer.keysFor([])
      call.observed = {
        flags: seen.flags,
        input_bytes: sizeClass(call.inputBytes),
        input_shape: eq === undefined ? NO_SHAPE : keyedTag('shape', seen.shape, eq),
      }
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Records the outcome, once; a second outcome of the same call is ignored. */
  finish(call: OpenCall, outcome: CallOutcome): CallRecords {
    const durationNs = outcome.durationNs ?? process.hrtime.bigint() - call.startedNs
    if (call.finished) return { start: call.start, end: undefined, output: undefined, durationNs }
    call.finished = true
    this.open.delete(call)
    this.observe(call)
    const digested = outputDigest(outcome)
    let output: Commitment | undefined
    const { intent } = call
    const end = this.#write(() => {
      if (call.start === undefined) return undefined // nothing to end: the start could not be written
      const keys = call.keys ?? this.#parts.committer.keysFor(intent.subjects)
      return this.#append(intent, `${intent.kind}.end`, (at) => {
        const placeOf = (pointer: string) => ({ ...at, pointer })
        output =
          digested && this.#parts.committer.commit(digested, placeOf('/invocation/output'), keys)
        const invocation: Invocation = {
          ...callFields(intent),
          duration_ns: String(durationNs),
          ...(outcome.error && {
            error: this.#errorBlock(outcome.error, placeOf('/invocation/error/message'), keys),
          }),
          ...(call.input && { input: call.input }),
          ...(call.observed && { observed: withOutput(call.observed, digested) }),
          ...(output && { output }),
          start: `${call.start?.epoch}/${call.start?.seq}`,
          status: outcome.status,
          ...this.#summaryOf(intent, outcome),
        }
        return {
          severity: severityOf(outcome),
          ...call.blocks,
          ...this.#detailOf(intent),
          invocation,
        }
      })
    })
    return { start: call.start, end, output, durationNs }
  }

  /**
   * Records something that is no call. `build` gets the record's place, for commitments.
   *
   * @returns undefined where it could not be written
   */
  note(
    type: EventType,
    about: { readonly scope: AuditScope; readonly trace: TraceRef; readonly urgent?: boolean },
    build: (at: {
      readonly epoch: string
      readonly seq: number
    }) => Omit<RecordDraft, 'type' | 'trace'>,
  ): AppendedRecord | undefined {
    return this.#write(() =>
      this.#parts.writer.append(
        (at) => ({
          actor: about.scope.actor,
          context: about.scope.context,
          ...this.#retention,
          ...build(at),
          trace: about.trace,
          type,
        }),
        about.urgent === true ? { checkpoint: true } : {},
      ),
    )
  }

  /** Records what the authorize hook decided, before the call's start. */
  noteAuthorization(about: AuthorizationNote, type: 'authz.granted' | 'authz.denied'): void {
    const { scope, trace, tool, authorization, reason } = about
    const denied = type === 'authz.denied'
    this.note(type, { scope, trace, urgent: denied }, (at) => ({
      severity: denied ? 'warning' : 'info',
      authorization: authorizationBlock(authorization),
      ...(reason === undefined ? {} : { detail: { reason: this.#reason(reason, at) } }),
      tool: tool.tool,
    }))
  }

  #reason(reason: string, at: { readonly epoch: string; readonly seq: number }): FreeText {
    const { committer } = this.#parts
    return committer.freeText(reason, { ...at, pointer: '/detail/reason' }, committer.keysFor([]))
  }

  #append(
    intent: CallIntent,
    type: EventType,
    build: (at: {
      readonly epoch: string
      readonly seq: number
    }) => Omit<RecordDraft, 'type' | 'trace'>,
  ): AppendedRecord {
    const { eventAt } = intent
    return this.#parts.writer.append(
      (at) => ({ ...build(at), ...this.#retention, trace: intent.trace, type }),
      {
        ...(eventAt === undefined ? {} : { eventAt }),
        ...(intent.authorization !== undefined && isRefusal(intent.authorization)
          ? { checkpoint: true }
          : {}),
      },
    )
  }

  /** Runs a write; what goes wrong is counted and said, never thrown. */
  #write(run: () => AppendedRecord | undefined): AppendedRecord | undefined {
    try {
      const appended = run()
      if (appended !== undefined) this.#parts.counters.recordsWritten++
      return appended
    } catch (error) {
      this.#parts.counters.recordsFailed++
      this.#parts.counters.warnOnce('write', `a record could not be written: ${reasonOf(error)}`)
      return undefined
    }
  }

  #failed(error: unknown): void {
    this.#parts.counters.internalErrors++
    this.#parts.counters.warnOnce('internal', `internal error: ${reasonOf(error)}`)
  }

  #blocksOf({ scope, tool, authorization, kind }: CallIntent): OpenCall['blocks'] {
    if (kind === 'task' || tool === undefined) return { actor: scope.actor, context: scope.context }
    return {
      actor: scope.actor,
      authorization: authorizationBlock(authorization as Authorization),
      context: contextFor(scope.context, tool),
      tool: tool.tool,
    }
  }

  #detailOf({ kind, name }: CallIntent): Pick<RecordDraft, 'detail'> {
    return kind === 'task' ? { detail: { name: name ?? 'task' } } : {}
  }

  #errorBlock(
    error: ErrorFacts,
    place: { readonly epoch: string; readonly seq: number; readonly pointer: string },
    keys: CommitKeys,
  ): CallError {
    const { eq } = this.#parts.committer.keysFor([])
    const alike = `${error.type}\0${error.code ?? ''}\0${error.message.replace(/\d+/g, '#')}\0${error.frame}`
    return {
      ...(error.code === undefined ? {} : { code: error.code }),
      fingerprint: eq === undefined ? NO_SHAPE : keyedTag('fingerprint', alike, eq),
      message: this.#parts.committer.freeText(error.message, place, keys, this.#parts.clearErrors),
      type: error.type,
    }
  }

  #summaryOf({ tool }: CallIntent, { output }: CallOutcome): { summary?: Summary } {
    const fields = tool?.definition.summary
    if (fields === undefined || output === undefined || !('value' in output)) return {}
    const { value } = output
    if (typeof value !== 'object' || value === null) return {}
    return { summary: summarize(value, fields, (text) => this.#parts.redactor.text(text)) }
  }
}

const NO_SHAPE = '0'.repeat(16)

function isRefusal({ decision }: Authorization): boolean {
  return decision === 'denied' || decision === 'pending'
}

function callFields({
  attempt,
  externalId,
}: CallIntent): Pick<Invocation, 'attempt' | 'external_id'> {
  return {
    ...(attempt === undefined ? {} : { attempt }),
    ...(externalId === undefined ? {} : { external_id: externalId }),
  }
}

function outputDigest({ output }: CallOutcome): Digested | undefined {
  if (output === undefined) return undefined
  return 'digest' in output ? digestStreamed(output.digest) : digestOutput(output.value)
}

function withOutput(observed: Observed, output: Digested | undefined): Observed {
  return output === undefined
    ? observed
    : { ...observed, output_bytes: sizeClass(output.digest.bytes) }
}

function severityOf({ status }: CallOutcome): 'info' | 'warning' | 'error' {
  if (status === 'error' || status === 'timeout') return 'error'
  return status === 'denied' || status === 'cancelled' ? 'warning' : 'info'
}
