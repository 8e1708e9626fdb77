// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Verdict } from '@spanseal/core'
import { Ed25519PrivateKey, formatVkey } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import type { TestJournal } from '../journal.fixture.ts'
import { aJournal, emptyFolder, LOG, TestAgent } from '../journal.fixture.ts'

/** A journal that was closed in order, and its only epoch's folder. */
function aClosedJournal(tasks = 1): TestJournal & { readonly epochFolder: string } {
  const journal = aJournal({ durability: 'interval' })
  const agent = new TestAgent(journal)
  for (let i = 0; i < tasks; i++) agent.task()
  journal.writer.close()
  const [epoch = ''] = [...journal.writer.epochs]
  return { ...journal, epochFolder: join(journal.folder, epoch) }
}

function lastSegment(folder: string): string {
  const names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))
  return join(folder, names.sort().at(-1) ?? '')
}

async function verdictOf(args: readonly string[]): Promise<Verdict & { status: number | null }> {
  const { status, stdout } = await runCommand(['verify', ...args, '--json'])
  return { ...(JSON.parse(stdout) as Verdict), status }
}

describe('spanseal verify', () => {
  it('says that a journal holds, at which level, and what that does not prove', async () => {
    const { folder } = aClosedJournal()
    const { status, stdout, stderr } = await runCommand(['verify', folder])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^HOLDS at level 1 of 5: self-consistent\n/)
    expect(stdout).toContain('Checked     6 records in 1 epoch;')
    expect(stdout).toContain('Ends        1 closed by the writer')
    expect(stdout).toContain('Tail        none: the last checkpoints cover every record')
    expect(stdout).toContain(`spanseal keys show --journal ${folder}`)
    expect(stdout).not.toMatch(/complete/i)
  })

  it('ends with status 1 where a lower level holds than was asked for', async () => {
    const { folder, vkey } = aClosedJournal()
    expect((await runCommand(['verify', folder, '--key', vkey, '--level', '2'])).status).toBe(0)
    const lower = await runCommand(['verify', folder, '--key', vkey, '--level', '3'])
    expect(lower).toMatchObject({
      status: 1,
      stderr: 'level 3 was asked for, and level 2 holds\n',
    })
    expect((await runCommand(['verify', folder, '--level', '6'])).status).toBe(2)
  })

  it('reaches level 2 with the key that was pinned, given as text or as a file', async () => {
    const { folder, vkey } = aClosedJournal()
    const file = join(emptyFolder(), 'issuer.vkey')
    writeFileSync(file, `# of the test\n${vkey}\n`)
    for (const key of [vkey, file]) {
      const { status, stdout } = await runCommand(['verify', folder, '--key', key])
      expect(status).toBe(0)
      expect(stdout).toMatch(/^HOLDS at level 2 of 5: signed by a pinned key\n/)
      expect(stdout).toContain('That nothing is absent at an end.')
      expect(stdout).not.toMatch(/complete/i)
    }
  })

  it('reaches level 3 with heads that were kept elsewhere', async () => {
    const { folder, epochFolder, vkey } = aClosedJournal()
    const head = join(emptyFolder(), 'heads')
    copyFileSync(join(epochFolder, 'checkpoints'), head)
    const { status, stdout } = await runCommand(['verify', folder, '--key', vkey, '--head', head])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^HOLDS at level 3 of 5: complete up to the heads you gave\n/)
  })

  it('does not hold for another key than the one that signed', async () => {
    const { folder } = aClosedJournal()
    const other = formatVkey(`${LOG}/issuer-0`, Ed25519PrivateKey.generate().publicKey)
    const { status, stdout } = await runCommand(['verify', folder, '--key', other])
    expect(status).toBe(1)
    expect(stdout).toMatch(/^DOES NOT HOLD: not what the keys and heads you gave vouch for\n/)
    expect(stdout).toContain('FAULT unsigned')
  })

  it('finds an edited record and says in which file, line, byte and seq', async () => {
    const { folder, epochFolder } = aClosedJournal()
    const file = lastSegment(epochFolder)
    const lines = readFileSync(file, 'utf8').split('\n')
    const at = lines.findIndex((line) => line.includes('"type":"tool.end"'))
    const byteOffset = Buffer.byteLength(lines.slice(0, at).join('\n')) + (at > 0 ? 1 : 0)
    lines[at] = (lines[at] ?? '').replace('"success"', '"timeout"')
    writeFileSync(file, lines.join('\n'))
    const { status, stdout } = await runCommand(['verify', folder])
    expect(status).toBe(1)
    expect(stdout).toMatch(/^DOES NOT HOLD: there are faults\n/)
    expect(stdout).toContain('FAULT edited')
    expect(stdout).toContain(`${file}:${at + 1},`)
    expect(stdout).toContain(`byte ${byteOffset}, seq 3–4\n`)
    expect(stdout).toContain('Keep the folder as it is')
    expect(await verdictOf([folder])).toMatchObject({ status: 1, ok: false, level: 0 })
  })

  it('finds a removed, a doubled and a cut record', async () => {
    for (const [change, code] of [
      [(lines: string[]) => lines.toSpliced(2, 1), 'missing'],
      [(lines: string[]) => lines.toSpliced(2, 0, lines[2] ?? ''), 'duplicated'],
      [(lines: string[]) => lines.slice(0, 3).concat(''), 'truncated'],
    ] as const) {
      const { folder, epochFolder } = aClosedJournal()
      const file = lastSegment(epochFolder)
      writeFileSync(file, change(readFileSync(file, 'utf8').split('\n')).join('\n'))
      const { status, counts } = await verdictOf([folder])
      expect(status).toBe(1)
      expect(counts).toHaveProperty(code)
    }
  })

  it('takes an open epoch for a fault, and not with --live', async () => {
    const journal = aJournal({ durability: 'every' })
    new TestAgent(journal).task()
    const { status, stdout } = await runCommand(['verify', journal.folder])
    expect(status).toBe(1)
    expect(stdout).toContain('FAULT unclosed')
    expect(stdout).toContain('verify with --live')
    expect(await verdictOf([journal.folder, '--live'])).toMatchObject({ status: 0, ok: true })
  })

  it('checks a single segment file, and several paths together', async () => {
    const [one, two] = [aClosedJournal(), aClosedJournal()]
    const file = await verdictOf([lastSegment(one.epochFolder)])
    expect(file.checked).toBe(5)
    const both = await verdictOf([one.folder, two.folder])
    expect(both).toMatchObject({ status: 0, epochs: 2, checked: 12 })
  })

  it('never holds where nothing is checked', async () => {
    const folder = emptyFolder()
    mkdirSync(join(folder, 'empty'))
    mkdirSync(join(folder, 'foreign'))
    writeFileSync(join(folder, 'foreign', 'notes.txt'), 'hello')
    writeFileSync(join(folder, 'nothing.jsonl'), '')
    for (const name of ['empty', 'foreign', 'nothing.jsonl']) {
      const { status, stdout } = await runCommand(['verify', join(folder, name)])
      expect(status).toBe(1)
      expect(stdout).toMatch(/^DOES NOT HOLD/)
      expect(stdout).toContain('Checked     0 records')
    }
    const { stdout } = await runCommand(['verify', join(folder, 'foreign')])
    expect(stdout).toContain('no part of a journal')
  })

  it('never holds for a foreign file', async () => {
    const folder = emptyFolder()
    const files = {
      'binary.bin': Buffer.from([0, 255, 10, 254, 10, 27, 91, 50, 74]),
      'other.jsonl': '{"a":1}\n{"b":2}\n',
      'text.txt': 'hello\u001b[2J\nworld\u202e',
    }
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(folder, name), content)
      const { status, stdout } = await runCommand(['verify', join(folder, name)])
      expect(status).toBe(1)
      expect(stdout).toMatch(/^DOES NOT HOLD/)
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
    }
  })

  it('says clearly that a pipe, a loop of links and a missing path cannot be checked', async () => {
    const folder = emptyFolder()
    execFileSync('mkfifo', [join(folder, 'pipe')])
    symlinkSync('loop', join(folder, 'loop'))
    const cases = [
      ['pipe', 'JOURNAL_UNUSABLE'],
      ['loop', 'JOURNAL_UNUSABLE'],
      ['nothing', 'NOT_FOUND'],
    ] as const
    for (const [name, code] of cases) {
      const { status, stdout, stderr } = await runCommand(['verify', join(folder, name)])
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
      expect(stderr).toMatch(new RegExp(`^spanseal: ${code}: .*${name}.*\n$`))
    }
  })

  it('does not wait for a pipe that stands in a segment’s place, and does not hold', async () => {
    const { folder, epochFolder } = aClosedJournal()
    execFileSync('mkfifo', [join(epochFolder, '999999999999.jsonl')])
    const { status, stdout } = await runCommand(['verify', folder])
    expect(status).toBe(1)
    expect(stdout).toContain('FAULT unverifiable')
    expect(stdout).toMatch(/999999999999\.jsonl\s+is not\s+a\s+regular\s+file/)
  })

  it('refuses keys and heads that are none', async () => {
    const { folder, vkey } = aClosedJournal()
    for (const [args, code] of [
      [['--key', 'nobody'], 'NOT_FOUND'],
      [['--key', vkey.slice(0, -4)], 'MALFORMED_KEY'],
      [['--head', '/nowhere'], 'NOT_FOUND'],
    ] as const) {
      const { status, stderr } = await runCommand(['verify', folder, ...args])
      expect(status).toBe(2)
      expect(stderr).toContain(`spanseal: ${code}: `)
    }
  })
})
