// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { types } from 'node:util'
import { context, SpanKind } from '@opentelemetry/api'
import type { Authorization, Block, CallContext } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import type { AppendedRecord } from '@spanseal/journal'
import { abortStatus } from './abort-status.ts'
import { refusalError } from './authorize.ts'
import type { CallIntent, OpenCall } from './call.ts'
import type { OpenSpan } from './call-spans.ts'
import { abandonSpan, endSpan, openSpan } from './call-spans.ts'
import { coded } from './durable-intents.ts'
import { intentError } from './intent-error.ts'
import type { CallOutcome } from './outcome.ts'
import { errorFacts, errorType, thrownOutcome } from './outcome.ts'
import { authorizationBlock, contextFor, contextWithSubjects } from './recurring-blocks.ts'
import type { Runtime } from './runtime.ts'
import type { AuditScope } from './scope.ts'
import { below } from './scope.ts'
import { settle } from './settle.ts'
import type { Settlement } from './settlement.ts'
import { callIdAttribute, toolAttributes } from './span-attributes.ts'
import type { ToolCallRequest } from './tool-calls.ts'
import type { RegisteredTool } from './tool-definition.ts'

/** One call of a tool from its span's start to its outcome. */
export class ToolCall implements Settlement {
  readonly runtime: Runtime
  readonly tool: RegisteredTool
  readonly args: readonly unknown[]
  readonly scope: AuditScope
  readonly #request: ToolCallRequest
  readonly #context: Block<CallContext>
  readonly #subjects: readonly string[]
  readonly #span: OpenSpan
  #call: OpenCall | undefined

  constructor(runtime: Runtime, request: ToolCallRequest) {
    const { tool, args } = request
    const parent = runtime.scopes.current
    this.runtime = runtime
    this.tool = tool
    this.args = args
    this.#request = request
    const own = ownSubjects(runtime, request)
    const ofTool = contextFor(parent.context, tool)
    this.#subjects = own ?? parent.subjects
    this.#context = own ? contextWithSubjects(ofTool, runtime.subjectRefs(own)) : ofTool
    this.#span = this.#openSpan(parent)
    this.scope = below(parent, this.#span.trace)
  }

  get keepBytesMax(): number {
    return this.runtime.vault?.valueBytesMax ?? 0
  }

  /** Whether the caller is known to wait for a promise. */
  get isAsync(): boolean {
    return this.#request.async === true
  }

  /**
   * Ends a call that is not made: by a rejection where the caller waits for a promise, or got one from
   * this tool before, else by an exception.
   */
  refused<T>(refusal: AuditError): T {
    if (this.isAsync || this.runtime.promising.has(this.tool)) return Promise.reject(refusal) as T
    throw refusal
  }

  #openSpan(parent: AuditScope): OpenSpan {
    const { runtime, tool } = this
    const { spanName, spanKind = SpanKind.INTERNAL, externalId, attributes } = this.#request
    const { name } = tool.tool.value
    const said = toolAttributes(tool, parent, this.#context.value)
    const request = {
      name: spanName === undefined ? runtime.toolSpanName(name) : runtime.names.name(spanName),
      kind: spanKind,
      attributes:
        externalId === undefined && attributes === undefined
          ? said
          : {
              ...said,
              ...(externalId !== undefined &&
                runtime.redactor.attributes(callIdAttribute(externalId))),
              ...(attributes && runtime.redactor.attributes(attributes)),
            },
      parent: parent.trace,
    }
    return runtime.processor.owning(name, () => openSpan(runtime.tracer, request))
  }

  /** Records what the authorize hook decided. */
  noteAuthorization(authorization: Authorization, reason: unknown): void {
    const { runtime, scope, tool } = this
    const granted = authorization.decision === 'granted'
    const about = { scope, trace: this.#span.trace, urgent: !granted }
    runtime.recorder.note(granted ? 'authz.granted' : 'authz.denied', about, (at) => {
      const place = { ...at, pointer: '/detail/reason' }
      const text =
        typeof reason === 'string' ? runtime.freeText(reason, place, this.#subjects) : undefined
      return {
        severity: granted ? 'info' : 'warning',
        authorization: authorizationBlock(authorization),
        context: this.#context,
        ...(text !== undefined && { detail: { reason: text } }),
        tool: tool.tool,
      }
    })
  }

  /** Records a call that must not be made; the error to be thrown. */
  refuse(authorization: Authorization, decision: 'denied' | 'pending'): AuditError {
    this.runtime.counters.callsDenied++
    const refusal = refusalError(this.tool.tool.value.name, decision)
    this.#begin(authorization)
    this.finish({ status: 'denied', error: errorFacts(refusal) })
    return refusal
  }

  /** Records a call that is not made because its values could not be kept. */
  #refuseUnkept<T>(authorization: Authorization): T {
    const refusal = new AuditError('VAULT_UNUSABLE', UNKEPT)
    this.#begin(authorization)
    this.finish({ status: 'error', error: errorFacts(refusal) })
    return this.refused(refusal)
  }

  /** Records the intent, makes it as durable as asked, and runs the tool. */
  start<T>(authorization: Authorization, run: () => T): T {
    if (this.runtime.mustRefuse) return this.#refuseUnkept(authorization)
    const { start, failure } = this.#begin(authorization)
    const { tool } = this
    const { intents } = this.runtime
    if (start === undefined || failure !== undefined) {
      return this.#withoutIntent(coded(failure), run)
    }
    if (!intents.waits(tool)) return this.#execute(run)
    if (!this.isAsync) return this.#withIntent(intents.madeNow(start, tool), run)
    return intents.made(start, tool).then((lack) => this.#withIntent(lack, run)) as T
  }

  #withIntent<T>(lack: AuditError | undefined, run: () => T): T {
    return lack === undefined ? this.#execute(run) : this.#withoutIntent(lack, run)
  }

  /** Runs the tool all the same, or ends the call, as its class says. */
  #withoutIntent<T>(lack: AuditError, run: () => T): T {
    const { runtime, tool } = this
    if (runtime.intents.mayRun(tool)) return this.#execute(run)
    const refusal = intentError(tool, lack)
    const end = this.finish({ status: 'denied', error: errorFacts(refusal) })
    // The next gap counts the calls that were refused and of which no record says so; none comes
    // after shutdown.
    if (end === undefined && lack.code !== 'JOURNAL_CLOSED') runtime.writer.noteRefused()
    return this.refused(refusal)
  }

  #begin(authorization: Authorization): OpenCall {
    const call = this.#span.begun ?? this.runtime.processor.begin(this.#intent(authorization))
    call.abandon = () => abandonSpan(this.#span, call)
    this.#call = call
    return call
  }

  #intent(authorization: Authorization): CallIntent {
    const { externalId, attempt } = this.#request
    return {
      kind: 'tool',
      scope: this.scope,
      trace: this.#span.trace,
      args: this.args,
      subjects: this.#subjects,
      context: this.#context,
      tool: this.tool,
      authorization,
      ...(externalId !== undefined && { externalId: this.runtime.names.id(externalId) }),
      ...(attempt !== undefined && { attempt }),
    }
  }

