// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { AuditError } from '../errors.ts'
import { sha256Hex } from '../hash.ts'
import { signNoteSync } from '../note.ts'
import { formatRevocation } from '../revocation.ts'
import { parseWitnessKey } from '../tlog/cosignature.ts'
import type { EpochBuilder, JournalBuilder } from './a-journal.fixture.ts'
import { aJournal, aKey, LOG, pinned, START_MILLIS } from './a-journal.fixture.ts'
import type { TenantLogBuilder, Witness } from './a-tenant-log.fixture.ts'
import { aRevocation, aTenantLog, aWitness } from './a-tenant-log.fixture.ts'
import type { FindingCode, Verdict } from './verdict.ts'
import type { VerifyOptions } from './verify.ts'
import { verify } from './verify.ts'

const TENANT = pinned(aJournal().tenant)
const now = (): number => START_MILLIS + 86_400_000

/** Two closed epochs, and the tenant log that names them. */
function aSealedJournal(): {
  journal: JournalBuilder
  epochs: readonly [EpochBuilder, EpochBuilder]
  log: TenantLogBuilder
} {
  const journal = aJournal()
  const first = journal.open().call().call().close()
  const second = journal
    .open({ observed: [first.observedAs('closed')] })
    .call()
    .close()
  return { journal, epochs: [first, second], log: aTenantLog(first, second) }
}

function check(
  journal: JournalBuilder,
  log: TenantLogBuilder,
  options: VerifyOptions = {},
): Promise<Verdict> {
  return verify(journal.bytes(), { keys: TENANT, now, tenantLog: log.bytes(), ...options })
}

function faults({ findings }: Verdict): FindingCode[] {
  return findings.filter(({ kind }) => kind === 'fault').map(({ code }) => code)
}

function witnesses(
  threshold: number,
  ...of: readonly Witness[]
): NonNullable<VerifyOptions['witnesses']> {
  return { threshold, keys: of.map(({ vkey }) => parseWitnessKey(vkey)) }
}

const w1 = aWitness('one.example', 31)
const w2 = aWitness('two.example', 32)
const w3 = aWitness('three.example', 33)

describe('completeness', () => {
  it('holds at level 3 up to a head of the tenant log that the caller kept', async () => {
    const { journal, log } = aSealedJournal()
    const verdict = await check(journal, log, { heads: [log.head()] })
    expect(verdict).toMatchObject({
      ok: true,
      level: 3,
      headMatched: true,
      tenantHead: log.head(),
      beyondHead: { epochs: 0, records: 0 },
      witnessed: { k: 0, n: 0, threshold: 0 },
      timestamped: false,
    })
    expect(verdict.heads.at(-1)).toEqual(log.head())
    expect(verdict.heads).toHaveLength(3)
  })

  it('says no more than level 2 where nobody kept a head', async () => {
    const { journal, log } = aSealedJournal()
    expect(await check(journal, log)).toMatchObject({ ok: true, level: 2, headMatched: false })
  })

  it('is not claimed up to a head of no entries', async () => {
    const { journal } = aSealedJournal()
    const log = aTenantLog().cosignedBy(w1)
    expect(await check(journal, log, { heads: [log.head()] })).toMatchObject({ ok: true, level: 2 })
    const verdict = await check(journal, log, { witnesses: witnesses(1, w1) })
    expect(verdict).toMatchObject({ ok: true, level: 2, headMatched: false })
  })

  it('counts what lies behind the head, and claims nothing of it', async () => {
    const { journal, log } = aSealedJournal()
    const verdict = await check(journal, log, { heads: [log.head(2)] })
    expect(verdict).toMatchObject({ ok: true, level: 3, beyondHead: { epochs: 1, records: 4 } })
  })

  it('misses an epoch that the tenant log names, be it the newest', async () => {
    const { epochs, journal, log } = aSealedJournal()
    journal.epochs.pop()
    const verdict = await check(journal, log, { heads: [log.head()] })
    expect(faults(verdict)).toEqual(['missing'])
    expect(verdict.findings[0]).toMatchObject({ check: 'completeness', epoch: epochs[1].id })
    expect(verdict).toMatchObject({ ok: false, selfConsistent: true, expected: 10 })
  })

  it('finds an epoch shorter than the tenant log names', async () => {
    const journal = aJournal()
    const epoch = journal.open().call().checkpoint()
    const log = aTenantLog(epoch.call().call())
    epoch.remove(5, 2)
    const verdict = await check(journal, log, { heads: [log.head()], live: true })
    expect(faults(verdict)).toEqual(['truncated'])
  })

  it('calls an epoch forked whose key signed other records than it names', async () => {
    const journal = aJournal()
    const epoch = journal.open().call().close()
    const log = aTenantLog().certificate(epoch).checkpoint(epoch, 3, sha256Hex('another history'))
    const verdict = await check(journal, log)
    expect(faults(verdict)).toEqual(['forked'])
  })

  it('calls an epoch forged of whose records nothing is signed as far as it names them', async () => {
    const journal = aJournal()
    const epoch = journal.open().call().call()
    const log = aTenantLog(epoch)
    epoch.edit(4, (line) => line.replace('250000000', '250000001'))
    const verdict = await check(journal, log, { live: true })
    expect(faults(verdict)).toEqual(['forged'])
    expect(verdict.findings).toContainEqual(expect.objectContaining({ check: 'completeness' }))
  })

  it('calls two entries of one size that differ a fork', async () => {
    const { epochs, journal, log } = aSealedJournal()
    log.checkpoint(epochs[1], 4, sha256Hex('another'))
    expect(faults(await check(journal, log))).toContain('forked')
  })

  it('holds another certificate than that of epoch.open for forged', async () => {
    const { epochs, journal, log } = aSealedJournal()
    const other = aTenantLog()
    log.entries[2] = log.entries[0] as Buffer
    for (const entry of log.entries) other.entries.push(entry)
    other.entries[2] = Buffer.from(
      signNoteSync(
        Buffer.from(log.entries[0] as Buffer)
          .toString()
          .split('\n\n')[0]
          ?.replaceAll(epochs[0].key.vkey, epochs[1].key.vkey)
          .concat('\n') as string,
        aKey(`${LOG}/issuer-zz`, 77),
      ),
    )
    expect(faults(await check(journal, other))).toEqual(['forged'])
  })

  it('is no fault of epochs that were given alone, and then not claimed', async () => {
    const { journal, log } = aSealedJournal()
    journal.epochs.shift()
    const verdict = await check(journal, log, { heads: [log.head()], partial: true })
    expect(verdict).toMatchObject({ ok: true, level: 2, counts: { missing: 2 } })
  })
})

