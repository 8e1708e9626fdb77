// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import type { AuditError } from '../errors.ts'
import { sha256Hex } from '../hash.ts'
import { formatVkey, parseNote, signNoteSync } from '../note.ts'
import { aKey, anEpoch, LOG, pinned } from '../verify/a-journal.fixture.ts'
import type { SealedJournal } from './a-bundle.fixture.ts'
import { aRevocation, aSealedJournal, aWitness, LogBuilder } from './a-bundle.fixture.ts'
import type { Bundle } from './bundle.ts'
import { formatBundle } from './bundle.ts'
import type { BundleVerdict } from './bundle-verdict.ts'
import type { CheckBundleOptions } from './check-bundle.ts'
import { checkBundle } from './check-bundle.ts'
import { proveRecordInLog } from './prove-in-log.ts'
import { proveRecord } from './prove-record.ts'

const NOW_MILLIS = 1_795_400_000_000
const stampedAt = '2026-11-22T00:00:00.000Z'

interface Case {
  readonly sealed: SealedJournal
  readonly bundle: Bundle
  readonly keys: CheckBundleOptions['keys']
}

/** A bundle of the end of the call that can be opened. */
async function aCase(sealed: SealedJournal = aSealedJournal({ before: 3 })): Promise<Case> {
  const bundle = await proveRecordInLog(sealed.epoch.bytes(), sealed.end, { log: sealed.log.tiles })
  return { sealed, bundle, keys: pinned(sealed.journal.tenant) }
}

function check(bundle: Bundle, options: CheckBundleOptions): Promise<BundleVerdict> {
  return checkBundle(formatBundle(bundle), { now: () => NOW_MILLIS, ...options })
}

/** The codes of the faults, as `check:code`. */
function faults({ findings }: BundleVerdict): string[] {
  return findings
    .filter(({ kind }) => kind === 'fault')
    .map(({ check: name, code }) => `${name}:${code}`)
}

