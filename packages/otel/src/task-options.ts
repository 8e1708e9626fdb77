// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  assertCount,
  assertId,
  assertKnownKeys,
  assertName,
  assertOneOf,
  assertTexts,
  refuse,
} from './guards.ts'
import type { TraceCarrier } from './traceparent.ts'

/** What a task is and for whom. Ids have at most 128 bytes, names 256. */
export interface TaskOptions {
  readonly name: string
  /** Default: the one carried by `from`, else the enclosing task's, else a new one. */
  readonly id?: string
  /** Whom it is done for; stored as a pseudonym. Default: the enclosing task's. */
  readonly user?: string
  readonly role?: string
  /** Stored as a pseudonym. */
  readonly session?: string
  /** Stored as a pseudonym. */
  readonly conversation?: string
  readonly turn?: number
  readonly model?: { readonly provider: string; readonly name: string; readonly version?: string }
  readonly trigger?: 'user_request' | 'proactive' | 'retry' | 'follow_up' | 'system'
  /** `user`, `system` or `agent:<id>`. */
  readonly source?: string
  /** Stored as pseudonyms; of more than 16 the rest is counted. */
  readonly onBehalfOf?: readonly string[]
  readonly client?: {
    /** Stored as a pseudonym. */
    readonly address?: string
    readonly userAgent?: string
    readonly channel?: string
  }
  readonly purpose?: string
  /** Of more than 16 the rest is counted. */
  readonly classifications?: readonly string[]
  /**
   * Data subjects of the whole task; stored as pseudonyms. Their keys blind its commitments: those of
   * the first 16.
   */
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
const TRIGGERS = ['user_request', 'proactive', 'retry', 'follow_up', 'system'] as const
const IDS = ['id', 'user', 'role', 'session', 'conversation'] as const
const LISTS = ['onBehalfOf', 'classifications', 'subjects'] as const

/**
 * Refuses options that a task cannot have.
 *
 * @throws AuditError `INVALID_OPTION` naming the option
 */
export function assertTaskOptions(options: TaskOptions): void {
  assertKnownKeys('task', options, KEYS)
  assertName('task.name', options.name)
  for (const key of IDS) {
    const id = options[key]
    if (id !== undefined) assertId(`task.${key}`, id)
  }
  for (const key of LISTS) {
    const list = options[key]
    if (list !== undefined) assertTexts(`task.${key}`, list)
  }
  const { turn, trigger, source, purpose, client, from } = options
  if (turn !== undefined) assertCount('task.turn', turn, 0)
  if (trigger !== undefined) assertOneOf('task.trigger', trigger, TRIGGERS)
  if (source !== undefined) assertSource(source)
  if (purpose !== undefined) assertName('task.purpose', purpose)
  if (client !== undefined) assertClient(client)
  if (from !== undefined && (typeof from !== 'object' || from === null)) {
    refuse('task.from', from, 'a carrier, as handoff() and audit.carrier() give them')
  }
  assertNamed(options)
}

function assertSource(source: string): void {
  if (source === 'user' || source === 'system') return
  if (typeof source !== 'string' || !source.startsWith('agent:')) {
    refuse('task.source', source, '"user", "system" or "agent:<id>"')
  }
  assertId('task.source', source.slice('agent:'.length))
}

function assertClient(client: NonNullable<TaskOptions['client']>): void {
  assertKnownKeys('task.client', client, ['address', 'userAgent', 'channel'])
  if (client.address !== undefined) assertId('task.client.address', client.address)
  if (client.channel !== undefined) assertId('task.client.channel', client.channel)
  if (client.userAgent !== undefined) assertName('task.client.userAgent', client.userAgent)
}

function assertNamed({ model, agent }: TaskOptions): void {
  if (model !== undefined) {
    assertKnownKeys('task.model', model, ['provider', 'name', 'version'])
    assertId('task.model.provider', model.provider)
    assertName('task.model.name', model.name)
    if (model.version !== undefined) assertId('task.model.version', model.version)
  }
  if (agent !== undefined) assertAgent('task.agent', agent)
}

/** An agent as tasks and `register()` name it. */
export function assertAgent(
  option: string,
  agent: { readonly id: string; readonly name?: string; readonly version?: string },
): void {
  assertKnownKeys(option, agent, ['id', 'name', 'version'])
  assertId(`${option}.id`, agent.id)
  if (agent.name !== undefined) assertName(`${option}.name`, agent.name)
  if (agent.version !== undefined) assertId(`${option}.version`, agent.version)
}
