// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Authorization, ToolRef } from '@spanseal/core'
import { AuditError, LIST_CAPS } from '@spanseal/core'
import { mendedId } from './outside-names.ts'
import { isPermission } from './permission.ts'
import { mendName } from './redact/mend.ts'
import type { RiskClass } from './risk-policies.ts'

/** What the hook is asked. The arguments are the caller's own, not a copy. */
export interface AuthorizationRequest {
  readonly tool: ToolRef
  readonly risk: RiskClass
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

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/
const METHODS: readonly unknown[] = ['policy', 'human_approval', 'jit_elevation']

/**
 * The decision as it stands in records. The hook is the user's: what a record cannot hold is mended
 * or left out, for the decision itself must be written down.
 */
export function authorizationOf(
  answer: AuthorizationDecision,
  permissions: readonly string[],
  approverRef: (id: string) => string,
): Authorization {
  const granted = answer.decision === 'granted'
  const { policy, grant, expires, approver, method } = answer
  const { permissionsDenied = granted ? [] : permissions } = answer
  const { permissionsUsed = granted ? permissions : [] } = answer
  return {
    ...(isText(approver) ? { approver: approverRef(approver) } : {}),
    decision: answer.decision,
    ...(isText(expires) && TIME.test(expires) && !Number.isNaN(Date.parse(expires))
      ? { expires }
      : {}),
    ...(isText(grant) ? { grant: mendedId(grant) } : {}),
    method: METHODS.includes(method) ? (method as 'policy') : 'policy',
    ...permissionList('permissions_denied', permissionsDenied),
    ...permissionList('permissions_used', permissionsUsed),
    ...(isText(policy?.id) ? { policy: policyOf(policy) } : {}),
  } as Authorization
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function permissionList(field: string, permissions: unknown): object {
  const known = Array.isArray(permissions) ? permissions.filter(isPermission) : []
  const { permissions: itemsMax } = LIST_CAPS
  const more = known.length - itemsMax
  return { [field]: known.slice(0, itemsMax), ...(more > 0 ? { [`${field}_more`]: more } : {}) }
}

function policyOf({ id, version, digest }: NonNullable<AuthorizationDecision['policy']>) {
  return {
    ...(isText(digest) ? { digest: mendName(digest).text } : {}),
    id: mendedId(id),
    ...(isText(version) ? { version: mendedId(version) } : {}),
  }
}

/** What the caller of a tool gets that did not run. */
export function refusalError(tool: string, decision: 'denied' | 'pending'): AuditError {
  const named = `tool ${JSON.stringify(tool)}`
  return decision === 'denied'
    ? new AuditError('AUTHORIZATION_DENIED', `${named}: not authorized; it did not run`)
    : new AuditError(
        'AUTHORIZATION_PENDING',
        `${named}: waits for approval; it did not run, call it again once approved`,
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
