// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aJournal, emptyFolder, LOG } from '../journal.fixture.ts'

async function aTenant() {
  const home = emptyFolder()
  const journal = aJournal({ journal: join(home, 'audit') })
  journal.writer.close()
  const key = join(home, 'tenant.pem')
  await runCommand(['keys', 'new', '--tenant', '--log', LOG, '--out', key])
  const seal = (paths: readonly string[], logDir: string, ...more: readonly string[]) =>
    runCommand(['seal', ...paths, '--log-dir', logDir, '--tenant-key', key, ...more])
  return { home, journal: journal.folder, key, seal, issuer: journal.vkey }
}

describe('spanseal seal, before it makes anything', () => {
  it('refuses a folder for the log that would serve records or keys with it', async () => {
    const { home, journal, seal } = await aTenant()
    writeFileSync(join(home, 'file'), '')
    symlinkSync(journal, join(home, 'link'))
    mkdirSync(join(home, 'elsewhere'))
    const before = readdirSync(home, { recursive: true })
    const folders = [
      [journal, 'is a journal'],
      [join(journal, 'log'), 'lies in the journal'],
      [join(home, 'link/log'), 'lies in the journal'],
      [home, 'holds the journal'],
      [join(home, 'file'), 'is not a folder'],
      ['', 'is empty'],
    ] as const
    for (const [folder, why] of folders) {
      const { status, stderr, stdout } = await seal([journal], folder)
      expect([folder, status, stdout]).toEqual([folder, 2, ''])
      expect(stderr).toContain('--log-dir: ')
      expect(stderr).toContain(why)
    }
    const away = aJournal()
    away.writer.close()
    expect((await seal([away.folder], home)).stderr).toContain('holds the tenant key')
    expect(readdirSync(home, { recursive: true })).toEqual(before)
  })

  it('leaves no log behind where a journal is missing or options do not fit', async () => {
    const { home, journal, seal } = await aTenant()
    const log = join(home, 'log')
    expect((await seal([join(home, 'typo')], log)).stderr).toContain('NOT_FOUND')
    expect((await seal([journal], log, '--threshold', '2')).stderr).toContain('--threshold: 2')
    expect((await seal([journal], log, '--brokers', '127.0.0.1:1')).stderr).toContain('not both')
    expect(readdirSync(home).filter((name) => name.startsWith('log'))).toEqual([])
  })

  it('says so where a folder holds no epoch', async () => {
    const { home, issuer, journal, seal } = await aTenant()
    mkdirSync(join(home, 'empty'))
    const log = join(home, 'log')
    const { status, stderr } = await seal([join(home, 'empty')], log)
    expect([status, stderr]).toEqual([0, expect.stringContaining('no epoch was found')])
    expect((await seal([journal], log, '--issuer-key', issuer)).stderr).toBe('')
  })
})
