// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aJournal, emptyFolder, TestAgent, TRACE } from '../journal.fixture.ts'

function lines(text: string): string[] {
  return text.split('\n').slice(0, -1)
}

describe('spanseal tail', () => {
  it('prints the newest records of all epochs, oldest first', async () => {
    const journal = aJournal()
    new TestAgent(journal).task(TRACE, 'first_tool')
    journal.writer.close()
    const second = aJournal({ journal: journal.folder })
    new TestAgent(second).task(TRACE, 'second_tool')
    const { status, stdout } = await runCommand(['tail', journal.folder, '-n', '8'])
    expect(status).toBe(0)
    const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}`
    const six = '[0-9a-f]{6}'
    expect(stdout).toMatch(
      new RegExp(`^${time} ${six}/3 +tool.end +first_tool success 412 ms · support-1 · 0af76519\n`),
    )
    expect(lines(stdout).map((line) => line.slice(36).split(/ +/).slice(0, 2).join(' '))).toEqual([
      'tool.end first_tool',
      'task.end refund',
      'epoch.close shutdown',
      'epoch.open support-agent',
      'task.start refund',
      'tool.start second_tool',
      'tool.end second_tool',
      'task.end refund',
    ])
  })

  it('prints whole records as JSON, one a line', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    const { stdout } = await runCommand(['tail', journal.folder, '--json'])
    const records = lines(stdout).map((line) => JSON.parse(line) as { chain: { seq: number } })
    expect(records.map((record) => record.chain.seq)).toEqual([0, 1, 2, 3, 4])
  })

  it('passes over torn and broken lines, pipes, links and lines without end', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    const [epoch = ''] = readdirSync(journal.folder)
    const folder = join(journal.folder, epoch)
    journal.writer.close()
    const last =
      readdirSync(folder)
        .filter((name) => name.endsWith('.jsonl'))
        .sort()
        .at(-1) ?? ''
    appendFileSync(
      join(folder, last),
      `${'x'.repeat(300_000)}\n{"chain":1}\nnot JSON\n\u001b[2J{"torn`,
    )
    execFileSync('mkfifo', [join(folder, '999999999998.jsonl')])
    symlinkSync('/etc/passwd', join(folder, '999999999999.jsonl'))
    writeFileSync(join(journal.folder, '019aa500-0000-7000-8000-00000000000a'), 'a file')
    const { status, stdout, stderr } = await runCommand(['tail', journal.folder])
    expect(status).toBe(0)
    expect(lines(stdout)).toHaveLength(6)
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]|root:/)
    expect(stderr).toContain('cannot be read as segments')
  })

  it('refuses what is no journal', async () => {
    const folder = emptyFolder()
    mkdirSync(join(folder, 'empty'))
    symlinkSync('loop', join(folder, 'loop'))
    writeFileSync(join(folder, 'file'), 'x')
    const cases = [
      ['nothing', 'NOT_FOUND'],
      ['empty', 'NOT_FOUND'],
      ['loop', 'JOURNAL_UNUSABLE'],
      ['file', 'JOURNAL_UNUSABLE'],
    ] as const
    for (const [name, code] of cases) {
      const { status, stderr, stdout } = await runCommand(['tail', join(folder, name)])
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
      expect(stderr).toMatch(new RegExp(`^spanseal: ${code}: .*${name} .*\n$`))
    }
    rmSync(join(folder, 'loop'))
  })

  it('refuses a number of lines that is none', async () => {
    for (const count of ['0', '-3', 'x', '1e3', '99999999']) {
      const { status, stderr } = await runCommand(['tail', '.', '-n', count])
      expect(status).toBe(2)
      expect(stderr).toContain(`INVALID_OPTION: --lines: "${count}" is not usable`)
    }
  })
})
