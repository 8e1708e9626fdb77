// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ed25519PrivateKey, formatVkey, formatWitnessKey } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aJournal, emptyFolder, LOG, TestAgent } from '../journal.fixture.ts'

interface Proof {
  readonly file: string
  readonly vkey: string
  readonly folder: string
}

async function aProof(): Promise<Proof> {
  const journal = aJournal({ durability: 'interval' })
  new TestAgent(journal).task()
  journal.writer.close()
  const [epoch = ''] = [...journal.writer.epochs]
  const folder = emptyFolder()
  const file = join(folder, 'proof.json')
  const args = [`${epoch}/2`, '--journal', journal.folder, '--out', file]
  expect(await runCommand(['prove', ...args])).toMatchObject({ status: 0 })
  return { file, vkey: journal.vkey, folder }
}

describe('spanseal check', () => {
  it('says without a key that anybody could have made it', async () => {
    const { file } = await aProof()
    const { status, stdout } = await runCommand(['check', file])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^HOLDS at level 1 of 5: the record is in its checkpoint\n/)
    expect(stdout).toContain('anybody can make a proof')
    expect(stdout).toContain('--key <vkey>')
  })

  it('does not hold under another key', async () => {
    const { file } = await aProof()
    const other = formatVkey(`${LOG}/issuer-0`, Ed25519PrivateKey.generate().publicKey)
    const { status, stdout } = await runCommand(['check', file, '--key', other])
    expect(status).toBe(1)
    expect(stdout).toMatch(/^DOES NOT HOLD: there are faults\n/)
    expect(stdout).toContain('FAULT unsigned (signature)')
  })

  it('checks several, and one that does not hold decides', async () => {
    const { file, vkey, folder } = await aProof()
    const edited = join(folder, 'edited.json')
    writeFileSync(edited, readFileSync(file, 'utf8').replace('refund', 'reFund'))
    const both = await runCommand(['check', file, edited, '--key', vkey])
    expect(both.status).toBe(1)
    expect(both.stdout).toContain('HOLDS at level 2 of 5')
    expect(both.stdout).toContain('FAULT edited (inclusion)')
    const { stdout } = await runCommand(['check', file, edited, '--key', vkey, '--json'])
    const parsed = JSON.parse(stdout) as { bundles: { file: string; level: number }[] }
    expect(parsed.bundles).toMatchObject([
      { file, level: 2, ok: true, findings: [] },
      { file: edited, level: 0, ok: false, findings: [{ code: 'edited' }] },
    ])
  })

  it('never holds for a file that is none, and prints nothing that steers a terminal', async () => {
    const { vkey, folder, file } = await aProof()
    const text = readFileSync(file, 'utf8')
    const files = {
      empty: '',
      'text.txt': 'hello\u001b[2J\u202e',
      'large.json': ' '.repeat(1_048_577),
      'bytes.bin': Buffer.from([0xff, 0xfe, 0x00]),
      'torn.json': text.slice(0, 500),
      'twice.json': text + text,
      'steers.json': text.replace('"type\\":\\"', '"type\\":\\"\\u001b[2J'),
    }
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(folder, name), content)
      const { status, stdout } = await runCommand(['check', join(folder, name), '--key', vkey])
      expect(status).toBe(1)
      expect(stdout).toMatch(/^DOES NOT HOLD/)
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
    }
  })

  it('says with a code what cannot be read or does not fit', async () => {
    const { file, folder } = await aProof()
    const witness = formatWitnessKey('w.example', Ed25519PrivateKey.generate().publicKey)
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    const cases: readonly (readonly [string, ...string[]])[] = [
      ['NOT_FOUND', join(folder, 'nothing')],
      ['INVALID_OPTION', folder],
      ['INVALID_OPTION', pipe],
      ['INVALID_OPTION', ''],
      ['INVALID_OPTION', file, '--witness', '2/3'],
      ['INVALID_OPTION', file, '--witness-key', witness],
      ['INVALID_OPTION', file, '--witness', '2/1', '--witness-key', witness],
      ['INVALID_OPTION', file, '--witness', '0/1', '--witness-key', witness],
      ['MALFORMED_KEY', file, '--witness', '1/1', '--witness-key', file],
      ['MALFORMED_KEY', file, '--key', file],
      ['MALFORMED_NOTE', file, '--revocation', file],
      ['MALFORMED_CERTIFICATE', file, '--tsa', file],
    ]
    for (const [code, ...args] of cases) {
      const ran = await runCommand(['check', ...args])
      expect({ args, ...ran }).toMatchObject({ status: 2, stdout: '' })
      expect(ran.stderr).toContain(`spanseal: ${code}: `)
    }
  })

  it('reads witness keys from a file', async () => {
    const { file, folder, vkey } = await aProof()
    const witness = formatWitnessKey('w.example', Ed25519PrivateKey.generate().publicKey)
    const keys = join(folder, 'witnesses')
    writeFileSync(keys, `# ours\n\n${witness}\n`)
    const args = [file, '--key', vkey, '--witness', '1/1', '--witness-key', keys]
    const { status, stdout } = await runCommand(['check', ...args])
    expect(status).toBe(1)
    expect(stdout).toContain('The bundle holds no head of a tenant log')
  })
})
