// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Actor, CallContext } from '@spanseal/core'
import { block, LIST_CAPS, UNATTRIBUTED } from '@spanseal/core'
import { classificationsOf } from './recurring-blocks.ts'
import type { Runtime } from './runtime.ts'
import type { AuditScope } from './scope.ts'
import type { TaskOptions } from './task-options.ts'
import type { CarriedContext } from './traceparent.ts'

/**
 * Who acts, for whom, on which task: from the options, what was carried here, and the task around.
 * The options have been checked.
 */
export function taskScope(
  runtime: Runtime,
  options: TaskOptions,
  carried: CarriedContext | undefined,
): AuditScope {
  const enclosing = runtime.scopes.enclosing
  const taskId = options.id ?? carried?.taskId ?? enclosing?.taskId ?? crypto.randomUUID()
  const user = options.user ?? enclosing?.user
  const subjects = options.subjects ?? enclosing?.subjects ?? []
  return {
    actor: block(actorOf(runtime, { ...options, ...(user !== undefined && { user }) }, enclosing)),
    context: block({ ...contextOf(runtime, options, subjects), task_id: taskId }),
    taskId,
    trace: enclosing?.trace,
    user,
    subjects,
  }
}

function actorOf(runtime: Runtime, options: TaskOptions, enclosing: AuditScope | undefined): Actor {
  const { user, turn, model, trigger, source, client, role } = options
  const around = enclosing?.actor.value
  const refOf = (kind: 'session' | 'conversation'): string | undefined => {
    const id = options[kind]
    return id === undefined ? around?.[kind] : runtime.ref(kind, id)
  }
  const conversation = refOf('conversation')
  const session = refOf('session')
  const userRef = user === undefined ? UNATTRIBUTED : runtime.personRef(user)
  return {
    agent: options.agent ?? runtime.options.agent,
    ...(client && { client: clientRefs(runtime, client) }),
    ...(conversation !== undefined && { conversation }),
    ...(model && { model }),
    ...onBehalfOf(runtime, options),
    ...(session !== undefined && { session }),
    ...(source !== undefined && { source }),
    ...(trigger && { trigger }),
    ...(turn !== undefined && { turn }),
    user: { ref: userRef, ...(role !== undefined && { role }) },
  }
}

function onBehalfOf(
  runtime: Runtime,
  { onBehalfOf: people }: TaskOptions,
): Pick<Actor, 'on_behalf_of' | 'on_behalf_of_more'> {
  if (people === undefined) return {}
  const { on_behalf_of: itemsMax } = LIST_CAPS
  return {
    on_behalf_of: people.slice(0, itemsMax).map((id) => runtime.personRef(id)),
    ...(people.length > itemsMax && { on_behalf_of_more: people.length - itemsMax }),
  }
}

function clientRefs(
  runtime: Runtime,
  { address, userAgent, channel }: NonNullable<TaskOptions['client']>,
): NonNullable<Actor['client']> {
  return {
    ...(address !== undefined && { address_ref: runtime.ref('address', address) }),
    ...(channel !== undefined && { channel }),
    ...(userAgent !== undefined && { user_agent: runtime.names.name(userAgent) }),
  }
}

function contextOf(
  runtime: Runtime,
  { purpose, classifications = [] }: TaskOptions,
  subjects: readonly string[],
): Omit<CallContext, 'task_id'> {
  return {
    ...classificationsOf(classifications),
    environment: runtime.options.environment,
    ...(purpose !== undefined && { purpose }),
    ...(subjects.length > 0 && { subjects: runtime.subjectRefs(subjects) }),
  }
}
