// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import type { RecordSink } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { aFolder, anAudit, endOf, readRecords } from './audit.fixture.ts'
import { runProgram } from './child-process.fixture.ts'

const typesIn = (journal: string): string[] => readRecords(journal).map((record) => record.type)

const CALL = `
  const call = audit.tool({ name: 'probe' }, async () => 'value')
  console.log(await call())
`

describe('a process', () => {
  it('that never shuts down ends by itself, and its records are there', async () => {
    const journal = join(aFolder(), 'audit')
    const program = `
      import { register } from '@spanseal/otel'
      const sink = { name: 'never', deliver: () => Promise.reject(new Error('down')), close: async () => {} }
      const audit = register({ service: { name: 's' }, journal: ${JSON.stringify(journal)}, otlp: 'http://127.0.0.1:9', sinks: [sink] })
      ${CALL}`
    const end = await runProgram(program)
    expect(end).toMatchObject({ code: 0, stdout: 'value\n' })
    expect(typesIn(journal)).toEqual(['epoch.open', 'tool.start', 'tool.end'])
    // The next one on the folder delivers what the first could not.
    const lines: string[] = []
    const sink: RecordSink = {
      name: 'never',
      deliver: async ({ records }) => void lines.push(...records.map(({ type }) => type)),
      close: async () => {},
    }
    const next = anAudit({ journal, service: { name: 's' }, sinks: [sink] })
    expect(await next.audit.shutdown()).toEqual({ openCalls: 0, undelivered: {} })
    expect(lines).toEqual(['epoch.open', 'tool.start', 'tool.end', 'epoch.open', 'epoch.close'])
  })

  it('that is killed while a tool runs leaves the intent', async () => {
    const journal = join(aFolder(), 'audit')
    const program = `
      import { register } from '@spanseal/otel'
      const audit = register({ service: { name: 's' }, journal: ${JSON.stringify(journal)} })
      await audit.tool({ name: 'probe' }, async () => {
        console.log('running')
        await new Promise((resolve) => setTimeout(resolve, 60_000))
      })()`
    const end = await runProgram(program, { signal: 'SIGKILL' })
    expect(end).toMatchObject({ signal: 'SIGKILL', stdout: 'running\n', stderr: '' })
    expect(typesIn(journal)).toEqual(['epoch.open', 'tool.start'])
  })

  it('that shuts down waits for sinks that are slow, and ends', async () => {
    const journal = join(aFolder(), 'audit')
    const program = `
      import { register } from '@spanseal/otel'
      let failures = 2
      const sink = {
        name: 'slow',
        deliver: async () => { if (failures-- > 0) throw new Error('not yet') },
        close: async () => {},
      }
      const audit = register({ service: { name: 's' }, journal: ${JSON.stringify(journal)}, sinks: [sink] })
      await audit.tool({ name: 'probe' }, async () => 1)()
      console.log(JSON.stringify(await audit.shutdown()))`
    const end = await runProgram(program)
    expect(end).toMatchObject({ code: 0, stdout: '{"openCalls":0,"undelivered":{}}\n' })
  })

  it('in CommonJS can require the package', async () => {
    const journal = join(aFolder(), 'audit')
    const program = `
      const { register } = require('@spanseal/otel')
      const audit = register({ service: { name: 's' }, journal: ${JSON.stringify(journal)} })
      audit.tool({ name: 'probe' }, () => 1)()
      audit.shutdown()`
    expect(await runProgram(program, { type: 'commonjs' })).toMatchObject({ code: 0, stderr: '' })
    expect(typesIn(journal)).toEqual(['epoch.open', 'tool.start', 'tool.end', 'epoch.close'])
  })
})

describe('node --import @spanseal/otel/register', () => {
  const args = ['--import', '@spanseal/otel/register']
  const CALL_GLOBAL = `
    import { trace } from '@opentelemetry/api'
    import { audit } from '@spanseal/otel/register'
    trace.getTracer('x').startSpan('s', {
      attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'foreign' },
    }).end()
    ${CALL}`

  it('works from environment variables alone, and closes the epoch when the work is done', async () => {
    const journal = join(aFolder(), 'audit')
    const env = {
      SPANSEAL_JOURNAL: journal,
      OTEL_SERVICE_NAME: 'from-env',
      OTEL_RESOURCE_ATTRIBUTES: 'service.version=1.2.3,deployment.environment.name=prod',
      SPANSEAL_AGENT_ID: 'agent-7',
    }
    const end = await runProgram(CALL_GLOBAL, { args, env })
    expect(end).toMatchObject({ code: 0, stdout: 'value\n', stderr: '' })
    const records = readRecords(journal)
    expect(records.map((record) => record.type)).toEqual([
      'epoch.open',
      'tool.start',
      'tool.end',
      'tool.start',
      'tool.end',
      'epoch.close',
    ])
    const [open] = records
    expect(open?.type === 'epoch.open' && open.detail).toMatchObject({
      service: { name: 'from-env', version: '1.2.3' },
      deployment: { environment: 'prod' },
    })
    expect(endOf(records, 'foreign').actor.agent).toEqual({ id: 'agent-7' })
  })

  it('with OTEL_SDK_DISABLED writes evidence and no span', async () => {
    const journal = join(aFolder(), 'audit')
    const program = `${CALL_GLOBAL}
      console.log(audit.health().spans.provider)`
    const end = await runProgram(program, {
      args,
      env: { SPANSEAL_JOURNAL: journal, OTEL_SDK_DISABLED: 'true' },
    })
    expect(end).toMatchObject({ code: 0 })
    expect(end.stdout).toContain('off: OTEL_SDK_DISABLED')
    expect(typesIn(journal)).toEqual(['epoch.open', 'tool.start', 'tool.end', 'epoch.close'])
  })

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'closes the epoch at %s and ends by it',
    async (signal) => {
      const journal = join(aFolder(), 'audit')
      const program = `console.log('up'); setInterval(() => {}, 1000)`
      const end = await runProgram(program, { args, env: { SPANSEAL_JOURNAL: journal }, signal })
      expect(end).toMatchObject({ signal })
      expect(typesIn(journal)).toEqual(['epoch.open', 'epoch.close'])
    },
  )

  it('leaves a signal to those who listen for it', async () => {
    const journal = join(aFolder(), 'audit')
    const program = `
      process.on('SIGTERM', () => setTimeout(() => process.exit(7), 50))
      console.log('up'); setInterval(() => {}, 1000)`
    const end = await runProgram(program, {
      args,
      env: { SPANSEAL_JOURNAL: journal },
      signal: 'SIGTERM',
    })
    expect(end).toMatchObject({ code: 7 })
    expect(typesIn(journal)).toEqual(['epoch.open', 'epoch.close'])
  })

  it('refuses to start where a variable is unusable, and names it without its value', async () => {
    const env = {
      SPANSEAL_JOURNAL: join(aFolder(), 'a'),
      OTEL_EXPORTER_OTLP_HEADERS: 'hunter2',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    }
    const end = await runProgram(CALL_GLOBAL, { args, env })
    expect(end.code).not.toBe(0)
    expect(end.stderr).toContain('OTEL_EXPORTER_OTLP_HEADERS')
    expect(end.stderr).not.toContain('hunter2')
  })
})
