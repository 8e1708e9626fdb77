// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aJournalOf, FIELD } from './vault.fixture.ts'

const TEXT = 'kept, and to be found by its commitment'
/** Wraps by adding nothing: what a KMS does is its own affair, here only the way there is tried. */
const KMS = `
import { createInterface } from 'node:readline'
const lines = []
for await (const line of createInterface({ input: process.stdin })) lines.push(line)
const [bound, data] = lines.map((line) => Buffer.from(line, 'base64'))
const mark = Buffer.from(bound.toString('hex').slice(0, 20))
if (process.argv[2] === 'wrap') console.log(Buffer.concat([mark, data]).toString('base64'))
else if (data.subarray(0, 20).equals(mark)) console.log(data.subarray(20).toString('base64'))
else process.exit(1)
`

describe('vault', () => {
  test('gives a value by commitment or record, and counts', async () => {
    const { journal, said } = await aJournalOf([
      { value: TEXT, kept: true },
      { value: Buffer.from([255]), kept: true },
    ])
    const at = ['--journal', journal.folder]
    const [first, second] = said
    expect((await runCommand(['vault', 'get', first?.commitment.c ?? '', ...at])).stdout).toBe(TEXT)
    const byRecord = await runCommand([
      'vault',
      'get',
      first?.id ?? '',
      '--field',
      FIELD,
      '--json',
      ...at,
    ])
    expect(JSON.parse(byRecord.stdout)).toMatchObject({
      enc: 'text',
      record: first?.id,
      field: FIELD,
      value: Buffer.from(TEXT).toString('base64'),
    })
    const binary = ['vault', 'get', second?.commitment.c ?? '', ...at]
    expect((await runCommand(binary)).stderr).toContain('--out')
    const out = join(journal.folder, '../out')
    expect((await runCommand([...binary, '--out', out])).status).toBe(0)
    expect(readFileSync(out)).toEqual(Buffer.from([255]))
    expect((await runCommand([...binary, '--out', out])).stderr).toContain('exists already')
    expect((await runCommand(['vault', 'get', 'c0'.repeat(32), ...at])).status).toBe(2)
    const stat = await runCommand(['vault', 'stat', '--json', ...at])
    expect(JSON.parse(stat.stdout)).toMatchObject({ files: 2, readable: 2, erased: 0 })
  })

  test('compact removes what was forgotten', async () => {
    const { journal } = await aJournalOf([
      { value: TEXT, subjects: ['alice'], kept: true },
      { value: TEXT, kept: true },
    ])
    const at = ['--journal', journal.folder]
    await runCommand(['forget', 'alice', ...at])
    expect((await runCommand(['vault', 'compact', ...at])).stdout).toContain('1 values removed')
    const stat = await runCommand(['vault', 'stat', '--json', ...at])
    expect(JSON.parse(stat.stdout)).toMatchObject({ files: 1, readable: 1, keys: { gone: 1 } })
  })

  test('of several rewraps at once one works, and every value stays readable', async () => {
    const { journal, said } = await aJournalOf([{ value: TEXT, kept: true }])
    const at = ['--journal', journal.folder]
    const rewrap = () => runCommand(['vault', 'rewrap', ...at])
    const all = await Promise.all([rewrap(), rewrap(), rewrap()])
    expect(all.filter(({ status }) => status === 0)).toHaveLength(1)
    const refused = all.filter(({ stderr }) => stderr.includes('one does at a time'))
    expect(refused.map(({ status }) => status)).toEqual([2, 2])
    expect((await rewrap()).status).toBe(0)
    const got = await runCommand(['vault', 'get', said[0]?.commitment.c ?? '', ...at])
    expect(got.stdout).toBe(TEXT)
  })

  test('rewrap changes the master key, to a command too', async () => {
    const { journal, said } = await aJournalOf([{ value: TEXT, kept: true }])
    const at = ['--journal', journal.folder]
    const get = ['vault', 'get', said[0]?.commitment.c ?? '', ...at]
    expect((await runCommand(['vault', 'rewrap', ...at])).stdout).toContain(
      '1 data keys wrapped anew, 1 old master keys destroyed',
    )
    expect((await runCommand(get)).stdout).toBe(TEXT)
    const kms = join(journal.folder, '../kms.mjs')
    writeFileSync(kms, KMS)
    const command = ['--master-command', `${process.execPath} ${kms}`]
    expect((await runCommand(['vault', 'rewrap', ...command, ...at])).status).toBe(0)
    expect((await runCommand([...get, ...command])).stdout).toBe(TEXT)
    expect((await runCommand(get)).status).toBe(2)
    expect((await runCommand([...get, '--master-command', '/nowhere/kms'])).stderr).toContain(
      'VAULT_UNUSABLE',
    )
  })
})
