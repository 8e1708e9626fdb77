// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { chmodSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import {
  cosignatureBlob,
  cosignedMessage,
  Ed25519PrivateKey,
  formatWitnessKey,
  parseCheckpoint,
  parseNote,
  parseVkey,
  parseWitnessKey,
  verify,
} from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import { readTenantLog } from '@spanseal/transparency'
import { expect, onTestFinished, test } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aJournal, LOG, TestAgent } from '../journal.fixture.ts'
import { aTenant } from './seal.fixture.ts'

/** A witness that cosigns everything. */
async function aWitness(): Promise<{ readonly option: string; readonly vkey: string }> {
  const key = Ed25519PrivateKey.generate()
  const vkey = formatWitnessKey('w.example', key.publicKey)
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const { text } = parseNote(body.slice(body.indexOf('\n\n') + 2))
      const time = Math.floor(Date.now() / 1000)
      const blob = cosignatureBlob(
        parseWitnessKey(vkey),
        time,
        key.sign(cosignedMessage(text, time)),
      )
      response.end(`— w.example ${blob.toString('base64')}\n`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { option: `${vkey}@http://127.0.0.1:${port}`, vkey }
}

test('a journal is sealed, cosigned, and verified at level 4 with the log and the witness’s key', async () => {
  const { epoch, journal, logDir, seal, vkey } = await aTenant()
  const witness = await aWitness()
  const first = await seal('--witness', witness.option)
  expect([first.status, first.stderr]).toEqual([0, ''])
  expect(first.stdout).toMatch(/Sealed 1 epoch \(\d records\); .* has 2 entries\.\nhead: example/)
  expect(first.stdout).toContain('cosigned by 1 of 1 witnesses')
  epoch()
  const { status, stdout } = await seal('--witness', witness.option, '--json')
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    log: LOG,
    size: 4,
    added: [{}],
    refused: [],
    witnessed: { k: 1, n: 1, refused: [] },
  })
  const verdict = await verify(readJournal(journal), {
    keys: [parseVkey(vkey)],
    tenantLog: readTenantLog(logDir),
    witnesses: { keys: [parseWitnessKey(witness.vkey)], threshold: 1 },
  })
  expect(verdict).toMatchObject({ ok: true, level: 4, findings: [] })
  expect((await seal()).stdout).toMatch(/^Nothing new to seal; /)
})

test('a command can hold the tenant key', async () => {
  const { home, journal, key, logDir, vkey } = await aTenant()
  const script = join(home, 'sign.mjs')
  writeFileSync(
    script,
    `import { createPrivateKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
const pem = readFileSync(${JSON.stringify(key)}, 'utf8')
const key = createPrivateKey(pem.slice(pem.indexOf('-----BEGIN')))
process.stdout.write(sign(null, readFileSync(0), key).toString('base64'))\n`,
  )
  const command = ['--tenant-command', `${process.execPath} ${script}`, '--tenant-vkey', vkey]
  const { status, stderr } = await runCommand(['seal', journal, '--log-dir', logDir, ...command])
  expect([status, stderr]).toEqual([0, ''])
  expect(
    parseCheckpoint(parseNote(readFileSync(join(logDir, 'checkpoint'), 'utf8')).text),
  ).toMatchObject({ origin: LOG, size: 2 })
})

test('a journal rolled back exits with 1, says so, and the log stays as it was', async () => {
  const { epoch, home, journal, logDir, seal } = await aTenant()
  const at = aJournal({ journal })
  new TestAgent(at).task()
  at.writer.close()
  await seal()
  const before = readFileSync(join(logDir, 'checkpoint'), 'utf8')
  const [name = ''] = at.writer.epochs
  const folder = join(journal, name)
  rmSync(join(folder, 'checkpoints'))
  writeFileSync(join(folder, 'checkpoints'), '')
  const { status, stdout } = await seal()
  expect(status).toBe(1)
  expect(stdout).toContain('ALARM refused (rolled-back)')
  expect(readFileSync(join(logDir, 'checkpoint'), 'utf8')).toBe(before)
  epoch()
  expect((await seal()).stdout).toContain('Sealed 1 epoch')
  expect(home).toBeTruthy()
})

test('a witness that cannot be reached exits with 1, unless it is not needed', async () => {
  const { seal } = await aTenant()
  const vkey = formatWitnessKey('w.example', Ed25519PrivateKey.generate().publicKey)
  const witness = ['--witness', `${vkey}@http://127.0.0.1:1`]
  const { status, stderr, stdout } = await seal(...witness)
  expect(status).toBe(1)
  expect(stdout).toContain('cosigned by 0 of 1 witnesses (1 asked for)')
  expect(stderr).toContain('WITNESS_REFUSED: witness w.example cannot be reached (unreachable)')
  expect((await seal(...witness, '--threshold', '0')).status).toBe(0)
})

test('what it cannot run with it says, and makes no log', async () => {
  const { home, journal, key, logDir } = await aTenant()
  const cases: [string[], string][] = [
    [['seal', journal, '--log-dir', logDir], 'INVALID_OPTION'],
    [['seal', '--log-dir', logDir, '--tenant-key', key], 'INVALID_OPTION'],
    [['seal', join(home, 'none'), '--log-dir', join(home, 'l2'), '--tenant-key', key], 'NOT_FOUND'],
    [
      ['seal', journal, '--log-dir', logDir, '--tenant-key', key, '--witness', 'x'],
      'INVALID_OPTION',
    ],
  ]
  for (const [args, code] of cases) {
    const { status, stderr } = await runCommand([...args, '--json'])
    expect([status, (JSON.parse(stderr) as { error: { code: string } }).error.code]).toEqual([
      2,
      code,
    ])
  }
  expect(existsSync(logDir)).toBe(false)
})

test('a copy of a log that lacks its newest entries is not gone on with', async () => {
  const { epoch, home, logDir, seal } = await aTenant()
  await seal()
  const old = join(home, 'old')
  cpSync(logDir, old, { recursive: true })
  epoch()
  await seal()
  rmSync(logDir, { recursive: true })
  cpSync(old, logDir, { recursive: true })
  chmodSync(logDir, 0o755)
  const { status, stderr } = await seal()
  expect([status, stderr.includes('was rolled back')]).toEqual([2, true])
})
