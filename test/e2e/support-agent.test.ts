// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { AuditRecord, Invocation } from '@spanseal/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CommandResult } from './run-command.ts'
import { ROOT, runNode, spanseal } from './run-command.ts'

type CallRecord = AuditRecord & {
  readonly invocation: Invocation
  readonly tool: { readonly name: string }
  readonly actor: { readonly agent: { readonly id: string } }
  readonly trace: { readonly trace_id: string }
  readonly context: { readonly task_id: string }
}

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'support-agent-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function recordsOf(journal: string): CallRecord[] {
  return readdirSync(journal, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => readFileSync(join(journal, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CallRecord)
}

function ofType(records: readonly CallRecord[], type: string): CallRecord[] {
  return records.filter((record) => record.type === type)
}

describe('npm start', () => {
  let run: CommandResult
  let records: CallRecord[]
  let journal: string

  beforeAll(async () => {
    const out = join(folder, 'demo')
    journal = join(out, 'journal')
    // What installing and building says belongs to the first run after a change.
    await runNode(['bootstrap.mjs', 'build'])
    run = await runNode(['bootstrap.mjs', 'start', '--out', out])
    records = recordsOf(journal)
  })

  test('ends by itself with status 0, verified at level 2', () => {
    expect(run.stderr).toBe('')
    expect(run.status).toBe(0)
    expect(run.stdout).toContain('level 2')
  })

  test('says where the files are, and the commands it suggests work', async () => {
    const commands = run.stdout.split('\n').filter((line) => line.startsWith('  npx spanseal '))
    expect(commands).toHaveLength(2)
    for (const command of commands) {
      const words = command.trim().replaceAll("'", '').split(' ').slice(2)
      const result = await spanseal(...words)
      expect(result.stderr).toBe('')
      expect(result.status).toBe(0)
    }
  })

  test('shows every way in which a call ends', () => {
    const statuses = ofType(records, 'tool.end').map((r) => `${r.tool.name} ${r.invocation.status}`)
    expect(statuses).toEqual([
      'read_text_file success',
      'read_text_file success',
      'write_file success',
      'create_entities success',
      'read_text_file error',
      'read_text_file success',
      'move_file denied',
      'search_nodes success',
      'directory_tree cancelled',
    ])
    expect(ofType(records, 'tool.start')).toHaveLength(statuses.length)
  })

  test('the tools are real: the letter is there, the denied move did not happen', () => {
    const workspace = join(folder, 'demo/workspace')
    expect(readFileSync(join(workspace, 'letters/A-1.txt'), 'utf8')).toContain('49 EUR')
    expect(existsSync(join(workspace, 'orders/A-2.json'))).toBe(true)
    expect(readFileSync(join(folder, 'demo/memory.jsonl'), 'utf8')).toContain(
      'refunded under policy 4',
    )
  })

  test('the second agent works in the same trace and task as the one that handed over', () => {
    const [handoff] = ofType(records, 'agent.handoff')
    const billing = records.filter((r) => r.actor?.agent.id === 'billing-1')
    expect(billing.length).toBeGreaterThan(3)
    expect(new Set(billing.map((r) => r.trace.trace_id))).toEqual(
      new Set([handoff?.trace.trace_id]),
    )
    expect(new Set(billing.map((r) => r.context.task_id))).toEqual(
      new Set([handoff?.context.task_id]),
    )
  })

  test('no content of a call stands in the journal', () => {
    const text = JSON.stringify(records)
    for (const content of ['kettle', '49 EUR', 'Policy 4', 'u-17', 's-1"'])
      expect(text).not.toContain(content)
  })
})

describe('npm start with a broken wish', () => {
  test('an unknown option is named', async () => {
    const run = await runNode(['bootstrap.mjs', 'start', '--ouch'])
    expect(run.status).toBe(2)
    expect(run.stderr).toContain('--ouch')
  })

  test('a journal that cannot be made is a coded error', async () => {
    const run = await runNode(['bootstrap.mjs', 'start', '--out', join(ROOT, 'package.json')])
    expect(run.status).toBe(2)
    expect(run.stderr).toContain('package.json')
  })
})

const trajectories = resolve(ROOT, '../shared/data/trajectories/tau-bench-airline.json')

describe('recorded trajectories of a real agent', () => {
  test('leave one start and one end for each of their 1,164 calls, in order, verified', async (ctx) => {
    if (!existsSync(trajectories))
      ctx.skip('the recorded trajectories are not here: ../shared/data/trajectories')
    const out = join(folder, 'replay')
    const run = await runNode(['bootstrap.mjs', 'start', '--out', out, '--replay', trajectories])
    expect(run.stdout).toContain('level 2')
    expect(run.status).toBe(0)
    const records = recordsOf(join(out, 'journal'))
    const starts = ofType(records, 'tool.start')
    const ends = ofType(records, 'tool.end')
    expect(starts.map((r) => [r.tool.name, r.invocation.external_id])).toEqual(recordedCalls())
    expect(ends.map((r) => r.invocation.start)).toEqual(
      starts.map((r) => `${r.chain.epoch}/${r.chain.seq}`),
    )
    expect(starts).toHaveLength(1164)
  })
})

function recordedCalls(): unknown[] {
  interface Call {
    readonly id: string
    readonly function: { readonly name: string }
  }
  const episodes = JSON.parse(readFileSync(trajectories, 'utf8')) as {
    traj: { tool_calls?: Call[] }[]
  }[]
  return episodes
    .flatMap(({ traj }) => traj.flatMap((message) => message.tool_calls ?? []))
    .map((call) => [call.function.name, call.id])
}