describe('checkBundle, what holds', () => {
  it('is level 1 without keys, 2 with a pinned tenant, issuer or epoch key', async () => {
    const { sealed, bundle, keys } = await aCase()
    const { epoch, journal, end } = sealed
    const one = await check(bundle, { keys: [] })
    expect(one).toMatchObject({ ok: true, level: 1, included: true, signed: false, findings: [] })
    expect(one.record).toMatchObject({ log: LOG, epoch: epoch.id, seq: end, type: 'tool.end' })
    const { tenant: _, ...bare } = bundle
    for (const given of [keys, pinned(journal.issuer), pinned(epoch.key)]) {
      const two = await check(bare, { keys: given })
      expect(two).toMatchObject({ ok: true, level: 2, signed: true, findings: [] })
    }
    expect(await check(bundle, { keys })).toMatchObject({ level: 2, findings: [] })
    const unknown = await check(bundle, { keys: pinned(journal.issuer) })
    expect(unknown).toMatchObject({ level: 2, findings: [{ kind: 'notice', check: 'tenant' }] })
  })

  it('holds for every record that a checkpoint covers', async () => {
    const { epoch, journal } = aSealedJournal()
    for (let seq = 0; seq < epoch.size; seq++) {
      const bundle = await proveRecord(epoch.bytes(), seq)
      const { ok, level, record } = await check(bundle, { keys: pinned(journal.tenant) })
      expect({ ok, level, seq: record?.seq }).toEqual({ ok: true, level: 2, seq })
    }
  })

  it('is level 3 with the head that was given, of the tenant log or the epoch', async () => {
    const { sealed, bundle, keys } = await aCase()
    const { log, epoch } = sealed
    const note = await log.tiles.checkpoint()
    const own = epoch.notes.at(-1) as string
    for (const head of [note, { origin: LOG, size: log.size, root: log.root }, own]) {
      const verdict = await check(bundle, { keys, heads: [head] })
      expect(verdict).toMatchObject({ ok: true, level: 3, headMatched: true })
    }
    const other = { origin: LOG, size: log.size - 1, root: '00'.repeat(32) }
    const unmatched = await check(bundle, { keys, heads: [other] })
    expect(unmatched).toMatchObject({ ok: true, level: 2, headMatched: false })
    expect(unmatched.findings).toMatchObject([{ kind: 'notice', code: 'unverifiable' }])
  })

  it('is level 4 with k of n witnesses, level 5 with a time-stamp as well', async () => {
    const sealed = aSealedJournal()
    const witnesses = [1, 2, 3].map(aWitness)
    sealed.log.cosign(witnesses[0] as never).cosign(witnesses[2] as never)
    sealed.log.timestamps.push(Buffer.from('forged'), Buffer.from('genuine'))
    const { bundle, keys } = await aCase(sealed)
    const asked = { keys: witnesses.map(({ known }) => known), threshold: 2 }
    expect(await check(bundle, { keys, witnesses: asked })).toMatchObject({
      ok: true,
      level: 4,
      witnessed: { k: 2, n: 3 },
      findings: [],
    })
    const verifyTimestamp: CheckBundleOptions['verifyTimestamp'] = async (token, digest) => {
      expect(digest).toBe(sha256Hex(sealed.log.text))
      if (Buffer.from(token).toString() !== 'genuine') throw new TypeError('no ASN.1')
      return { time: stampedAt }
    }
    const stamped = await check(bundle, { keys, witnesses: asked, verifyTimestamp })
    expect(stamped).toMatchObject({ ok: true, level: 5, timestamped: stampedAt, findings: [] })
    // Without witnesses the time is told, and the level stays.
    const alone = await check(bundle, { keys, verifyTimestamp })
    expect(alone).toMatchObject({ ok: true, level: 2, timestamped: stampedAt })
  })

  it('opens commitments of starts and ends at their places', async () => {
    const { sealed, bundle, keys } = await aCase()
    const { openings, start, epoch } = sealed
    const end = await check({ ...bundle, openings }, { keys })
    expect(end).toMatchObject({ ok: true, level: 2, checks: { opening: 'held' } })
    expect(end.openings).toMatchObject([
      { field: '/invocation/input', holds: true },
      { field: '/invocation/output', holds: true, bytes: 8, partial: false },
    ])
    const first = { ...(await proveRecord(epoch.bytes(), start)), openings: openings.slice(0, 1) }
    expect(await check(first, { keys })).toMatchObject({ ok: true, level: 2 })
  })

  it('says that a certificate had expired, and by which time', async () => {
    const epoch = anEpoch({ certificate: { notAfter: '2026-11-20T18:39:59.999Z' } })
    const verdict = await check(await proveRecord(epoch.bytes(), 1), { keys: pinned(aKey(LOG, 1)) })
    expect(verdict).toMatchObject({ ok: true, level: 2, findings: [{ code: 'expired' }] })
  })

  it('says so where a clock is wrong', async () => {
    const { bundle, keys } = await aCase()
    const early = await check(bundle, { keys, now: () => 0 })
    expect(early).toMatchObject({ ok: true, findings: [{ kind: 'notice', code: 'clock' }] })
    const timestamps = [Buffer.from('x').toString('base64')]
    const stamped = {
      ...bundle,
      tenant: { ...(bundle.tenant as NonNullable<Bundle['tenant']>), timestamps },
    }
    const verifyTimestamp = async (): Promise<{ time: string }> => ({
      time: '2020-01-01T00:00:00Z',
    })
    const late = await check(stamped, { keys, verifyTimestamp })
    expect(late.findings).toMatchObject([{ check: 'timestamp', code: 'clock' }])
  })
})

