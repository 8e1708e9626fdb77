// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseVkey, verify } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import { readTenantLog } from '@spanseal/transparency'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CommandOutcome } from '../../packages/cli/src/command.fixture.ts'
import { outcomeOf, runProcess, startCommand } from '../../packages/cli/src/command.fixture.ts'
import { aJournal, emptyFolder, LOG, TestAgent } from '../../packages/cli/src/journal.fixture.ts'
import type { KafkaCluster } from '../services/kafka.ts'
import { startKafka } from '../services/kafka.ts'

let cluster: KafkaCluster
beforeAll(async () => {
  cluster = await startKafka()
})
afterAll(() => cluster?.stop())

/** Runs the command, which must end with 0, and gives what it printed. */
async function spanseal(...args: readonly string[]): Promise<string> {
  const { status, stderr, stdout } = await runProcess(args)
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`)
  return stdout.trim()
}

test('what was shipped is sealed out of the topics, again and while it comes, and verifies', async () => {
  const home = emptyFolder()
  const [journal, key, logDir] = ['audit', 'tenant.pem', 'log'].map((name) => join(home, name)) as [
    string,
    string,
    string,
  ]
  const kafka = ['--brokers', cluster.bootstrap.join(','), '--prefix', 'seal.']
  const vkey = await spanseal('keys', 'new', '--tenant', '--log', LOG, '--out', key)
  await spanseal('keys', 'new', '--issuer', '--log', LOG, '--journal', journal)
  await spanseal('keys', 'certify', '--log', LOG, '--journal', journal, '--tenant-key', key)
  await spanseal('topics', 'create', ...kafka)
  const ship = async (): Promise<void> => {
    const at = aJournal({ journal, epochRecordsMax: 9 })
    for (let i = 0; i < 5; i++) new TestAgent(at).task()
    at.writer.close()
    await spanseal('ship', journal, ...kafka)
  }
  const args = ['seal', ...kafka, '--log-dir', logDir, '--tenant-key', key, '--json']
  const sealed = (text: string): { added: unknown[]; refused: unknown[]; size: number } =>
    JSON.parse(text) as { added: unknown[]; refused: unknown[]; size: number }

  await ship()
  const first = sealed(await spanseal(...args))
  expect(first).toMatchObject({ refused: [], size: first.added.length * 2 })
  expect(first.added.length).toBeGreaterThan(1)
  expect(sealed(await spanseal(...args))).toMatchObject({ added: [], refused: [] })

  const watcher = startCommand([...args, '--watch', '--every', '1'])
  const ended: Promise<CommandOutcome> = outcomeOf(watcher)
  const news = new Promise((resolve) => watcher.stdout.once('data', resolve))
  await ship()
  await news
  watcher.kill('SIGTERM')
  expect(await ended).toMatchObject({ status: 0, stderr: '' })
  await spanseal(...args)

  const head = readFileSync(join(logDir, 'checkpoint'), 'utf8')
  const verdict = await verify(readJournal(journal), {
    keys: [parseVkey(vkey)],
    heads: [head],
    tenantLog: readTenantLog(logDir),
  })
  expect(verdict).toMatchObject({ ok: true, level: 3, findings: [] })
})
