// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuthorizationDecision, AuthorizationRequest, AuthorizeHook } from './authorize.ts'
import { HOOK_FAILED, isDecision } from './authorize.ts'
import type { Runtime } from './runtime.ts'
import type { ToolCall } from './tool-call.ts'

type Answer = AuthorizationDecision | Promise<AuthorizationDecision>

/** The hook's answer; a hook that throws, rejects or answers nonsense denies. Never throws. */
export function askAuthorization(runtime: Runtime, call: ToolCall, hook: AuthorizeHook): Answer {
  const checked = (answer: unknown): AuthorizationDecision => {
    // A copy, read once: what throws or changes its mind must do so here, where it denies.
    const copy: unknown = typeof answer === 'object' ? { ...answer } : answer
    if (isDecision(copy)) return copy
    runtime.counters.fault('authorize: no decision', answer)
    return HOOK_FAILED
  }
  const failed = (error: unknown): AuthorizationDecision => {
    runtime.counters.fault('authorize', error)
    return HOOK_FAILED
  }
  try {
    const answer: unknown = call.inside(() => hook(questionOf(call)))
    if (!isThenable(answer)) return checked(answer)
    return Promise.resolve(answer).then(checked).catch(failed)
  } catch (error) {
    return failed(error)
  }
}

function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  return typeof (answer as { then?: unknown } | null | undefined)?.then === 'function'
}

function questionOf({ tool, args, scope }: ToolCall): AuthorizationRequest {
  return {
    tool: tool.tool.value,
    risk: tool.risk,
    args,
    agentId: scope.actor.value.agent.id,
    user: scope.user,
    taskId: scope.taskId,
    permissions: tool.permissions,
  }
}