describe('checkBundle, what does not hold', () => {
  it('is anything that is no bundle', async () => {
    for (const text of ['', '{}\n', 'hello', Buffer.from([0xff]), '\n'.repeat(2_000_000)]) {
      const verdict = await checkBundle(text, { keys: [] })
      expect(verdict).toMatchObject({ ok: false, level: 0, included: false })
      expect(faults(verdict)).toEqual(['bundle:malformed'])
    }
  })

  it('is a record, path or checkpoint that was changed', async () => {
    const { bundle, keys } = await aCase()
    const other = '00'.repeat(32)
    const cases: readonly (readonly [Partial<Bundle>, string])[] = [
      [{ record: bundle.record.replace('"success"', '"timeout"') }, 'inclusion:edited'],
      [{ record: bundle.record.replace('"seq":4', '"seq":3') }, 'inclusion:edited'],
      [{ record: bundle.record.replace(/"seq":\d+/, '"seq":999') }, 'inclusion:edited'],
      [{ record: bundle.record.slice(1) }, 'record:edited'],
      [{ record: `${bundle.record}\n` }, 'record:edited'],
      [{ record: bundle.record.replace('{', '{ ') }, 'record:edited'],
      [{ record: '' }, 'record:edited'],
      [{ record: bundle.record.replace('"v":1}', '"v":2}') }, 'record:unverifiable'],
      [{ record: bundle.record.replace('"tool.end"', '"tool.what"') }, 'record:schema'],
      [{ path: [other, ...bundle.path.slice(1)] }, 'inclusion:edited'],
      [{ path: bundle.path.slice(1) }, 'inclusion:edited'],
      [{ path: [...bundle.path, other] }, 'inclusion:edited'],
      [{ path: [] }, 'inclusion:edited'],
      [{ checkpoint: 'hello' }, 'inclusion:edited'],
      [{ checkpoint: bundle.checkpoint.replace(/\n15\n/, '\n16\n') }, 'signature:forged'],
      [{ checkpoint: bundle.tenant?.checkpoint ?? '' }, 'inclusion:forged'],
    ]
    for (const [change, code] of cases) {
      const verdict = await check({ ...bundle, ...change }, { keys })
      expect({ change, faults: faults(verdict) }).toEqual({
        change,
        faults: expect.arrayContaining([code]) as unknown,
      })
      expect(verdict).toMatchObject({ ok: false, level: 0, signed: false })
    }
  })

  it('is a checkpoint by another key, and certificates that do not fit', async () => {
    const { bundle, keys, sealed } = await aCase()
    const { text } = parseNote(bundle.checkpoint)
    const stranger = aKey(`${LOG}/${sealed.epoch.id}`, 99)
    const rogue = anEpoch({ seed: 98, issuer: aKey(`${LOG}/issuer-a1`, 97) })
    const rogueProof = await proveRecord(rogue.bytes(), 2)
    const cases: readonly (readonly [Bundle, string])[] = [
      [{ ...bundle, checkpoint: signNoteSync(text, stranger) }, 'signature:forged'],
      [
        { ...bundle, certs: [bundle.certs[1] as string, bundle.certs[0] as string] },
        'signature:forged',
      ],
      [{ ...bundle, certs: ['hello'] }, 'signature:forged'],
      [{ ...bundle, certs: rogueProof.certs }, 'signature:forged'],
      [{ ...rogueProof, certs: [rogueProof.certs[0] as string] }, 'signature:unsigned'],
    ]
    for (const [changed, code] of cases) {
      const verdict = await check(changed, { keys })
      expect(faults(verdict)).toContain(code)
      expect(verdict).toMatchObject({ ok: false, level: 0, signed: false })
    }
    const unknown = await check(bundle, { keys: pinned(aKey('example.com/other', 1)) })
    expect(faults(unknown)).toEqual(['signature:unsigned'])
    const { tenant: _, ...bare } = bundle
    const without = { ...bare, certs: [] }
    expect(faults(await check(without, { keys }))).toEqual(['signature:unsigned'])
    expect(await check(without, { keys: pinned(sealed.epoch.key) })).toMatchObject({ level: 2 })
    expect(await check(without, { keys: [] })).toMatchObject({ ok: true, level: 1 })
  })

  it('is a tenant log that says something else', async () => {
    const { bundle, keys, sealed } = await aCase()
    const tenant = bundle.tenant as NonNullable<Bundle['tenant']>
    const forger = new LogBuilder(aKey(LOG, 66)).add('a', 'b', 'c', 'd', 'e', 'f')
    const cases: readonly (readonly [Partial<typeof tenant>, string])[] = [
      [{ entry: tenant.entry - 1 }, 'tenant:edited'],
      [{ entry: 2 ** 53 - 1 }, 'tenant:edited'],
      [{ path: [] }, 'tenant:edited'],
      [{ certificate: { ...tenant.certificate, entry: 0 } }, 'tenant:edited'],
      [{ checkpoint: 'hello' }, 'tenant:edited'],
      [{ checkpoint: bundle.checkpoint }, 'tenant:forged'],
      [{ checkpoint: await forger.tiles.checkpoint() }, 'tenant:forged'],
    ]
    for (const [change, code] of cases) {
      const verdict = await check({ ...bundle, tenant: { ...tenant, ...change } }, { keys })
      expect(faults(verdict)).toContain(code)
      expect(verdict).toMatchObject({ ok: false, level: 0 })
    }
    const late = new LogBuilder(sealed.journal.tenant)
    const { text } = parseNote(bundle.checkpoint)
    late.add(text, bundle.certs[0] as string)
    const swapped = await proveRecordInLog(sealed.epoch.bytes(), sealed.end, { log: late.tiles })
    expect(faults(await check(swapped, { keys }))).toEqual(['tenant:forged'])
  })

  it('is a head of the same size with another root', async () => {
    const { bundle, keys, sealed } = await aCase()
    const fork = { origin: LOG, size: sealed.log.size, root: '11'.repeat(32) }
    const verdict = await check(bundle, { keys, heads: [fork] })
    expect(faults(verdict)).toEqual(['head:forked'])
    expect(verdict).toMatchObject({ ok: false, level: 0, headMatched: false })
  })

  it('is what fewer witnesses cosigned than were asked for', async () => {
    const sealed = aSealedJournal()
    const [one, two] = [aWitness(1), aWitness(2)]
    sealed.log.cosign(one)
    const { bundle, keys } = await aCase(sealed)
    const witnesses = { keys: [one.known, two.known], threshold: 2 }
    expect(faults(await check(bundle, { keys, witnesses }))).toEqual(['witness:unsigned'])
    const { tenant: _, ...bare } = bundle
    expect(faults(await check(bare, { keys, witnesses }))).toEqual(['witness:unsigned'])
  })

  it('is what a key vouched for that was revoked, unless the tenant log held it before', async () => {
    const { bundle, keys, sealed } = await aCase()
    const tenant = bundle.tenant as NonNullable<Bundle['tenant']>
    const held = tenant.certificate.entry
    const asked = { keys, revocations: [aRevocation(held + 1)] }
    expect(await check(bundle, asked)).toMatchObject({ ok: true, level: 2, findings: [] })
    const cut = { keys, revocations: [aRevocation(held + 9), aRevocation(held)] }
    const revoked = await check(bundle, cut)
    expect(faults(revoked)).toEqual(['revocation:unsigned'])
    expect(revoked.findings[0]?.message).toContain('revoked')
    const { tenant: _, ...bare } = bundle
    expect(faults(await check(bare, asked))).toEqual(['revocation:unsigned'])
    const inside = { ...bundle, tenant: { ...tenant, revocations: [aRevocation(0)] } }
    expect(faults(await check(inside, { keys }))).toEqual(['revocation:unsigned'])
    const forged = { ...bundle, tenant: { ...tenant, revocations: [aRevocation(0, aKey(LOG, 5))] } }
    expect(faults(await check(forged, { keys }))).toEqual(['revocation:forged'])
    const unknown = { ...bundle, tenant: { ...tenant, revocations: ['hello'] } }
    expect(faults(await check(unknown, { keys }))).toEqual(['revocation:edited'])
    const issuerOnly = pinned(sealed.journal.issuer)
    const unsure = await check(inside, { keys: issuerOnly })
    expect(faults(unsure)).toEqual(['revocation:unverifiable'])
  })

  it('is an opening with another value, salt, encoding or place', async () => {
    const { bundle, keys, sealed } = await aCase()
    const [input, output] = sealed.openings as [never, never]
    const opening = output as NonNullable<Bundle['openings']>[number]
    const wrong = [
      { ...opening, value: Buffer.from('declined').toString('base64') },
      { ...opening, salt: '00'.repeat(32) },
      { ...opening, enc: 'bytes' as const },
      { ...opening, field: '/invocation/input' },
      { ...opening, field: '/invocation/nothing' },
      { ...opening, field: '' },
      { ...opening, field: '/__proto__' },
      { ...opening, field: '/ext/a' },
      { field: opening.field, enc: opening.enc, value: opening.value },
    ]
    for (const one of wrong) {
      const verdict = await check({ ...bundle, openings: [one] }, { keys })
      expect(faults(verdict)).toEqual(['opening:forged'])
      expect(verdict.openings).toMatchObject([{ holds: false }])
    }
    const swapped = [{ ...(input as typeof opening), field: '/invocation/output' }]
    expect(await check({ ...bundle, openings: swapped }, { keys })).toMatchObject({ level: 0 })
  })
})