describe('a tenant log that lies', () => {
  it('is cut or rolled back behind the head that was kept', async () => {
    const { journal, log } = aSealedJournal()
    const kept = log.head()
    log.entries.splice(2)
    journal.epochs.pop()
    expect(faults(await check(journal, log, { heads: [kept] }))).toEqual(['truncated'])
  })

  it('is written anew', async () => {
    const { epochs, journal, log } = aSealedJournal()
    const kept = log.head()
    const anew = aTenantLog(epochs[1], epochs[0])
    expect(faults(await check(journal, anew, { heads: [kept] }))).toEqual(['forked'])
  })

  it('is signed by another key', async () => {
    const { journal, log } = aSealedJournal()
    log.signer = aKey(LOG, 66)
    expect(faults(await check(journal, log))).toEqual(['forged'])
  })

  it('is that of another log', async () => {
    const { journal, log } = aSealedJournal()
    log.origin = 'example.com/other'
    log.signer = aKey(log.origin, 66)
    const verdict = await check(journal, log, { heads: [{ ...log.head(), origin: LOG }] })
    expect(faults(verdict)).toEqual(['missing', 'forged', 'forged'])
  })

  it('has an entry of no kind that there is', async () => {
    const { journal, log } = aSealedJournal()
    for (const entry of ['', 'x\n', `${LOG}/x\n1\n\n`, `spanseal/cert/1\nx\n\n— a AAAAAAA=\n`]) {
      log.add(entry)
    }
    log.entries.push(Buffer.of(0xff, 0xfe))
    expect(faults(await check(journal, log))).toEqual(['forged'])
  })

  it('has a revocation of another log', async () => {
    const { journal, log } = aSealedJournal()
    const other = aKey('example.com/other', 41)
    const vkey = aKey('example.com/other/issuer-b1', 42).vkey
    const text = formatRevocation({ log: 'example.com/other', vkey, tenantLogSize: 0 })
    log.add(signNoteSync(text, other))
    const options = { keys: [...TENANT, ...pinned(other)], heads: [log.head()] }
    expect(faults(await check(journal, log, options))).toEqual(['forged'])
  })

  it('has fewer entries than it says, or others', async () => {
    const { journal, log } = aSealedJournal()
    const bytes = log.bytes()
    const tenantLog = { ...bytes, entries: () => bytes.entries(3) }
    expect(faults(await check(journal, log, { tenantLog }))).toEqual(['truncated'])
    const entries = log.entries.toReversed()
    const other = {
      ...bytes,
      async *entries(): AsyncGenerator<Uint8Array> {
        yield* entries
      },
    }
    expect(faults(await check(journal, log, { tenantLog: other }))).toEqual(['forged'])
  })

  it('cannot be read', async () => {
    const { journal, log } = aSealedJournal()
    const fail = (): never => {
      throw new AuditError('MALFORMED_TILE', 'a bundle breaks off in entry 1')
    }
    const noEntries = { ...log.bytes(), entries: fail }
    expect(faults(await check(journal, log, { tenantLog: noEntries }))).toEqual(['unverifiable'])
    const noCheckpoint = { ...log.bytes(), checkpoint: fail }
    expect(faults(await check(journal, log, { tenantLog: noCheckpoint }))).toEqual(['unverifiable'])
    const garbage = { ...log.bytes(), checkpoint: async () => 'garbage' }
    expect(faults(await check(journal, log, { tenantLog: garbage }))).toEqual(['edited'])
  })
})

