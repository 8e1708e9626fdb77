// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { appendFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Timeline } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aJournal, emptyFolder, TestAgent, TRACE } from '../journal.fixture.ts'

const OTHER_TRACE = '0af7000000000000000000000000000f'

describe('spanseal timeline', () => {
  it('prints a trace as a tree with times, outcomes, who and what was committed', async () => {
    const journal = aJournal()
    const agent = new TestAgent(journal)
    const task = { name: 'refund', span: 1 }
    const start = agent.startTask(task)
    const call = { name: 'refund_order', span: 2, parent: 1, status: 'error' as const }
    agent.endTool(call, agent.startTool(call))
    agent.startTool({ name: 'send_mail', span: 3, parent: 1 })
    agent.endTask(task, start)
    const { folder } = journal
    const { status, stdout, stderr } = await runCommand(['timeline', TRACE, '--journal', folder])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const time = String.raw`\d\d:\d\d:\d\d\.\d{3} +\+\d+ ms`
    for (const line of [
      `^Trace ${TRACE}$`,
      '2 tool calls: 1 error, 1 open',
      'agent support \\(support-1\\) · user p1:1c2d3e4f50617283',
      `^${time} ✓ task refund +success +1.25 s$`,
      `^${time} ├─ ✗ refund_order 2\\.1\\.0 +error +412 ms$`,
      '^ {22}│ +error +TypeError, fingerprint 0011223344556677$',
      '^ {22}│ +order is gone$',
      '^ {22}│ +input +blinded-sha256:[0-9a-f]{4}…:[0-9a-f]{8}… json',
      `^${time} └─ … send_mail 2\\.1\\.0 +open$`,
      `^Read as it stands, not verified: spanseal verify ${folder}$`,
    ]) {
      expect(stdout).toMatch(new RegExp(line, 'm'))
    }
    expect(stdout).not.toContain('\u001b')
  })

  it('takes the beginning of an id where it is unique, and lists what it may mean', async () => {
    const journal = aJournal()
    new TestAgent(journal).task(TRACE)
    new TestAgent(journal).task(OTHER_TRACE)
    const unique = await runCommand(['timeline', '0AF765', '--journal', journal.folder])
    expect(unique.stdout).toContain(`Trace ${TRACE}\n`)
    const several = await runCommand(['timeline', '0af7', '--journal', journal.folder])
    expect(several.status).toBe(2)
    expect(several.stderr).toContain(`INVALID_OPTION: trace id: 0af7 is the beginning of several: `)
    for (const id of [TRACE, OTHER_TRACE]) expect(several.stderr).toContain(id)
  })

  it('prints every trace of a session or conversation, by id or pseudonym, in order', async () => {
    const journal = aJournal()
    const session = journal.keyring.pseudonym('session', 's-1')
    const conversation = journal.keyring.pseudonym('conversation', 'c-1')
    new TestAgent(journal, { session, conversation }).task(TRACE)
    new TestAgent(journal).task('f'.repeat(32))
    new TestAgent(journal, { session }).task(OTHER_TRACE)
    const shown = async (...args: string[]): Promise<string[]> => {
      const { stdout } = await runCommand(['timeline', ...args, '--journal', journal.folder])
      return [...stdout.matchAll(/^Trace (\w+)$/gm)].map(([, id = '']) => id)
    }
    expect(await shown('--session', 's-1')).toEqual([TRACE, OTHER_TRACE])
    expect(await shown('--session', session)).toEqual([TRACE, OTHER_TRACE])
    expect(await shown('--conversation', 'c-1')).toEqual([TRACE])
    const unknown = ['timeline', '--session', 's-2', '--journal', journal.folder]
    expect((await runCommand(unknown)).stderr).toContain('NOT_FOUND')
  })

  it('finds the newest trace, across epochs', async () => {
    const journal = aJournal()
    new TestAgent(journal).task(TRACE)
    journal.writer.close()
    const second = aJournal({ journal: journal.folder })
    await new Promise((resolve) => setTimeout(resolve, 5))
    new TestAgent(second).task(OTHER_TRACE)
    const { stdout } = await runCommand(['timeline', '--last', '--journal', journal.folder])
    expect(stdout).toContain(`Trace ${OTHER_TRACE}\n`)
  })

  it('prints one JSON document, with everything in full', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    const { stdout } = await runCommand(['timeline', TRACE, '--journal', journal.folder, '--json'])
    const timeline = JSON.parse(stdout) as Timeline
    expect(timeline).toMatchObject({ traceId: TRACE, records: 4, toolCalls: { success: 1 } })
    const [call] = timeline.roots[0]?.children ?? []
    expect(call).toMatchObject({ kind: 'tool', name: 'refund_order', durationNanos: '412345678' })
    expect(call?.committed[0]?.commitment.c).toMatch(/^[0-9a-f]{64}$/)
  })

  it('passes over what is no record and says so', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    journal.writer.close()
    const [epoch = ''] = readdirSync(journal.folder)
    const file = join(journal.folder, epoch, '000000000001.jsonl')
    appendFileSync(file, `{"trace_id":"${TRACE}"}\n`)
    const { status, stdout, stderr } = await runCommand([
      'timeline',
      TRACE,
      '--journal',
      journal.folder,
    ])
    expect(status).toBe(0)
    expect(stdout).toContain('4 records in 1 epoch')
    expect(stderr).toBe('spanseal: 1 line cannot be read as records; see spanseal verify\n')
  })

  it('says what is wrong with what it was given', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    const folder = emptyFolder()
    for (const [args, code] of [
      [['feedbeef', '--journal', journal.folder], 'NOT_FOUND'],
      [['xyz!', '--journal', journal.folder], 'INVALID_OPTION'],
      [['--journal', journal.folder], 'INVALID_OPTION'],
      [[TRACE, '--last', '--journal', journal.folder], 'INVALID_OPTION'],
      [[TRACE], 'INVALID_OPTION'],
      [['--last', '--journal', folder], 'NOT_FOUND'],
      [['--last', '--journal', join(folder, 'nothing')], 'NOT_FOUND'],
    ] as const) {
      const { status, stdout, stderr } = await runCommand(['timeline', ...args])
      expect({ args, status, stdout }).toEqual({ args, status: 2, stdout: '' })
      expect(stderr).toMatch(new RegExp(`^spanseal: ${code}: [^\n]+\n$`))
    }
  })
})