  #execute<T>(run: () => T): T {
    let value: T
    try {
      value = this.inside(run)
    } catch (error) {
      this.finish(this.thrown(error))
      throw error
    }
    if (isPlainPromise(value)) this.runtime.promising.add(this.tool)
    return settle(value, this)
  }

  inside<T>(run: () => T): T {
    return context.with(this.#span.context, () => this.runtime.scopes.run(this.scope, run))
  }

  started(): void {
    if (this.#call !== undefined) this.runtime.recorder.observe(this.#call)
  }

  /** Records the outcome, once; undefined where that could not be written. */
  finish(outcome: CallOutcome): AppendedRecord | undefined {
    const call = this.#call
    if (call === undefined || call.finished) return undefined
    const records = this.runtime.processor.finish(call, outcome)
    endSpan(this.#span, call, { outcome, records })
    return records.end
  }

  judge(value: unknown): CallOutcome {
    const output = { value }
    try {
      const failure = this.#request.judge?.(value)
      if (failure === undefined) return { status: 'success', output }
      const type = errorType(failure.errorType) ?? 'Error'
      const error = { type, message: String(failure.message), frame: '' }
      return { status: failureStatus(failure.status) ?? 'error', output, error }
    } catch (error) {
      this.runtime.counters.fault('judge', error)
      return { status: 'success', output }
    }
  }

  thrown(error: unknown): CallOutcome {
    const outcome = thrownOutcome(error)
    try {
      const judged = failureStatus(this.#request.judgeError?.(error))
      const status = judged ?? abortStatus(this.args, error)
      return status === undefined ? outcome : { ...outcome, status }
    } catch (fault) {
      this.runtime.counters.fault('judgeError', fault)
      return outcome
    }
  }
}

/** The data subjects that this one call names, or undefined where it names none of its own. */
function ownSubjects(runtime: Runtime, request: ToolCallRequest): readonly string[] | undefined {
  const { subjects } = request.tool.definition
  if (subjects === undefined) return undefined
  try {
    const named = subjects(...request.args).filter((id) => typeof id === 'string' && id !== '')
    return named.length === 0 ? undefined : named
  } catch (error) {
    runtime.counters.fault('subjects', error)
    return undefined
  }
}

/** Of a class of its own, or a mere thenable, callers may use more than a rejection could give. */
function isPlainPromise(value: unknown): boolean {
  return types.isPromise(value) && Object.getPrototypeOf(value) === Promise.prototype
}

const UNKEPT =
  'no tool is run while the vault fails, because vault.onFailure is refuse; see health().vault'

const FAILURE_STATUSES = ['error', 'cancelled', 'timeout', 'denied'] as const

/** The status that a judge gave, where it is one. */
function failureStatus(status: unknown): (typeof FAILURE_STATUSES)[number] | undefined {
  return FAILURE_STATUSES.find((known) => known === status)
}
