// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EventType, Severity } from './record.ts'
import { EVENT_TYPES, SEVERITIES } from './record.ts'

/**
 * What other vocabularies call our event types. `spec/record.md` shows the same table; the words of
 * this project come first, because they are what a record says.
 */

/** Types that have their name but enter the schema, with a later `rev`, when something emits them. */
export const LATER_EVENT_TYPES = [
  'agent.decision',
  'audit.exported',
  'audit.viewed',
  'auth.failure',
  'auth.success',
  'data.access',
  'data.modification',
  'epoch.heartbeat',
  'human.intervention',
  'model.end',
  'model.start',
  'policy.changed',
  'retention.expired',
  'review.done',
  'review.open',
  'security.alert',
  'supply.installed',
  'supply.trust_changed',
  'supply.verified',
  'user.feedback',
] as const
export type LaterEventType = (typeof LATER_EVENT_TYPES)[number]
export type NamedEventType = EventType | LaterEventType

/** A foreign name, in lower case with `_` for `-`, and what it is here. */
export interface VocabularyEntry {
  readonly name: string
  /**
   * The type that carries what the foreign record carries. Where that is one record or span for a
   * whole call, it is the end: that repeats its start.
   */
  readonly type: NamedEventType
  /** What the name says beyond the type. */
  readonly status?: 'error'
}

function entries(
  names: Readonly<Record<string, NamedEventType>>,
  status?: 'error',
): readonly VocabularyEntry[] {
  return Object.entries(names).map(([name, type]) => ({ name, type, ...(status && { status }) }))
}

export const VOCABULARY: readonly VocabularyEntry[] = [
  // Flat names, one for each moment.
  ...entries({
    tool_call_start: 'tool.start',
    tool_call_end: 'tool.end',
    model_request: 'model.start',
    model_response: 'model.end',
    auth_success: 'auth.success',
    auth_failure: 'auth.failure',
    authz_granted: 'authz.granted',
    authz_denied: 'authz.denied',
    data_access: 'data.access',
    data_modification: 'data.modification',
    security_alert: 'security.alert',
  }),
  ...entries({ tool_call_error: 'tool.end' }, 'error'),
  // Names under `agent.`, call and result apart.
  ...entries({
    'agent.invocation': 'task.start',
    'agent.tool_call': 'tool.start',
    'agent.tool_result': 'tool.end',
    'agent.llm_response': 'model.end',
    'agent.token_usage': 'model.end',
    'agent.human_intervention': 'human.intervention',
    'agent.security': 'security.alert',
    'agent.compliance': 'review.done',
    user_feedback: 'user.feedback',
  }),
  ...entries({ 'agent.error': 'task.end' }, 'error'),
  // One record or span for a whole call.
  ...entries({
    input: 'user.input',
    tool_call: 'tool.end',
    output: 'agent.output',
    agent_execution: 'task.end',
    llm_call: 'model.end',
  }),
  ...entries({ error: 'tool.end' }, 'error'),
  // Operation names of OpenTelemetry's GenAI conventions, and the method of MCP.
  ...entries({
    execute_tool: 'tool.end',
    invoke_agent: 'task.end',
    chat: 'model.end',
    generate_content: 'model.end',
    text_completion: 'model.end',
    embeddings: 'model.end',
    'tools/call': 'tool.end',
  }),
]

const byName: ReadonlyMap<string, NamedEventType> = new Map<string, NamedEventType>([
  ...VOCABULARY.map(({ name, type }): [string, NamedEventType] => [name, type]),
  ...[...EVENT_TYPES, ...LATER_EVENT_TYPES].map((type): [string, NamedEventType] => [type, type]),
])

/**
 * The event type for a name of ours or of another vocabulary, upper or lower case, with `_` or `-`;
 * undefined for a name that is none. Span names with their object behind them (`tool.<name>`,
 * `execute_tool <name>`, `invoke_agent <name>`) count as the operation.
 */
export function eventTypeFor(name: string): NamedEventType | undefined {
  const folded = name.trim().toLowerCase().replaceAll('-', '_')
  const known = byName.get(folded) ?? byName.get(folded.split(' ', 1)[0] as string)
  if (known !== undefined) return known
  return /^tool\.[^.\s]/.test(folded) ? 'tool.end' : undefined
}

/** The severity for a level name, `warn` and `fatal` included; undefined for a name that is none. */
export function severityFor(name: string): Severity | undefined {
  const folded = name.trim().toLowerCase()
  const alias: Readonly<Record<string, Severity>> = { warn: 'warning', fatal: 'critical' }
  return (
    SEVERITIES.find((severity) => severity === folded) ??
    (Object.hasOwn(alias, folded) ? alias[folded] : undefined)
  )
}
