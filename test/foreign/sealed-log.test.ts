// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Signer } from '@spanseal/core'
import {
  Ed25519PrivateKey,
  formatBundle,
  formatHeadLine,
  formatRevocation,
  formatVkey,
  parseNote,
  parseVkey,
  signNote,
} from '@spanseal/core'
import { proveJournalRecord, readJournal } from '@spanseal/journal'
import { readTenantLog, Sealer, TenantLog } from '@spanseal/transparency'
import { describe, expect, test } from 'vitest'
import { aJournal, emptyFolder, LOG, TestAgent } from '../../packages/cli/src/journal.fixture.ts'
import { splitNotes } from './framed-notes.ts'
import { codesOf, options, runGo } from './go-verifier.ts'

/** Tenant logs as our own code writes them, read by the verifier in Go. */

const vectors = new URL('../../vectors/', import.meta.url).pathname
const { log, pinned, seeds } = JSON.parse(readFileSync(join(vectors, 'journal.json'), 'utf8')) as {
  log: string
  pinned: [string]
  seeds: Record<string, string>
}

function tenant(): Signer {
  const key = Ed25519PrivateKey.fromSeed(Buffer.from(seeds[log] as string, 'hex'))
  return { vkey: pinned[0], sign: (message) => key.sign(message) }
}

test('a log that grew over tiles of three levels, and all its earlier heads', async () => {
  const folder = join(emptyFolder(), 'log')
  const sealed = await TenantLog.open({ folder, signer: tenant() })
  const heads: string[] = []
  for (const count of [1, 2, 252, 1, 1, 64_000, 1_300]) {
    const entries = Array.from({ length: count }, (_, i) => Buffer.from(`${sealed.size + i}`))
    await sealed.append(entries)
    heads.push(formatHeadLine(sealed.head!))
  }
  await sealed.close()
  const args = ['--key', pinned[0], '--entries', 'any', ...options('head', heads)]
  const verdict = await runGo('log', folder, ...args)
  expect(verdict).toMatchObject({ faults: null, counts: { entries: 65_557 } })
})

describe('a log over the golden journal', () => {
  const epochs = ['01a1fd55-7a80-7050-854a-e09e46db1e1e', '01a1fd5a-0e60-7130-92d2-96d32e1bdaa5']

  async function sealedJournal(): Promise<string> {
    const folder = join(emptyFolder(), 'log')
    const sealed = await TenantLog.open({ folder, signer: tenant() })
    for (const epoch of epochs) {
      const path = join(vectors, 'journal', epoch)
      const [open = ''] = readFileSync(join(path, '000000000000.jsonl'), 'utf8').split('\n')
      const { detail } = JSON.parse(open) as { detail: { key: { certs: [string] } } }
      const notes = splitNotes(readFileSync(join(path, 'checkpoints'), 'utf8'))
      const texts = notes.map((note) => parseNote(note).text)
      await sealed.append([detail.key.certs[0], ...texts].map((text) => Buffer.from(text)))
    }
    await sealed.close()
    return folder
  }

  test('holds the journal to every root that it names', async () => {
    const folder = await sealedJournal()
    const args = ['--key', pinned[0], '--journal', join(vectors, 'journal')]
    const verdict = await runGo('log', folder, ...args)
    expect(verdict).toMatchObject({ faults: null, counts: { entries: 7, epochs: 2 } })
  })

  test.each([
    ['removed-newest-epoch', 'missing'],
    ['removed-epoch', 'missing'],
    ['cut-closed-epoch-and-checkpoints', 'truncated'],
    ['edited-and-linked', 'forged'],
  ])('finds %s, whatever the journal itself says', async (name, code) => {
    const folder = await sealedJournal()
    const journal = join(emptyFolder(), 'journal')
    cpSync(join(vectors, 'journal'), journal, { recursive: true })
    cpSync(join(vectors, 'tampered', name), journal, { recursive: true })
    const file = readFileSync(join(journal, 'case.json'), 'utf8')
    const { removed } = JSON.parse(file) as { removed: readonly string[] }
    for (const epoch of new Set(removed.map((path) => path.split('/')[0] as string))) {
      if (removed.length > 1) rmSync(join(journal, epoch), { recursive: true })
    }
    const verdict = await runGo('log', folder, '--key', pinned[0], '--journal', journal)
    const byTheLog = (verdict.faults ?? []).filter(({ message }) => message.includes('tenant log'))
    expect(byTheLog.map((finding) => finding.code)).toContain(code)
    expect(codesOf(verdict)).toContain(code)
  })
})

test('what the library wrote, sealed and proved: journal, tenant log, bundle', async () => {
  const key = Ed25519PrivateKey.fromSeed(Buffer.alloc(32, 42))
  const signer: Signer = {
    vkey: formatVkey(LOG, key.publicKey),
    sign: (message) => key.sign(message),
  }
  const first = aJournal()
  for (let i = 0; i < 5; i++) new TestAgent(first).task()
  const early = first.writer.epoch as string
  first.writer.close()
  const folder = join(emptyFolder(), 'log')
  const log = await TenantLog.open({ folder, signer })
  const sealer = await Sealer.open(log, { issuers: [parseVkey(first.vkey)] })
  const before = await sealer.sealJournal(readJournal(first.folder))
  expect(before).toMatchObject({ added: [{ epoch: early, size: 22 }], refused: [] })
  const second = aJournal({ journal: first.folder })
  for (let i = 0; i < 5; i++) new TestAgent(second).task()
  const late = second.writer.epoch as string
  second.writer.close()
  await sealer.sealJournal(readJournal(first.folder))
  const head = formatHeadLine(log.head!)

  const keys = ['--key', signer.vkey, '--key', first.vkey, '--head', head]
  const whole = await runGo('log', folder, ...keys, '--journal', first.folder)
  expect(whole).toMatchObject({ faults: null, counts: { entries: 4, epochs: 2 } })
  const proof = { epoch: early, seq: 7, log: readTenantLog(folder) }
  const bundle = join(emptyFolder(), 'bundle.json')
  writeFileSync(bundle, formatBundle(await proveJournalRecord(first.folder, proof)))
  expect(await runGo('bundle', bundle, ...keys)).toMatchObject({ ok: true, notices: null })

  // From the size on that the revocation names, the issuer vouches for nothing more.
  const revoked = { log: LOG, vkey: first.vkey, tenantLogSize: 1 }
  await sealer.revoke([await signNote(formatRevocation(revoked), signer)])
  await log.close()
  const after = await runGo('log', folder, ...keys, '--journal', first.folder)
  expect(after.faults).toMatchObject([{ code: 'unsigned', at: `${late}/0` }])
})
