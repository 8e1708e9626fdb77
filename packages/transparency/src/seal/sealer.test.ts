// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Batch, EpochBytes } from '@spanseal/core'
import {
  AuditError,
  formatRevocation,
  leafHash,
  parseNote,
  parseVkey,
  signNoteSync,
  verify,
} from '@spanseal/core'
import { expect, test } from 'vitest'
import type { EpochBuilder } from '../../../core/src/verify/a-journal.fixture.ts'
import {
  aJournal,
  aKey,
  anEpoch,
  certificatesFor,
  LOG,
} from '../../../core/src/verify/a-journal.fixture.ts'
import { aFolder, checkedLog, codeOf } from '../log/a-log.fixture.ts'
import { readTenantLog } from '../log/log-files.ts'
import { sealerFolder, TenantLog } from '../log/tenant-log.ts'
import { journalMaterial } from './epoch-material.ts'
import type { SealRound } from './sealer.ts'
import { Sealer } from './sealer.ts'

const TENANT = aKey(LOG, 1)

async function* these(
  ...epochs: readonly (EpochBuilder | EpochBytes)[]
): AsyncGenerator<EpochBytes> {
  for (const epoch of epochs) yield 'segments' in epoch ? epoch : epoch.bytes()
}

interface Sealing {
  readonly folder: string
  readonly log: TenantLog
  readonly sealer: Sealer
  readonly seal: (...epochs: readonly (EpochBuilder | EpochBytes)[]) => Promise<SealRound>
  readonly entries: () => Promise<string[]>
}

async function aSealing(folder = join(aFolder(), 'log')): Promise<Sealing> {
  const log = await TenantLog.open({ folder, signer: TENANT })
  const sealer = await Sealer.open(log)
  return {
    folder,
    log,
    sealer,
    seal: (...epochs) => sealer.sealJournal(these(...epochs)),
    entries: () => checkedLog(folder, TENANT.vkey),
  }
}

const reasons = ({ refused }: SealRound): string[] => refused.map(({ reason }) => reason)

/** The epoch as it would be if whoever has its key had continued it otherwise. */
function forked(seed: number, calls: number): EpochBuilder {
  const epoch = anEpoch({ seed, calls: 0 })
  for (let i = 0; i < calls; i++)
    epoch.start(`other ${i}`).end(epoch.record(epoch.size - 1), `other ${i}`)
  return epoch.checkpoint()
}

test('an epoch’s certificate and newest checkpoint become entries, its growth one more each time', async () => {
  const { entries, seal, sealer } = await aSealing()
  const epoch = anEpoch({ seed: 7 })
  const first = await seal(epoch)
  expect(first).toMatchObject({ added: [{ epoch: epoch.id, size: 7 }], refused: [] })
  epoch.call().checkpoint().call().checkpoint()
  expect(await seal(epoch)).toMatchObject({ added: [{ epoch: epoch.id, size: 11 }], refused: [] })
  expect(await seal(epoch)).toEqual({ added: [], unchanged: 1, waiting: 0, refused: [] })
  expect(await entries()).toEqual([
    certificatesFor(epoch.key.vkey)[0],
    parseNote(epoch.notes[1] as string).text,
    parseNote(epoch.notes[3] as string).text,
  ])
  expect(sealer.epochs).toBe(1)
})

test('what was sealed satisfies the verifier at level 3, head given', async () => {
  const { folder, log, seal } = await aSealing()
  const journal = aJournal()
  const epoch = journal.open().call().close()
  await seal(...journal.bytes())
  const { origin, root, size } = log.head ?? { origin: '', root: '', size: 0 }
  const verdict = await verify(these(epoch), {
    keys: [parseVkey(TENANT.vkey)],
    heads: [`${origin}\n${size}\n${Buffer.from(root, 'hex').toString('base64')}\n`].map((text) =>
      signNoteSync(text, TENANT),
    ),
    tenantLog: readTenantLog(folder),
    now: () => epochMillis(epoch),
  })
  expect(verdict.findings).toEqual([])
  expect(verdict.level).toBe(3)
})

function epochMillis({ id }: EpochBuilder): number {
  return Number.parseInt(id.replace('-', '').slice(0, 12), 16) + 1_000
}

