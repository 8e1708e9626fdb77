// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { chmodSync, cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Verdict, VerifyOptions } from '@spanseal/core'
import { Ed25519PrivateKey, formatVkey, parseVkey, verify } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { Keyring } from '@spanseal/keys'
import { certificateRequest, certify, openKeyring, pemSigner, revoke } from '@spanseal/keys'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aJournal, emptyFolder, LOG, TestAgent } from '../journal.fixture.ts'

/** Runs `spanseal keys …` and gives its standard output. */
async function keys(...args: readonly string[]): Promise<string> {
  const { status, stderr, stdout } = await runCommand(['keys', ...args])
  if (status !== 0) throw new Error(stderr)
  return stdout.trim()
}

/** A tenant key, a keyring with an issuer that it certified, and a place for a journal. */
async function aTenant() {
  const home = emptyFolder()
  const file = join(home, 'tenant.pem')
  const journal = join(home, 'audit')
  const vkey = await keys('new', '--tenant', '--log', LOG, '--out', file)
  await keys('new', '--issuer', '--log', LOG, '--journal', journal)
  await keys('certify', '--log', LOG, '--journal', journal, '--tenant-key', file)
  return { home, file, journal, vkey, keyring: `${journal}.keys` }
}

/** One whole epoch with a task; returns its id. */
function anEpoch(journal: string): string {
  const at = aJournal({ journal })
  new TestAgent(at).task()
  const { epoch } = at.writer
  at.writer.close()
  if (epoch === undefined) throw new Error('the writer has no epoch')
  return epoch
}

function check(
  journal: string,
  vkeys: readonly string[],
  options: VerifyOptions = {},
): Promise<Verdict> {
  return verify(readJournal([journal]), { keys: vkeys.map(parseVkey), ...options })
}

/** Copies a keyring; `cpSync` gives its folder the mode of a new one. */
function copyKeyring(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true })
  cpSync(from, to, { recursive: true })
  chmodSync(to, 0o700)
}

const codes = ({ findings }: Verdict): string[] => findings.map(({ code }) => code)
const issuersOf = (journal: string) => openKeyring({ log: LOG, journal }).issuerVkeys()

describe('the tenant key', () => {
  it('vouches for every epoch that a certified issuer opened, before and after rotation', async () => {
    const { file, journal, vkey } = await aTenant()
    anEpoch(journal)
    const [first] = issuersOf(journal)
    await keys('rotate', '--journal', journal, '--tenant-key', file)
    anEpoch(journal)
    const [, second] = issuersOf(journal)
    const { status, stdout } = await runCommand(['verify', journal, '--key', vkey, '--json'])
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, level: 2, findings: [] })
    expect(codes(await check(journal, [first!.vkey]))).toEqual(['unsigned'])
    expect(codes(await check(journal, [second!.vkey]))).toEqual(['unsigned'])
    const both = await check(journal, [first!.vkey, second!.vkey])
    expect(both).toMatchObject({ ok: true, level: 2 })
  })

  it('can be on another machine: request, certify, install', async () => {
    const { file, home, journal, keyring, vkey } = await aTenant()
    anEpoch(journal)
    const before = issuersOf(journal)[0]!.vkey
    await keys('rotate', '--keys', keyring)
    const open = (): Keyring => openKeyring({ log: LOG, journal })
    expect(open().issuer.vkey).toBe(before)
    const [request, cert] = [join(home, 'request'), join(home, 'cert')]
    writeFileSync(request, `${await keys('request', '--keys', keyring)}\n`)
    await keys('certify', '--request', request, '--tenant-key', file, '--out', cert)
    const wrong = formatVkey(LOG, Ed25519PrivateKey.generate().publicKey)
    await expect(keys('install', cert, '--keys', keyring, '--tenant-vkey', wrong)).rejects.toThrow(
      /INVALID_OPTION/,
    )
    await keys('install', cert, '--keys', keyring, '--tenant-vkey', vkey)
    expect(open().issuer.vkey).not.toBe(before)
    anEpoch(journal)
    expect(await check(journal, [vkey])).toMatchObject({ ok: true, level: 2 })
  })

  it('is taken up, and rotation followed, by a writer at work with its next epoch', async () => {
    const { file, journal, vkey } = await aTenant()
    const at = aJournal({ journal, epochRecordsMax: 6 })
    const agent = new TestAgent(at)
    agent.task()
    await keys('rotate', '--journal', journal, '--tenant-key', file)
    agent.task()
    agent.task()
    at.writer.close()
    const [first, second] = issuersOf(journal)
    expect(await check(journal, [vkey])).toMatchObject({ ok: true, level: 2 })
    expect(await check(journal, [first!.vkey, second!.vkey])).toMatchObject({ ok: true, level: 2 })
    expect(codes(await check(journal, [first!.vkey]))).toContain('unsigned')
    expect(codes(await check(journal, [second!.vkey]))).toContain('unsigned')
  })

  it('when lost or stolen is followed by another; the old issuers are pinned for the old epochs', async () => {
    const { home, journal, vkey } = await aTenant()
    anEpoch(journal)
    const [old] = issuersOf(journal)
    const file = join(home, 'next.pem')
    const next = await keys('new', '--tenant', '--log', LOG, '--out', file)
    await keys('rotate', '--journal', journal, '--tenant-key', file)
    anEpoch(journal)
    expect(codes(await check(journal, [vkey]))).toEqual(['unsigned'])
    expect(codes(await check(journal, [next]))).toEqual(['unsigned'])
    expect(await check(journal, [next, old!.vkey])).toMatchObject({ ok: true, level: 2 })
    expect(await check(journal, [next, vkey])).toMatchObject({ ok: true, level: 2 })
  })

  it('when stolen certifies anybody: only what is outside tells', async () => {
    const { file, journal, vkey } = await aTenant()
    const thief = join(emptyFolder(), 'audit')
    await keys('new', '--issuer', '--log', LOG, '--journal', thief)
    await keys('certify', '--log', LOG, '--journal', thief, '--tenant-key', file)
    anEpoch(thief)
    anEpoch(journal)
    expect(await check(thief, [vkey])).toMatchObject({ ok: true, level: 2 })
    const heads = [{ origin: `${LOG}/${anEpoch(journal)}`, size: 1, root: '0'.repeat(64) }]
    expect((await check(thief, [vkey], { heads })).ok).toBe(false)
  })
})

