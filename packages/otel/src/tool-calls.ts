// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Attributes } from '@opentelemetry/api'
import { context, SpanKind } from '@opentelemetry/api'
import type { Authorization } from '@spanseal/core'
import { OPERATION_EXECUTE_TOOL } from '@spanseal/core'
import type { AuthorizationDecision, AuthorizeHook } from './authorize.ts'
import { HOOK_FAILED, isDecision, refusalError } from './authorize.ts'
import type { OpenSpan } from './call-spans.ts'
import { endSpan, openSpan, pointToStart, toolAttributes } from './call-spans.ts'
import type { CallOutcome } from './outcome.ts'
import { errorFacts, thrownOutcome } from './outcome.ts'
import type { Runtime } from './runtime.ts'
import type { AuditScope } from './scope.ts'
import { currentScope, withScope } from './scope.ts'
import { settle } from './settle.ts'
import type { RegisteredTool } from './tool-definition.ts'

/** One call of a tool, as a wrapper or an instrumentation asks for it. */
export interface ToolCallRequest {
  readonly tool: RegisteredTool
  /** What is committed as the input. */
  readonly args: readonly unknown[]
  /** The framework's own call id. */
  readonly externalId?: string
  /** 1 for the first try. */
  readonly attempt?: number
  readonly spanName?: string
  /** Default INTERNAL. */
  readonly spanKind?: SpanKind
  /** Added to the span. */
  readonly attributes?: Attributes
  /** Whether `run` returns a promise; default: unknown, so a durable intent is synced at once. */
  readonly async?: boolean
  /** Says how a returned value ended the call, where it was no success. */
  readonly judge?: (value: unknown) => ReturnedFailure | undefined
  /** Says what a thrown error means, where its name does not; default by `AbortError`, `TimeoutError`. */
  readonly judgeError?: (thrown: unknown) => ReturnedFailure['status'] | undefined
}

/** A failure that came back as a value, for instance MCP's `isError`. */
export interface ReturnedFailure {
  readonly status: 'error' | 'cancelled' | 'timeout' | 'denied'
  readonly errorType: string
  readonly message: string
}

interface Frame {
  readonly request: ToolCallRequest
  readonly scope: AuditScope
  readonly span: OpenSpan
  readonly subjects: readonly string[]
}

/**
 * Calls a tool under audit: authorization, intent record, the tool inside its span, outcome record.
 * The caller's value or error is unchanged; audit faults never reach the caller.
 *
 * @throws AuditError `AUTHORIZATION_DENIED` or `AUTHORIZATION_PENDING` where the hook says so; the
 * tool did not run then
 */
export function callTool<T>(runtime: Runtime, request: ToolCallRequest, run: () => T): T {
  const frame = openFrame(runtime, request)
  const hook = runtime.options.authorize
  if (hook === undefined) return start(runtime, frame, request.tool.unasked, run)
  const answer = ask(runtime, hook, frame)
  if (!(answer instanceof Promise)) return decided(runtime, frame, answer, run)
  return answer.then((decision) => decided(runtime, frame, decision, run)) as T
}

function openFrame(runtime: Runtime, request: ToolCallRequest): Frame {
  const parent = currentScope() ?? runtime.rootScope
  const { tool, externalId } = request
  const spanOptions = {
    name: request.spanName ?? runtime.toolSpanName(tool.tool.value.name),
    kind: request.spanKind ?? SpanKind.INTERNAL,
    attributes: { ...toolAttributes(tool, parent, externalId), ...request.attributes },
    parent: parent.trace,
  }
  const span = runtime.processor.owning(() => openSpan(runtime.tracer, spanOptions))
  runtime.processor.cover(context.active(), tool.tool.value.name)
  const scope = { ...parent, trace: span.trace }
  return { request, scope, span, subjects: subjectsOf(runtime, request, parent) }
}

function subjectsOf(
  runtime: Runtime,
  { tool, args }: ToolCallRequest,
  scope: AuditScope,
): readonly string[] {
  try {
    return tool.definition.subjects?.(...args) ?? scope.subjects
  } catch (error) {
    runtime.fault('subjects', error)
    return scope.subjects
  }
}

