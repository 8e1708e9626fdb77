// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Attributes, SpanKind } from '@opentelemetry/api'
import { askAuthorization } from './ask-authorization.ts'
import type { AuthorizationDecision } from './authorize.ts'
import { authorizationOf } from './authorize.ts'
import type { Runtime } from './runtime.ts'
import { ToolCall } from './tool-call.ts'
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
  /** Added to the span, redacted. */
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
  /** `[\w.$]{1,128}` */
  readonly errorType: string
  readonly message: string
}

/**
 * Calls a tool under audit: authorization, intent record, the tool inside its span, outcome record.
 * The caller's value or error is unchanged; audit faults never reach the caller.
 *
 * @throws AuditError `AUTHORIZATION_DENIED` or `AUTHORIZATION_PENDING` where the hook says so,
 * `INTENT_NOT_DURABLE` where the fail mode does; the tool did not run then. Rejects with it where
 * `async` is set, or the tool has returned a promise before
 */
export function callTool<T>(runtime: Runtime, request: ToolCallRequest, run: () => T): T {
  const call = new ToolCall(runtime, request)
  const hook = runtime.options.authorize
  if (hook === undefined) return call.start(request.tool.unasked, run)
  const answer = askAuthorization(runtime, call, hook)
  if (!(answer instanceof Promise)) return decided(call, answer, run)
  return answer.then((decision) => decided(call, decision, run)) as T
}

function decided<T>(call: ToolCall, decision: AuthorizationDecision, run: () => T): T {
  const { runtime, tool } = call
  const approver = (id: string): string => runtime.ref('approver', id)
  const authorization = authorizationOf(decision, tool.permissions, approver)
  call.noteAuthorization(authorization, decision.reason)
  if (decision.decision === 'granted') return call.start(authorization, run)
  return call.refused(call.refuse(authorization, decision.decision))
}
