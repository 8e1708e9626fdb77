// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Actor, CallContext } from '@spanseal/core'
import { block, UNATTRIBUTED } from '@spanseal/core'
import { assertId, assertKnownKeys, assertName, assertOneOf, refuse } from './guards.ts'
import type { Runtime } from './runtime.ts'
import type { AuditScope } from './scope.ts'
import type { CarriedContext, TraceCarrier } from './traceparent.ts'

/** What a task is and for whom. */
export interface TaskOptions {
  readonly name: string
  /** Default: the one carried by `from`, else the enclosing task's, else a new one. */
  readonly id?: string
  /** Whom it is done for; stored as a pseudonym. */
  readonly user?: string
  readonly role?: string
  readonly session?: string
  readonly conversation?: string
  readonly turn?: number
  readonly model?: { readonly provider: string; readonly name: string; readonly version?: string }
  readonly trigger?: 'user_request' | 'proactive' | 'retry' | 'follow_up' | 'system'
  /** `user`, `system` or `agent:<id>`. */
  readonly source?: string
  readonly onBehalfOf?: readonly string[]
  readonly client?: {
    readonly address?: string
    readonly userAgent?: string
    readonly channel?: string
  }
  readonly purpose?: string
  readonly classifications?: readonly string[]
  /** Data subjects of the whole task. */
  readonly subjects?: readonly string[]
  /** Another agent in this process, where it is not the one registered. */
  readonly agent?: { readonly id: string; readonly name?: string; readonly version?: string }
  /** What another agent handed over with. */
  readonly from?: TraceCarrier
}

const KEYS = [
  'name',
  'id',
  'user',
  'role',
  'session',
  'conversation',
  'turn',
  'model',
  'trigger',
  'source',
  'onBehalfOf',
  'client',
  'purpose',
  'classifications',
  'subjects',
  'agent',
  'from',
] as const satisfies readonly (keyof TaskOptions)[]
const LIST_MAX = 16

/**
 * Refuses options that a task cannot have.
 *
 * @throws AuditError `INVALID_OPTION`
 */
export function assertTaskOptions(options: TaskOptions): void {
  assertKnownKeys('task', options, KEYS)
  assertName('task.name', options.name)
}

/**
 * Who acts, for whom, on which task: from the options, what was carried here, and the task around.
 *
 * @throws AuditError `INVALID_OPTION` for an unusable value
 */
export function taskScope(
  runtime: Runtime,
  options: TaskOptions,
  carried: CarriedContext | undefined,
  enclosing: AuditScope | undefined,
): AuditScope {
  const taskId = options.id ?? carried?.taskId ?? enclosing?.taskId ?? crypto.randomUUID()
  if (taskId !== UNATTRIBUTED) assertId('task.id', taskId)
  const user = options.user ?? enclosing?.user
  const subjects = options.subjects ?? enclosing?.subjects ?? []
  return {
    actor: block(actorOf(runtime, options, user)),
    context: block(contextOf(runtime, options, taskId, subjects)),
    taskId,
    trace: enclosing?.trace,
    user,
    subjects,
  }
}

function actorOf(runtime: Runtime, options: TaskOptions, user: string | undefined): Actor {
  const { session, conversation, turn, model, trigger, source, onBehalfOf, client, role, agent } =
    options
  if (agent !== undefined) assertId('task.agent.id', agent.id)
  if (trigger !== undefined)
    assertOneOf('task.trigger', trigger, [
      'user_request',
      'proactive',
      'retry',
      'follow_up',
      'system',
    ])
  if (source !== undefined && !/^(user|system|agent:.{1,120})$/.test(source))
    refuse('task.source', source, '"user", "system" or "agent:<id>"')
  const userRef = user === undefined ? UNATTRIBUTED : runtime.personRef(assertId('task.user', user))
  return {
    agent: agent ?? runtime.options.agent,
    ...(client === undefined ? {} : { client: clientOf(runtime, client) }),
    ...(conversation === undefined
      ? {}
      : { conversation: runtime.ref('conversation', assertId('task.conversation', conversation)) }),
    ...(model === undefined ? {} : { model }),
    ...(onBehalfOf === undefined
      ? {}
      : { on_behalf_of: onBehalfOf.slice(0, LIST_MAX).map((id) => runtime.personRef(id)) }),
    ...(session === undefined
      ? {}
      : { session: runtime.ref('session', assertId('task.session', session)) }),
    ...(source === undefined ? {} : { source }),
    ...(trigger === undefined ? {} : { trigger }),
    ...(turn === undefined ? {} : { turn }),
    user: { ref: userRef, ...(role === undefined ? {} : { role: assertId('task.role', role) }) },
  }
}

function clientOf(
  runtime: Runtime,
  { address, userAgent, channel }: NonNullable<TaskOptions['client']>,
): NonNullable<Actor['client']> {
  return {
    ...(address === undefined ? {} : { address_ref: runtime.ref('address', address) }),
    ...(channel === undefined ? {} : { channel: assertId('task.client.channel', channel) }),
    ...(userAgent === undefined
      ? {}
      : { user_agent: assertName('task.client.userAgent', userAgent) }),
  }
}

function contextOf(
  runtime: Runtime,
  options: TaskOptions,
  taskId: string,
  subjects: readonly string[],
): CallContext {
  const { purpose, classifications = [] } = options
  return {
    data_classifications: classifications
      .slice(0, LIST_MAX)
      .map((c) => assertId('task.classifications', c)),
    environment: runtime.options.environment,
    ...(purpose === undefined ? {} : { purpose: assertName('task.purpose', purpose) }),
    ...(subjects.length === 0
      ? {}
      : {
          subjects: {
            count: subjects.length,
            refs: subjects.slice(0, LIST_MAX).map((id) => runtime.personRef(id)),
            ...(subjects.length > LIST_MAX ? { refs_more: subjects.length - LIST_MAX } : {}),
          },
        }),
    task_id: taskId,
  }
}
