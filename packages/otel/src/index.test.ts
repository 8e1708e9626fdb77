// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { anAudit } from './audit.fixture.ts'
import * as surface from './index.ts'

it('exports these names and no others', () => {
  expect(Object.keys(surface).sort()).toEqual([
    'Audit',
    'AuditSpanExporter',
    'AuditSpanProcessor',
    'Task',
    'agentSampler',
    'createAudit',
    'optionsFromEnv',
    'register',
  ])
})

it('an audit and a task have these methods', async () => {
  const { audit } = anAudit()
  const methods = (object: object): string[] =>
    Object.getOwnPropertyNames(Object.getPrototypeOf(object)).sort()
  expect(methods(audit)).toEqual([
    'below',
    'breakGlass',
    'call',
    'carrier',
    'constructor',
    'drain',
    'forceFlush',
    'forget',
    'health',
    'outsideTool',
    'registerTool',
    'shutdown',
    'task',
    'tool',
  ])
  await audit.task({ name: 't' }, (task) => {
    expect(methods(task)).toEqual([
      'carrier',
      'constructor',
      'handoff',
      'id',
      'output',
      'reasoning',
      'traceId',
      'userInput',
    ])
  })
})