describe('an issuer key', () => {
  it('that is revoked vouches for nothing outside the tenant log, and certifies no more', async () => {
    const { file, home, journal, vkey } = await aTenant()
    anEpoch(journal)
    const [stolen] = issuersOf(journal)
    const out = join(home, 'revocation')
    const revokeArgs = ['--vkey', stolen!.vkey, '--tenant-log-size', '0', '--tenant-key', file]
    await keys('revoke', ...revokeArgs, '--out', out, '--journal', journal)
    await keys('rotate', '--journal', journal, '--tenant-key', file)
    const good = anEpoch(journal)
    const revocations = [readFileSync(out, 'utf8')]
    const verdict = await check(journal, [vkey], { revocations })
    expect(codes(verdict)).toEqual(['unsigned'])
    expect(verdict.findings[0]?.epoch).not.toBe(good)
    expect(JSON.parse(await keys('show', '--journal', journal, '--json'))).toMatchObject({
      keys: [{ state: 'revoked' }, { state: 'in force', certified: true }],
    })
    expect(await keys('show', '--journal', journal, '--vkey')).not.toContain(stolen!.vkey)
  })

  it('that is stolen makes epochs that pass at level 2 until it is revoked', async () => {
    const { file, journal, vkey } = await aTenant()
    const thief = join(emptyFolder(), 'audit')
    copyKeyring(`${journal}.keys`, `${thief}.keys`)
    anEpoch(thief)
    expect(await check(thief, [vkey])).toMatchObject({ ok: true, level: 2 })
    const [stolen] = issuersOf(journal)
    const revocations = [await revoke(stolen!.vkey, 0, pemSigner(file))]
    expect(codes(await check(thief, [vkey], { revocations }))).toEqual(['unsigned'])
  })

  it('that is over leaves what it certified in its time, and says so of what it did not', async () => {
    const { file, journal, vkey } = await aTenant()
    anEpoch(journal)
    const years = Date.now() + 10 * 365 * 86_400_000
    expect(await check(journal, [vkey], { now: () => years })).toMatchObject({ ok: true, level: 2 })
    // The tenant's certificate ended before the issuer's key did.
    const keyring = openKeyring({ log: LOG, journal })
    const past = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString()
    const { vkey: issuer } = keyring.issuer
    const asked = { role: 'issuer', log: LOG, vkey: issuer } as const
    const over = { ...asked, notBefore: past(9), notAfter: past(8) }
    const now = (): number => Date.parse(over.notBefore)
    keyring.installCertificate(await certify(certificateRequest(over), pemSigner(file), { now }))
    anEpoch(journal)
    const verdict = await check(journal, [vkey])
    expect(codes(verdict)).toContain('expired')
  })

  it('that is lost is followed by a new one, and the old epochs hold', async () => {
    const { file, journal, keyring, vkey } = await aTenant()
    anEpoch(journal)
    rmSync(join(keyring, LOG.replace('/', '_'), 'issuer'), { recursive: true })
    anEpoch(journal)
    expect(codes(await check(journal, [vkey]))).toEqual(['unsigned'])
    await keys('certify', '--journal', journal, '--tenant-key', file)
    const last = anEpoch(journal)
    const verdict = await check(journal, [vkey])
    expect(codes(verdict)).toEqual(['unsigned'])
    expect(verdict.findings[0]?.epoch).not.toBe(last)
  })
})

