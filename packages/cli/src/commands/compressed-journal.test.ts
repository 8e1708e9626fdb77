// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { journalSource, tendSpool } from '@spanseal/journal'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aJournal, emptyFolder, TestAgent, TRACE } from '../journal.fixture.ts'

/** A closed epoch of several segments, plain and compressed. */
async function bothForms(): Promise<{ plain: string; packed: string; epoch: string; key: string }> {
  const journal = aJournal({ segmentBytesMax: 9_000 })
  for (let i = 0; i < 8; i++) new TestAgent(journal).task()
  journal.writer.close()
  const [epoch = ''] = journal.writer.epochs
  const packed = join(emptyFolder(), 'audit')
  cpSync(journal.folder, packed, { recursive: true })
  const { compressed } = await tendSpool(packed, { sinks: [] })
  if (compressed.segments < 2) throw new Error('too little to compress')
  return { plain: journal.folder, packed, epoch, key: journal.vkey }
}

describe('a journal with compressed segments', () => {
  it('looks to every command as it did before', async () => {
    const { plain, packed, epoch, key } = await bothForms()
    const proof = join(emptyFolder(), 'proof.json')
    for (const args of [
      ['verify', '{}', '--key', key, '--json'],
      ['verify', '{}', '--key', key, '--threads', '2', '--json'],
      ['tail', '{}', '-n', '100', '--json'],
      ['timeline', TRACE, '--journal', '{}', '--json'],
      ['prove', `${epoch}/20`, '--journal', '{}', '--out', proof],
    ]) {
      const run = (folder: string): ReturnType<typeof runCommand> =>
        runCommand(args.map((arg) => arg.replace('{}', folder)))
      const before = await run(plain)
      const proved = existsSync(proof) ? readFileSync(proof, 'utf8') : ''
      rmSync(proof, { force: true })
      const after = await run(packed)
      const same = (text: string): string => text.replaceAll(packed, plain)
      expect(before.status).toBe(0)
      expect(after.status).toBe(0)
      expect(same(after.stdout)).toBe(before.stdout)
      expect(existsSync(proof) ? readFileSync(proof, 'utf8') : '').toBe(proved)
    }
  })

  it('is handed over as it was written', async () => {
    const { plain, packed, epoch } = await bothForms()
    const out = join(emptyFolder(), 'out')
    expect((await runCommand(['export', packed, '--out', out])).status).toBe(0)
    const names = readdirSync(join(plain, epoch)).filter((name) => name.endsWith('.jsonl'))
    const exported = join(out, 'journal', epoch)
    expect(readdirSync(exported).filter((name) => name !== 'checkpoints')).toEqual(names)
    for (const name of names) {
      expect(readFileSync(join(exported, name))).toEqual(readFileSync(join(plain, epoch, name)))
    }
  })

  it('is said to lack what was removed after delivery, and where that went', async () => {
    const { packed, key } = await bothForms()
    const source = journalSource(packed, { sinkName: 'kafka' })
    for (let i = 0; i < 9; i++) {
      const batch = await source.read({ recordCountMax: 500, bytesMax: 900_000 })
      if (batch !== undefined) await source.commit(batch)
    }
    const later = Date.now() + 1_000
    await tendSpool(packed, { sinks: ['kafka'], deleteAfterMillis: 0, now: () => later })
    const { status, stdout } = await runCommand(['verify', packed, '--key', key])
    expect(status).toBe(1)
    expect(stdout).toMatch(/delivered\s+to\s+kafka/)
    expect(stdout).not.toContain('HOLDS')
    rmSync(packed, { recursive: true })
  })
})