/** The hook's answer; a hook that throws or answers nonsense denies. */
function ask(
  runtime: Runtime,
  hook: AuthorizeHook,
  { request, scope }: Frame,
): AuthorizationDecision | Promise<AuthorizationDecision> {
  const { tool, args } = request
  const checked = (answer: unknown): AuthorizationDecision => {
    if (isDecision(answer)) return answer
    runtime.fault('authorize', new TypeError('the authorize hook gave no decision'))
    return HOOK_FAILED
  }
  const failed = (error: unknown): AuthorizationDecision => {
    runtime.fault('authorize', error)
    return HOOK_FAILED
  }
  try {
    const answer = hook({
      tool: tool.tool.value,
      risk: tool.durable ? 'write' : 'read',
      args,
      agentId: scope.actor.value.agent.id,
      user: scope.user,
      taskId: scope.taskId,
      permissions: tool.permissions,
    })
    return answer instanceof Promise ? answer.then(checked, failed) : checked(answer)
  } catch (error) {
    return failed(error)
  }
}

function decided<T>(
  runtime: Runtime,
  frame: Frame,
  decision: AuthorizationDecision,
  run: () => T,
): T {
  const { request, scope, span } = frame
  const authorization = runtime.authorizationBlock(decision, request.tool)
  const granted = decision.decision === 'granted'
  runtime.recorder.noteAuthorization(
    { scope, trace: span.trace, tool: request.tool, authorization, reason: decision.reason },
    granted ? 'authz.granted' : 'authz.denied',
  )
  if (granted) return start(runtime, frame, authorization, run)
  runtime.counters.callsDenied++
  const refusal = refusalError(
    request.tool.tool.value.name,
    decision.decision as 'denied' | 'pending',
  )
  const call = runtime.processor.begin(intentOf(frame, authorization))
  pointToStart(span, call)
  conclude(runtime, frame, call, { status: 'denied', error: errorFacts(refusal) })
  throw refusal
}

function intentOf({ request, scope, span, subjects }: Frame, authorization: Authorization) {
  const { tool, args, externalId, attempt } = request
  return {
    kind: 'tool' as const,
    scope,
    trace: span.trace,
    args,
    subjects,
    tool,
    authorization,
    ...(externalId === undefined ? {} : { externalId }),
    ...(attempt === undefined ? {} : { attempt }),
  }
}

type Begun = ReturnType<Runtime['processor']['begin']>

function conclude(runtime: Runtime, frame: Frame, call: Begun, outcome: CallOutcome): void {
  endSpan(frame.span, outcome, runtime.processor.finish(call, outcome))
}

/** Records the intent, makes it as durable as asked, and runs the tool. */
function start<T>(runtime: Runtime, frame: Frame, authorization: Authorization, run: () => T): T {
  const call = runtime.processor.begin(intentOf(frame, authorization))
  pointToStart(frame.span, call)
  if (!runtime.needsSync(frame.request.tool)) return execute(runtime, frame, call, run)
  if (frame.request.async !== true) {
    runtime.syncNow()
    return execute(runtime, frame, call, run)
  }
  return runtime.synced().then(() => execute(runtime, frame, call, run)) as T
}

function execute<T>(runtime: Runtime, frame: Frame, call: Begun, run: () => T): T {
  const inside = <R>(body: () => R): R =>
    context.with(frame.span.context, () => withScope(frame.scope, body))
  const finish = (outcome: CallOutcome): void => conclude(runtime, frame, call, outcome)
  const thrown = (error: unknown): CallOutcome => judgedError(runtime, frame.request, error)
  let value: T
  try {
    value = inside(run)
  } catch (error) {
    finish(thrown(error))
    throw error
  }
  return settle(value, {
    inside,
    finish,
    started: () => runtime.recorder.observe(call),
    judge: (returned) => judged(runtime, frame.request, returned),
    thrown,
  })
}

function judged(runtime: Runtime, { judge }: ToolCallRequest, value: unknown): CallOutcome {
  const output = { value }
  try {
    const failure = judge?.(value)
    if (failure === undefined) return { status: 'success', output }
    const error = { type: failure.errorType, message: failure.message, frame: '' }
    return { status: failure.status, output, error }
  } catch (error) {
    runtime.fault('judge', error)
    return { status: 'success', output }
  }
}

function judgedError(
  runtime: Runtime,
  { judgeError }: ToolCallRequest,
  error: unknown,
): CallOutcome {
  const outcome = thrownOutcome(error)
  try {
    const status = judgeError?.(error)
    return status === undefined ? outcome : { ...outcome, status }
  } catch (fault) {
    runtime.fault('judgeError', fault)
    return outcome
  }
}

/** The span name that GenAI conventions give a tool call. */
export function genAiSpanName(tool: string): string {
  return `${OPERATION_EXECUTE_TOOL} ${tool}`
}