describe('witnesses', () => {
  it('make level 4, and stand for a head that was kept outside', async () => {
    const { journal, log } = aSealedJournal()
    log.cosignedBy(w1, w2)
    const verdict = await check(journal, log, { witnesses: witnesses(2, w1, w2, w3) })
    expect(verdict).toMatchObject({
      ok: true,
      level: 4,
      headMatched: true,
      witnessed: { k: 2, n: 3, threshold: 2 },
    })
  })

  it('are as fresh as the newest that are asked for', async () => {
    const { journal, log } = aSealedJournal()
    const at = [100, 300, 200].map((seconds) => START_MILLIS / 1000 + seconds)
    log.cosignatures = [w1, w2, w3].map((witness, i) => witness.cosign(log.text, at[i]))
    const verdict = await check(journal, log, { witnesses: witnesses(2, w1, w2, w3) })
    const fresh = new Date(START_MILLIS + 200_000).toISOString()
    expect(verdict.witnessed).toEqual({ k: 3, n: 3, threshold: 2, at: fresh })
  })

  it('are counted once a key, and only if their signature is right', async () => {
    const { journal, log } = aSealedJournal()
    const alias = { ...aWitness('alias.example', 31) }
    log.cosignedBy(w1, alias, w1)
    log.cosignatures.push(w2.cosign('another text\n'))
    const verdict = await check(journal, log, { witnesses: witnesses(2, w1, alias, w2) })
    expect(verdict).toMatchObject({ ok: false, witnessed: { k: 1, n: 2, threshold: 2 } })
    expect(verdict.findings.map(({ check: name, code }) => [name, code])).toEqual([
      ['witness', 'unsigned'],
    ])
  })

  it.each([
    ['more than there are', { threshold: 2, keys: [parseWitnessKey(w1.vkey)] }],
    ['none', { threshold: 0, keys: [parseWitnessKey(w1.vkey)] }],
    ['two names of one key', witnesses(2, w1, aWitness('alias.example', 31))],
  ])('cannot be asked for %s', async (_, asked) => {
    const { journal, log } = aSealedJournal()
    const code = check(journal, log, { witnesses: asked })
    await expect(code).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  it('and heads of a tenant log are refused without that log', async () => {
    const { journal, log } = aSealedJournal()
    const refused = { code: 'INVALID_OPTION' }
    const without = verify(journal.bytes(), { witnesses: witnesses(1, w1) })
    await expect(without).rejects.toMatchObject(refused)
    await expect(verify(journal.bytes(), { heads: [log.head()] })).rejects.toMatchObject(refused)
  })
})

describe('time-stamps', () => {
  const verifyTimestamp = async (
    token: Uint8Array,
    digest: string,
  ): Promise<{ readonly time: string }> => {
    const [time = '', of] = Buffer.from(token).toString().split(' ')
    if (of === digest) return { time }
    throw new AuditError('MALFORMED_TIMESTAMP', 'it is over another digest')
  }

  it('make level 5, the earliest one counting', async () => {
    const { journal, log } = aSealedJournal()
    log.cosignedBy(w1)
    for (const time of ['2026-11-22', '2026-11-21', '2026-11-23']) {
      log.timestamps.push(Buffer.from(`${time}T00:00:00.000Z ${sha256Hex(log.text)}`))
    }
    log.timestamps.push(Buffer.from('garbage'))
    const asked = { witnesses: witnesses(1, w1), verifyTimestamp }
    expect(await check(journal, log, asked)).toMatchObject({
      level: 5,
      timestamped: true,
      timestampedAt: '2026-11-21T00:00:00.000Z',
    })
    const alone = await check(journal, log, { heads: [log.head()], verifyTimestamp })
    expect(alone).toMatchObject({ level: 3, timestamped: true })
  })

  it('of which none holds are a fault, and none at all is none', async () => {
    const { journal, log } = aSealedJournal()
    log.cosignedBy(w1)
    const asked = { witnesses: witnesses(1, w1), verifyTimestamp }
    expect(await check(journal, log, asked)).toMatchObject({ level: 4, timestamped: false })
    log.timestamps.push(Buffer.from(`2026-11-22T00:00:00.000Z ${sha256Hex('another head')}`))
    const verdict = await check(journal, log, asked)
    expect(verdict.findings).toMatchObject([{ code: 'unsigned', check: 'timestamp' }])
  })
})

describe('a revoked issuer', () => {
  const issuer = aJournal().issuer.vkey

  it('vouches only for epochs that the tenant log held in time', async () => {
    const { journal, log } = aSealedJournal()
    const revocations = [aRevocation(issuer, 3)]
    expect(await check(journal, log, { revocations })).toMatchObject({ ok: true, signed: true })
    const verdict = await check(journal, log, { revocations: [aRevocation(issuer, 2)] })
    expect(faults(verdict)).toEqual(['unsigned'])
    expect(verdict.findings[0]?.message).toContain('revoked')
    expect(verdict.findings[0]?.epoch).toBe(journal.epochs[1]?.id)
  })

  it('vouches for nothing where no tenant log is given', async () => {
    const { journal } = aSealedJournal()
    const revocations = [aRevocation(issuer, 3)]
    const verdict = await verify(journal.bytes(), { keys: TENANT, now, revocations })
    expect(faults(verdict)).toEqual(['unsigned', 'unsigned'])
  })

  it('is revoked by the tenant log itself, the smallest size counting', async () => {
    const { journal, log } = aSealedJournal()
    log.revocation(issuer, 4).revocation(issuer, 0).revocation(issuer, 5)
    expect(faults(await check(journal, log))).toEqual(['unsigned', 'unsigned'])
  })

  it('is revoked also where it is pinned itself, by a pinned tenant key only', async () => {
    const { journal } = aSealedJournal()
    const { issuer: key, tenant } = journal
    const options = { now, revocations: [aRevocation(issuer, 0)] }
    const both = await verify(journal.bytes(), { ...options, keys: pinned(key, tenant) })
    expect(faults(both)).toEqual(['unsigned', 'unsigned'])
    const byNobody = verify(journal.bytes(), { ...options, keys: pinned(key) })
    await expect(byNobody).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    const malformed = verify(journal.bytes(), { revocations: ['x'] })
    await expect(malformed).rejects.toMatchObject({ code: 'MALFORMED_NOTE' })
  })

  it('cannot be revoked by a key that is not the tenant’s', async () => {
    const { journal, log } = aSealedJournal()
    log.revocation(issuer, 0, aKey(LOG, 66))
    expect(faults(await check(journal, log))).toEqual(['forged'])
  })
})

describe('an epoch.close that nothing signs', () => {
  it('is no end: the tail before it can be made anew without a key', async () => {
    const journal = aJournal()
    const epoch = journal.open().call().checkpoint().call().close()
    epoch.notes.pop()
    epoch.edit(4, (line) => line.replace('250000000', '250000001')).relink(4)
    const verdict = await verify(journal.bytes(), { keys: TENANT, now })
    expect(faults(verdict)).toEqual(['unclosed'])
    expect(verdict.ends).toMatchObject({ closed: 0, open: 1 })
    const live = await verify(journal.bytes(), { keys: TENANT, now, live: true })
    expect(live).toMatchObject({ ok: true, counts: { unclosed: 1 } })
  })

  it('is one where a head, or the signed beginning of a later epoch, covers it', async () => {
    const journal = aJournal()
    const epoch = journal.open().call().close()
    epoch.notes.pop()
    const head = { origin: `${LOG}/${epoch.id}`, size: 4, root: epoch.root() }
    const byHead = await verify(journal.bytes(), { keys: TENANT, now, heads: [head] })
    expect(byHead).toMatchObject({ ok: true, level: 3, ends: { closed: 1 } })
    journal.open({ observed: [epoch.observedAs('closed')] }).close()
    const byObserver = await verify(journal.bytes(), { keys: TENANT, now })
    expect(byObserver).toMatchObject({ ok: true, level: 2, ends: { closed: 2 } })
  })
})

describe('a source that cannot be read', () => {
  it('is a finding of its epoch, and the others are read', async () => {
    const { journal } = aSealedJournal()
    const [first, second] = journal.bytes()
    const unreadable = {
      ...first,
      segments(): never {
        throw new AuditError('JOURNAL_UNUSABLE', 'segment is not a regular file')
      },
    }
    const verdict = await verify([unreadable, second] as never, { keys: TENANT, now })
    expect(faults(verdict)).toEqual(['unverifiable'])
    expect(verdict).toMatchObject({ checked: 4 })
  })
})