test('after a restart it goes on, with what it kept and without', async () => {
  const first = await aSealing()
  const epoch = anEpoch({ seed: 7 })
  await first.seal(epoch)
  await first.log.close()
  for (const loses of [false, true]) {
    if (loses) rmSync(join(sealerFolder(first.folder), 'epochs'), { recursive: true })
    const next = await aSealing(first.folder)
    expect(await next.seal(epoch)).toMatchObject({ added: [], unchanged: 1, refused: [] })
    epoch.call().checkpoint()
    expect(await next.seal(epoch)).toMatchObject({ added: [{ epoch: epoch.id }], refused: [] })
    await next.log.close()
  }
})

test('with what it kept, records before the sealed size need not be there any more', async () => {
  const { seal } = await aSealing()
  const epoch = anEpoch({ seed: 7 })
  await seal(epoch)
  epoch.segmentStarts = [0, 1, 7]
  epoch.call().checkpoint()
  const bytes = epoch.bytes()
  const expired: EpochBytes = {
    ...bytes,
    async *segments() {
      for await (const segment of bytes.segments()) if (segment.firstSeq !== 1) yield segment
    },
  }
  expect(await seal(expired)).toMatchObject({ added: [{ size: 9 }], refused: [] })
})

const tampered: [string, string, () => EpochBuilder | EpochBytes][] = [
  ['a record edited', 'root', () => anEpoch().edit(3, (line) => line.replace('granted', 'denied'))],
  [
    'a record edited, the tail linked anew',
    'root',
    () =>
      anEpoch()
        .edit(3, (line) => line.replace('"4"', '"5"'))
        .relink(4),
  ],
  ['records cut off', 'records-missing', () => anEpoch().remove(5, 2)],
  ['no first record', 'malformed', () => anEpoch().remove(0)],
  ['nothing but checkpoints', 'malformed', () => anEpoch().remove(0, 7)],
  [
    'a checkpoint by another key',
    'signature',
    () => {
      const epoch = aJournal().open()
      epoch.notes = []
      return epoch.call().checkpoint(aKey(`${LOG}/${epoch.id}`, 55))
    },
  ],
  [
    'a checkpoint of another epoch',
    'foreign',
    () => {
      const epoch = anEpoch({ seed: 8 })
      epoch.notes = [...anEpoch({ seed: 9 }).notes]
      return epoch
    },
  ],
  ['another log', 'foreign', () => anEpoch({ log: 'example.com/other' })],
  ['no certificate', 'certificate', () => anEpoch({ certs: [] })],
  [
    'an issuer that nobody certified',
    'certificate',
    () => {
      const key = anEpoch().key.vkey
      return anEpoch({
        certs: certificatesFor(key, { issuer: aKey(`${LOG}/issuer-zz`, 77) }).slice(0, 1),
        seed: 100,
      })
    },
  ],
  [
    'a certificate of another epoch',
    'certificate',
    () => anEpoch({ certs: certificatesFor(anEpoch({ seed: 33 }).key.vkey) }),
  ],
  [
    'a certificate that had expired',
    'expired',
    () => anEpoch({ certificate: { notAfter: '2026-11-20T00:00:00.000Z' } }),
  ],
  [
    'notes that are none',
    'malformed',
    () => {
      const epoch = anEpoch()
      epoch.notes = ['garbage\n']
      return epoch
    },
  ],
  [
    'the folder of another epoch',
    'foreign',
    () => ({ ...anEpoch().bytes(), epoch: anEpoch({ seed: 9 }).id }),
  ],
]

test.each(tampered)(
  '%s: refused as %s, not added, and other epochs are',
  async (_what, reason, make) => {
    const { entries, seal } = await aSealing()
    const good = anEpoch({ seed: 200 })
    const round = await seal(make(), good)
    expect(reasons(round)).toEqual([reason])
    // A checkpoint over the first record alone may hold.
    const large = round.added.filter(({ size }) => size > 1)
    expect(large.map(({ epoch }) => epoch)).toEqual([good.id])
    expect(await entries()).toHaveLength(2 * round.added.length)
  },
)

test('a journal rolled back to an older copy is an alarm, and both heads are kept', async () => {
  const { entries, seal } = await aSealing()
  const epoch = anEpoch({ seed: 7 })
  const old = { lines: [...epoch.lines], notes: [...epoch.notes] }
  epoch.call().checkpoint()
  await seal(epoch)
  const [newest = ''] = epoch.notes.slice(-1)
  Object.assign(epoch, old)
  const round = await seal(epoch)
  expect(reasons(round)).toEqual(['rolled-back'])
  const [{ alarm, evidence } = { alarm: false, evidence: '' }] = round.refused
  expect(alarm).toBe(true)
  expect(JSON.parse(readFileSync(evidence as string, 'utf8'))).toMatchObject({
    reason: 'rolled-back',
    shown: epoch.notes.at(-1),
    sealedNote: newest,
  })
  // Told once, and wherever it is seen again kept once.
  expect(await seal(epoch)).toMatchObject({ unchanged: 1, refused: [] })
  const elsewhere = { ...epoch.bytes(), name: 'a copy' }
  expect((await seal(elsewhere)).refused[0]?.evidence).toBe(evidence)
  expect(await entries()).toHaveLength(2)
  epoch.notes = []
  expect(reasons(await seal(epoch))).toEqual(['rolled-back'])
})