describe('a keyring restored from an old back-up', () => {
  it('takes no slot twice, and makes no key of the same name', async () => {
    const { file, home, journal, keyring, vkey } = await aTenant()
    anEpoch(journal)
    copyKeyring(keyring, join(home, 'backup'))
    await keys('rotate', '--journal', journal, '--tenant-key', file)
    anEpoch(journal)
    const lost = issuersOf(journal)[1]!
    const cert = readFileSync(lost.certificateFile)
    copyKeyring(join(home, 'backup'), keyring)
    // A certificate that came back without its key.
    writeFileSync(lost.certificateFile, cert, { mode: 0o600 })
    await keys('rotate', '--journal', journal, '--tenant-key', file)
    anEpoch(journal)
    const issuers = issuersOf(journal)
    expect(issuers).toHaveLength(2)
    expect(issuers[1]?.certificateFile).not.toBe(lost.certificateFile)
    expect(issuers.map((issuer) => issuer.vkey)).not.toContain(lost.vkey)
    expect(await check(journal, [vkey])).toMatchObject({ ok: true, level: 2, findings: [] })
  })

  it('raises no false alarm by its older heads, and still finds a cut below them', async () => {
    const { home, journal, keyring, vkey } = await aTenant()
    const first = anEpoch(journal)
    const backup = join(home, 'backup')
    copyKeyring(keyring, backup)
    /** The journal as it was then, the first epoch cut back to its first checkpoint. */
    const cut = join(emptyFolder(), 'audit')
    cpSync(journal, cut, { recursive: true })
    truncateSync(join(cut, first, '000000000001.jsonl'), 0)
    const notes = readFileSync(join(cut, first, 'checkpoints'), 'utf8')
    const length = Number(notes.slice(0, notes.indexOf('\n')))
    truncateSync(join(cut, first, 'checkpoints'), notes.indexOf('\n') + 1 + length)

    anEpoch(journal)
    copyKeyring(backup, keyring)
    anEpoch(journal)
    expect(await check(journal, [vkey])).toMatchObject({ ok: true, findings: [] })

    /** The same cut, found by an opener that remembers nothing. */
    const forgetful = join(emptyFolder(), 'audit')
    cpSync(cut, forgetful, { recursive: true })
    copyKeyring(backup, `${forgetful}.keys`)
    rmSync(join(`${forgetful}.keys`, LOG.replace('/', '_'), 'heads'), { recursive: true })
    anEpoch(forgetful)
    expect(codes(await check(forgetful, [vkey]))).not.toContain('truncated')
    copyKeyring(backup, `${cut}.keys`)
    anEpoch(cut)
    expect(codes(await check(cut, [vkey]))).toEqual(['truncated'])
  })

  it('brings a revoked key back into use, which verifiers who know the revocation refuse', async () => {
    const { file, home, journal, keyring, vkey } = await aTenant()
    const backup = join(home, 'backup')
    copyKeyring(keyring, backup)
    const note = await revoke(issuersOf(journal)[0]!.vkey, 0, pemSigner(file))
    openKeyring({ log: LOG, journal }).installRevocation(note)
    copyKeyring(backup, keyring)
    anEpoch(journal)
    expect(codes(await check(journal, [vkey], { revocations: [note] }))).toEqual(['unsigned'])
    openKeyring({ log: LOG, journal }).installRevocation(note)
    const last = anEpoch(journal)
    expect(codes(await check(journal, [vkey]))).toEqual(['unsigned'])
    expect((await check(journal, [vkey])).findings[0]?.epoch).toBe(last)
  })
})
