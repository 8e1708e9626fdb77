// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Authorization, ToolRef } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import { assertId } from './guards.ts'

/** What the hook is asked. Its own copy of nothing: the arguments are the caller's. */
export interface AuthorizationRequest {
  readonly tool: ToolRef
  readonly risk: 'read' | 'write'
  readonly args: readonly unknown[]
  readonly agentId: string
  /** As the task was told, before pseudonyms; undefined where nobody is known. */
  readonly user: string | undefined
  readonly taskId: string
  readonly permissions: readonly string[]
}

/** What the hook answers. */
export interface AuthorizationDecision {
  /** `pending`: somebody has to approve first; the tool does not run now. */
  readonly decision: 'granted' | 'denied' | 'pending'
  /** Default `policy`. */
  readonly method?: 'policy' | 'human_approval' | 'jit_elevation'
  readonly policy?: { readonly id: string; readonly version?: string; readonly digest?: string }
  /** Id of the grant that was used. */
  readonly grant?: string
  /** `YYYY-MM-DDTHH:mm:ss.sssZ`. */
  readonly expires?: string
  /** Stored as a pseudonym. */
  readonly approver?: string
  /** Default: all that the tool needs, where granted. */
  readonly permissionsUsed?: readonly string[]
  /** Default: all that the tool needs, where denied. */
  readonly permissionsDenied?: readonly string[]
  /** For people; committed, never in clear. */
  readonly reason?: string
}

/**
 * Asked before a tool runs. May be asynchronous where the tool is. A hook that throws, or answers
 * something else, denies.
 */
export type AuthorizeHook = (
  request: AuthorizationRequest,
) => AuthorizationDecision | Promise<AuthorizationDecision>

/** Where no hook is asked. */
export function notRequired(permissions: readonly string[]): Authorization {
  return {
    decision: 'not_required',
    method: 'none',
    permissions_denied: [],
    permissions_used: permissions,
  }
}

/** The decision as it stands in records. */
export function authorizationOf(
  decision: AuthorizationDecision,
  permissions: readonly string[],
  approverRef: (id: string) => string,
): Authorization {
  const granted = decision.decision === 'granted'
  const { policy, grant, expires, approver } = decision
  return {
    ...(approver === undefined ? {} : { approver: approverRef(approver) }),
    decision: decision.decision,
    ...(expires === undefined ? {} : { expires }),
    ...(grant === undefined ? {} : { grant: assertId('grant', grant) }),
    method: decision.method ?? 'policy',
    permissions_denied: decision.permissionsDenied ?? (granted ? [] : permissions),
    permissions_used: decision.permissionsUsed ?? (granted ? permissions : []),
    ...(policy === undefined ? {} : { policy }),
  }
}

/** What the caller of a tool gets that did not run. */
export function refusalError(tool: string, decision: 'denied' | 'pending'): AuditError {
  return decision === 'denied'
    ? new AuditError(
        'AUTHORIZATION_DENIED',
        `tool ${JSON.stringify(tool)}: not authorized; it did not run`,
      )
    : new AuditError(
        'AUTHORIZATION_PENDING',
        `tool ${JSON.stringify(tool)}: waits for approval; it did not run, call it again once approved`,
      )
}

/** The answer of a hook that failed: denied, under a policy of its own name. */
export const HOOK_FAILED: AuthorizationDecision = {
  decision: 'denied',
  policy: { id: 'authorize-hook-failed' },
}

/** Whether the hook's answer is one. */
export function isDecision(answer: unknown): answer is AuthorizationDecision {
  const decision = (answer as AuthorizationDecision | null | undefined)?.decision
  return decision === 'granted' || decision === 'denied' || decision === 'pending'
}