test.each([
  [1, 'shorter', 'rolled-back'],
  [3, 'of the same length', 'forked'],
  [5, 'longer', 'forked'],
])(
  'an epoch forked with its own key (%i calls, %s) is refused, with what was kept and without',
  async (calls, _what, reason) => {
    const { entries, folder, seal } = await aSealing()
    const epoch = forked(7, 0)
    for (let i = 0; i < 3; i++) epoch.call()
    await seal(epoch.checkpoint())
    expect(reasons(await seal(forked(7, calls)))).toEqual([reason])
    rmSync(join(sealerFolder(folder), 'epochs'), { recursive: true })
    const copy = { ...forked(7, calls).bytes(), name: 'a copy' }
    expect(reasons(await seal(copy))).toEqual([reason])
    expect(await entries()).toHaveLength(2)
  },
)

test('of two copies of one epoch in a round the second is held against the first', async () => {
  const { entries, seal } = await aSealing()
  const epoch = anEpoch({ seed: 7 })
  expect(await seal(epoch, forked(7, 5))).toMatchObject({ refused: [{ reason: 'forked' }] })
  expect(await entries()).toHaveLength(2)
})

test('the largest checkpoint that holds is added where a larger one does not', async () => {
  const { seal } = await aSealing()
  const epoch = anEpoch({ seed: 7 }).note(8, 'ab'.repeat(32)).call().note(9, 'cd'.repeat(32))
  const round = await seal(epoch)
  expect(round.added).toEqual([{ epoch: epoch.id, size: 7 }])
  expect(reasons(round)).toEqual(['root'])
})

test('what could not be signed is sealed the next time', async () => {
  const folder = join(aFolder(), 'log')
  let fails = true
  const sign = (message: Uint8Array): Uint8Array => {
    if (fails) throw new AuditError('SIGNER_FAILED', 'nobody touched the token')
    return TENANT.sign(message)
  }
  const log = await TenantLog.open({ folder, signer: { vkey: TENANT.vkey, sign } })
  const sealer = await Sealer.open(log)
  const epoch = anEpoch({ seed: 7 })
  expect(await codeOf(sealer.sealJournal(these(epoch)))).toBe('SIGNER_FAILED')
  fails = false
  expect(await sealer.sealJournal(these(epoch))).toMatchObject({
    added: [{ size: 7 }],
    refused: [],
  })
  await log.close()
})

test('epochs of a revoked issuer are taken no more, those in the log grow on', async () => {
  const { entries, log, seal, sealer } = await aSealing()
  const epoch = anEpoch({ seed: 7 })
  await seal(epoch)
  const vkey = aJournal().issuer.vkey
  const note = signNoteSync(formatRevocation({ log: LOG, vkey, tenantLogSize: log.size }), TENANT)
  expect(await sealer.revoke([note, note])).toBe(1)
  expect(await sealer.revoke([note])).toBe(0)
  expect(reasons(await seal(anEpoch({ seed: 8 })))).toEqual(['revoked'])
  epoch.call().checkpoint()
  expect((await seal(epoch)).added).toHaveLength(1)
  expect((await entries()).map((entry) => entry.split('\n')[0])).toEqual([
    'spanseal/cert/1',
    `${LOG}/${epoch.id}`,
    'spanseal/revoke/1',
    `${LOG}/${epoch.id}`,
  ])
  const forged = signNoteSync(formatRevocation({ log: LOG, vkey, tenantLogSize: 1 }), aKey(LOG, 9))
  expect(await codeOf(sealer.revoke([forged]))).toBe('MALFORMED_REVOCATION')
})

/** What Kafka hands out of an epoch. */
function batchOf(epoch: EpochBuilder, from = 0, notes = epoch.notes): Batch {
  const records = epoch.lines.slice(from).map((text, i) => {
    const line = Buffer.from(text)
    return {
      log: LOG,
      epoch: epoch.id,
      seq: from + i,
      leaf: leafHash(line),
      type: 'tool.start',
      line,
    }
  })
  const checkpoints = notes.map((note) => ({ log: LOG, epoch: epoch.id, size: 0, note }))
  return { records, checkpoints }
}

