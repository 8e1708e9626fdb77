// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { brokersOff, runCommand } from '../command.fixture.ts'
import { aJournal, deliverAll, emptyFolder, TestAgent } from '../journal.fixture.ts'

describe('spanseal ship', () => {
  it('gives up on brokers that are not there, says what is undelivered and keeps it', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    const args = ['ship', journal.folder, '--brokers', await brokersOff(), '--give-up-after', '1']
    const { status, stdout, stderr } = await runCommand(args)
    expect(status).toBe(1)
    expect(stdout).toMatch(/^Delivered 0 records and 0 checkpoints in /)
    expect(stdout).toContain('Undelivered: 5 records; they stay in the journal')
    expect(stderr).toMatch(/^spanseal: DELIVERY_[A-Z]+: /)
    const again = await runCommand([...args, '--json'])
    expect(again.status).toBe(1)
    expect(JSON.parse(again.stdout)).toMatchObject({
      delivered: { records: 0, checkpoints: 0 },
      undelivered: 5,
      failure: { code: expect.stringMatching(/^DELIVERY_/) as string },
    })
  }, 60_000)

  it('says what it cannot deliver because the journal is damaged before it', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    await deliverAll(journal.folder, 'kafka')
    for (let n = 0; n < 3; n++) new TestAgent(journal).task()
    journal.writer.close()
    const epoch = readdirSync(journal.folder).find((name) => /^[0-9a-f-]{36}$/.test(name)) ?? ''
    const path = join(journal.folder, epoch, '000000000001.jsonl')
    const lines = readFileSync(path, 'utf8').split('\n')
    // The first line that is to be delivered does not link any more.
    lines[4] = lines[4]?.replace('"prev":"', '"prev":"0') ?? ''
    writeFileSync(path, lines.join('\n'))
    const args = ['ship', journal.folder, '--brokers', await brokersOff(), '--json']
    const { status, stdout } = await runCommand(args)
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      delivered: { records: 0 },
      undelivered: 13,
      stuck: [{ epoch, seq: 5, file: path }],
    })
  }, 60_000)

  it('refuses what it cannot use before it connects', async () => {
    const journal = aJournal()
    const { folder } = journal
    const brokers = ['--brokers', 'localhost:9092']
    const empty = join(emptyFolder(), 'none')
    const cases: readonly (readonly [readonly string[], string])[] = [
      [[folder], 'INVALID_OPTION'],
      [[folder, '--brokers', 'nonsense'], 'INVALID_OPTION'],
      [[folder, ...brokers, '--name', 'Not A Name'], 'INVALID_OPTION'],
      [[folder, ...brokers, '--prefix', 'a b'], 'INVALID_OPTION'],
      [[folder, ...brokers, '--sasl', 'magic'], 'INVALID_OPTION'],
      [[folder, ...brokers, '--sasl', 'plain'], 'INVALID_OPTION'],
      [[folder, ...brokers, '--ssl-cert', 'x.pem'], 'INVALID_OPTION'],
      [[folder, ...brokers, '--ssl-ca', empty], 'NOT_FOUND'],
      [[empty, ...brokers], 'NOT_FOUND'],
    ]
    await Promise.all(
      cases.map(async ([args, code]) => {
        const { status, stdout, stderr } = await runCommand(['ship', ...args])
        expect({ args, status, stdout }).toEqual({ args, status: 2, stdout: '' })
        expect(stderr).toMatch(new RegExp(`^spanseal: ${code}: [^\n]+\n$`))
      }),
    )
  }, 60_000)

  it('takes no password from the command line and prints none', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    const file = join(emptyFolder(), 'password')
    writeFileSync(file, 'hunter2-is-secret\n')
    const args = ['--brokers', await brokersOff(), '--give-up-after', '1', '--sasl', 'plain']
    const { stdout, stderr, status } = await runCommand([
      'ship',
      journal.folder,
      ...args,
      '--sasl-username',
      'me',
      '--sasl-password-file',
      file,
    ])
    expect(status).toBe(1)
    expect(stdout + stderr).not.toContain('hunter2')
  }, 60_000)
})
