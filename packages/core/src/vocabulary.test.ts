// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import { EVENT_TYPES } from './record.ts'
import { eventTypeFor, LATER_EVENT_TYPES, severityFor, VOCABULARY } from './vocabulary.ts'

describe('eventTypeFor', () => {
  test('our own names are themselves, each once', () => {
    const names: readonly string[] = [...EVENT_TYPES, ...LATER_EVENT_TYPES]
    expect(names.map(eventTypeFor)).toEqual(names)
    expect(new Set(names).size).toBe(names.length)
  })

  test('each foreign name stands once and is none of ours with another meaning', () => {
    const names = VOCABULARY.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const { name, type } of VOCABULARY) expect(eventTypeFor(name)).toBe(type)
  })

  test.each([
    // twelve flat names
    ['tool_call_start', 'tool.start'],
    ['tool_call_end', 'tool.end'],
    ['tool_call_error', 'tool.end'],
    ['model_request', 'model.start'],
    ['model_response', 'model.end'],
    ['auth_success', 'auth.success'],
    ['auth_failure', 'auth.failure'],
    ['authz_granted', 'authz.granted'],
    ['authz_denied', 'authz.denied'],
    ['data_access', 'data.access'],
    ['data_modification', 'data.modification'],
    ['security_alert', 'security.alert'],
    // twelve names under `agent.`
    ['agent.invocation', 'task.start'],
    ['agent.reasoning', 'agent.reasoning'],
    ['agent.tool_call', 'tool.start'],
    ['agent.tool_result', 'tool.end'],
    ['agent.decision', 'agent.decision'],
    ['agent.llm_response', 'model.end'],
    ['agent.error', 'task.end'],
    ['agent.handoff', 'agent.handoff'],
    ['agent.human_intervention', 'human.intervention'],
    ['agent.token_usage', 'model.end'],
    ['agent.security', 'security.alert'],
    ['agent.compliance', 'review.done'],
    // spans and records of one moment for a whole call
    ['input', 'user.input'],
    ['tool_call', 'tool.end'],
    ['output', 'agent.output'],
    ['agent_execution', 'task.end'],
    ['tool.search_database', 'tool.end'],
    ['execute_tool search_database', 'tool.end'],
    ['invoke_agent support', 'task.end'],
    ['chat example-large', 'model.end'],
    // other ways to write them
    ['TOOL_CALL_START', 'tool.start'],
    [' Tool-Call-Start ', 'tool.start'],
  ])('%s is %s', (name, type) => {
    expect(eventTypeFor(name)).toBe(type)
  })

  test.each(['', 'x', 'tool', 'tool.', 'tool. x', 'toolcall', 'agent', 'constructor', '__proto__'])(
    '%j is none',
    (name) => {
      expect(eventTypeFor(name)).toBeUndefined()
    },
  )
})

test.each([
  ['trace', 'trace'],
  ['INFO', 'info'],
  ['warn', 'warning'],
  ['Warning', 'warning'],
  ['fatal', 'critical'],
  ['verbose', undefined],
  ['constructor', undefined],
])('the severity of %s is %s', (name, severity) => {
  expect(severityFor(name)).toBe(severity)
})