test('from a stream, checkpoints wait for their records, and what comes again is no news', async () => {
  const { entries, folder, log, sealer } = await aSealing()
  const epoch = anEpoch({ seed: 7 })
  const all = batchOf(epoch)
  sealer.take({ records: [], checkpoints: all.checkpoints })
  expect(await sealer.sealStream(false)).toMatchObject({ added: [], waiting: 1, refused: [] })
  sealer.take({ records: all.records, checkpoints: [] })
  sealer.take(all)
  expect(await sealer.sealStream(false)).toMatchObject({ added: [{ size: 7 }], refused: [] })
  sealer.take(all)
  epoch.call().checkpoint()
  sealer.take(batchOf(epoch, 7, epoch.notes.slice(-1)))
  expect(await sealer.sealStream(false)).toMatchObject({ added: [{ size: 9 }], refused: [] })
  await log.close()
  // Read again from the beginning, and from where the stream still goes back to.
  for (const from of [0, 9]) {
    const again = await aSealing(folder)
    epoch.call().checkpoint()
    const size = epoch.lines.length
    again.sealer.take(batchOf(epoch, from === 0 ? 0 : size - 2))
    expect(await again.sealer.sealStream(true)).toMatchObject({ added: [{ size }], refused: [] })
    await again.log.close()
  }
  expect(await entries()).toHaveLength(5)
})

test('a stream with a gap, a fork or a changed record is refused', async () => {
  const { entries, sealer } = await aSealing()
  const epoch = anEpoch({ seed: 7 })
  const all = batchOf(epoch)
  sealer.take({ ...all, records: all.records.filter(({ seq }) => seq !== 3) })
  const fork = anEpoch({ seed: 8 })
  sealer.take(batchOf(fork))
  sealer.take(batchOf(forked(8, 3)))
  const edited = anEpoch({ seed: 9 }).edit(3, (line) => line.replace('granted', 'denied'))
  sealer.take(batchOf(edited))
  sealer.take({ records: [], checkpoints: [{ log: LOG, epoch: 'nonsense', size: 1, note: '' }] })
  const round = await sealer.sealStream(true)
  expect(new Map(round.refused.map(({ epoch: id, reason }) => [id, reason]))).toEqual(
    new Map([
      [epoch.id, 'records-missing'],
      [fork.id, 'forked'],
      [edited.id, 'root'],
    ]),
  )
  // What the first record alone proves is taken.
  expect(round.added.map(({ size }) => size)).toEqual([1, 1])
  expect(await entries()).toHaveLength(4)
})

test('of very many checkpoints the newest are looked at, in little memory', async () => {
  const { seal } = await aSealing()
  const epoch = anEpoch({ seed: 7 })
  const [opening = '', newest = ''] = epoch.notes
  const stranger = `— other.example ${Buffer.alloc(6000, 7).toString('base64')}\n`
  const padded = `${opening}${stranger.repeat(8)}`
  const framed = (note: string): Buffer => Buffer.from(`${Buffer.byteLength(note)}\n${note}`)
  const source: EpochBytes = {
    ...epoch.bytes(),
    async *checkpoints() {
      for (let i = 0; i < 600; i++) yield framed(padded)
      yield framed(newest)
    },
  }
  const { material } = (await journalMaterial(source, undefined)) ?? {}
  const { checkpoints = [] } = material ?? {}
  const length = checkpoints.reduce((sum, { note }) => sum + note.length, 0)
  expect(length).toBeLessThan(2 ** 25)
  expect(checkpoints.at(-1)).toMatchObject({ note: newest, size: 7 })
  expect(await seal(source)).toMatchObject({ added: [{ epoch: epoch.id, size: 7 }], refused: [] })
})

test('many checkpoints of a stream that hold nothing keep none away that does', async () => {
  const { sealer } = await aSealing()
  const epoch = anEpoch({ seed: 7 })
  const forged = anEpoch({ seed: 7 }).note(900, 'a'.repeat(64), aKey(`${LOG}/${epoch.id}`, 55))
  const many = Array.from({ length: 4096 }, () => forged.notes.at(-1) as string)
  sealer.take(batchOf(epoch, 0, [...many, epoch.notes.at(-1) as string]))
  const { added } = await sealer.sealStream(false)
  expect(added).toEqual([{ epoch: epoch.id, size: 7 }])
})
