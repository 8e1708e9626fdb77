// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aJournal, deliverAll, emptyFolder, TestAgent } from '../journal.fixture.ts'
import type { StatusReport } from '../status-report.ts'

async function reportOf(folder: string, ...args: string[]): Promise<StatusReport> {
  const { stdout } = await runCommand(['status', folder, '--json', ...args])
  return JSON.parse(stdout) as StatusReport
}

describe('spanseal status', () => {
  it('says how far a journal is written, on disk and delivered', async () => {
    const journal = aJournal({ durability: 'interval' })
    new TestAgent(journal).task()
    await deliverAll(journal.folder, 'kafka')
    new TestAgent(journal).task()
    await journal.writer.synced()
    const report = await reportOf(journal.folder)
    expect(report).toMatchObject({
      ok: true,
      problems: [],
      watermarks: { produced: 9, acknowledged: { kafka: 5 } },
      lag: { kafka: 4 },
      states: { live: 1 },
      orphans: [],
    })
    const { stdout, stderr, status } = await runCommand(['status', journal.folder])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^ALL IS WELL\n/)
    expect(stdout).toContain('5 records acknowledged by kafka, 4 records wait')
  })

  it('counts with --check what waits for too long as a problem', async () => {
    const past = Date.now() - 3_600_000
    const clock = { wallMillis: () => past, monoNanos: () => process.hrtime.bigint() }
    const journal = aJournal({ clock })
    new TestAgent(journal).task()
    await deliverAll(journal.folder, 'kafka')
    new TestAgent(journal).task()
    journal.writer.close()
    const checked = await runCommand(['status', journal.folder, '--check'])
    expect(checked.status).toBe(1)
    expect(checked.stdout).toContain('LAGGING: the oldest undelivered record waits for 36')
    const patient = await runCommand(['status', journal.folder, '--check', '--max-lag', '2h'])
    expect(patient.status).toBe(0)
  })

  it('says what agents said of their view and of themselves, and believes no nonsense', async () => {
    const vitals = {
      calls: { refused: 3 },
      view: {
        holes: 7,
        endpoints: [
          { name: 'http://a\u001b[2J', exported: 5, failed: -1, rejected: 7, dropped: 'x' },
        ],
      },
    }
    const journal = aJournal({ vitals: () => vitals })
    journal.writer.close()
    expect(await reportOf(journal.folder)).toMatchObject({
      view: { holes: 7, endpoints: [{ exported: 5, failed: 0, rejected: 7, dropped: 0 }] },
      gaps: { refused: 3 },
    })
    const { stdout } = await runCommand(['status', journal.folder])
    expect(stdout).toContain('7 rejected: the view has 7 holes, the evidence has none')
    expect(stdout).not.toContain('\u001b')
  })

  it('speaks Prometheus', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    await deliverAll(journal.folder, 'kafka')
    const { stdout } = await runCommand(['status', journal.folder, '--prometheus'])
    // The names of the agent's own metrics, as the page has them.
    const page = readFileSync(new URL('../../../../docs/observability.md', import.meta.url), 'utf8')
    expect(stdout).toContain('spanseal_journal_records_total{watermark="produced"} 5\n')
    expect(stdout).toContain('spanseal_sink_acknowledged_total{sink="kafka"} 5\n')
    for (const line of stdout.trimEnd().split('\n')) {
      expect(page).toContain(/spanseal_\w+/.exec(line)?.[0])
      expect(line).toMatch(/^(# (HELP|TYPE) spanseal_\w+ |spanseal_\w+(\{\w+="[^"]*"\})? [\d.]+$)/)
    }
  })

  it('tells of a folder with damaged files what can be told', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    const epoch = readdirSync(journal.folder).find((name) => /^[0-9a-f-]{36}$/.test(name)) ?? ''
    writeFileSync(join(journal.folder, epoch, 'writer.json'), '{"host":[[[[')
    const { status, stdout } = await runCommand(['status', journal.folder])
    expect(status).toBe(0)
    expect(stdout).toContain('5 records')
  })

  it('finds an older copy of a folder behind what was delivered no healthy journal', async () => {
    const journal = aJournal()
    const agent = new TestAgent(journal)
    agent.task()
    const older = join(emptyFolder(), 'older')
    cpSync(journal.folder, older, { recursive: true })
    agent.task()
    await deliverAll(journal.folder, 'kafka')
    cpSync(join(journal.folder, 'cursors'), join(older, 'cursors'), { recursive: true })
    const { status, stdout } = await runCommand(['status', older, '--json', '--check'])
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      problems: expect.arrayContaining([
        expect.objectContaining({ code: 'CURSOR_AHEAD' }),
      ]) as unknown[],
      epochs: [{ produced: 5, acknowledged: { kafka: 5 }, ahead: { kafka: 9 } }],
    })
    expect((await reportOf(journal.folder)).problems).toEqual([])
  })

  it('counts no folder without a cursor as a destination', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    await deliverAll(journal.folder, 'kafka')
    for (const name of ['restore', 'junk']) mkdirSync(join(journal.folder, 'cursors', name))
    writeFileSync(join(journal.folder, 'cursors', 'restore', '.lock-1.json'), '{}')
    expect(await reportOf(journal.folder)).toMatchObject({ lag: { kafka: 0 }, orphans: [] })
    expect(Object.keys((await reportOf(journal.folder)).lag)).toEqual(['kafka'])
  })

  it('finds an empty folder no healthy journal', async () => {
    const { status, stdout } = await runCommand(['status', emptyFolder(), '--check'])
    expect(status).toBe(1)
    expect(stdout).toContain('NO_EPOCHS: no agent ever wrote here')
  })

  it('does not take a process that is silent for long for a healthy one', async () => {
    const past = Date.now() - 120_000
    const clock = { wallMillis: () => past, monoNanos: () => process.hrtime.bigint() }
    const journal = aJournal({ clock, beatMillis: 1_000_000 })
    const report = await reportOf(journal.folder)
    expect(report.states).toEqual({ live: 1 })
    expect(report.problems).toMatchObject([{ code: 'BEAT_OVERDUE' }])
  })

  it('prints in one way at a time', async () => {
    const { status, stderr } = await runCommand(['status', emptyFolder(), '--json', '--prometheus'])
    expect(status).toBe(2)
    expect(stderr).toContain('INVALID_OPTION')
  })

  it('refuses what is no journal', async () => {
    for (const path of [join(emptyFolder(), 'none'), import.meta.filename]) {
      const { status, stderr } = await runCommand(['status', path])
      expect(status).toBe(2)
      expect(stderr).toMatch(/^spanseal: (NOT_FOUND|JOURNAL_UNUSABLE): /)
    }
  })
})