describe('checkBundle, misused', () => {
  it('throws for options that are none', async () => {
    const { bundle } = await aCase()
    const { known } = aWitness(1)
    const twin = { ...known, name: 'other.example' }
    const misuse: readonly (readonly [Partial<CheckBundleOptions>, string])[] = [
      [{ witnesses: { keys: [known], threshold: 2 } }, 'INVALID_OPTION'],
      [{ witnesses: { keys: [known, twin], threshold: 2 } }, 'INVALID_OPTION'],
      [{ witnesses: { keys: [known], threshold: 0 } }, 'INVALID_OPTION'],
      [{ witnesses: { keys: [known], threshold: Number.NaN } }, 'INVALID_OPTION'],
      [{ heads: ['hello'] }, 'MALFORMED_NOTE'],
      [{ revocations: [bundle.checkpoint] }, 'MALFORMED_REVOCATION'],
    ]
    for (const [options, code] of misuse) {
      const error = await check(bundle, { keys: [], ...options }).catch((e: unknown) => e)
      expect((error as AuditError).code).toBe(code)
    }
  })

  it('counts no witness twice that has two names', async () => {
    const sealed = aSealedJournal()
    const one = aWitness(1)
    const name = 'twin.example'
    const twin = { key: one.key, known: { ...one.known, name, keyId: one.known.keyId } }
    sealed.log.cosign(one).cosign(twin)
    const { bundle, keys } = await aCase(sealed)
    const asked = { keys: [one.known, twin.known, aWitness(2).known], threshold: 2 }
    expect(faults(await check(bundle, { keys, witnesses: asked }))).toEqual(['witness:unsigned'])
    expect(formatVkey(name, one.known.publicKey)).toContain(name)
  })
})
