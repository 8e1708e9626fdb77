// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { AuditError } from '../errors.ts'
import { leafHash } from '../hash.ts'
import { parseNote, signNoteSync } from '../note.ts'
import { formatRevocation } from '../revocation.ts'
import type { LeafReader } from '../tlog/leaf-nodes.ts'
import type { EpochBuilder } from '../verify/a-journal.fixture.ts'
import { aKey, anEpoch, epochOf, LOG, pinned, segmentFile } from '../verify/a-journal.fixture.ts'
import { aRevocation, aSealedJournal, LogBuilder } from './a-bundle.fixture.ts'
import type { Bundle } from './bundle.ts'
import { formatBundle } from './bundle.ts'
import { checkBundle } from './check-bundle.ts'
import { walkLeaves } from './epoch-lines.ts'
import { proveRecordInLog } from './prove-in-log.ts'
import { proveRecord } from './prove-record.ts'

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await promise.catch((e: unknown) => e)
  return error instanceof AuditError ? error.code : undefined
}

async function levelOf(bundle: Bundle): Promise<number> {
  const options = { keys: pinned(aKey(LOG, 1)) }
  return (await checkBundle(formatBundle(bundle), options)).level
}

function leavesOf(epoch: EpochBuilder): LeafReader {
  const all = Buffer.concat(
    epoch.lines.map((line) => Buffer.from(leafHash(Buffer.from(line)), 'hex')),
  )
  return async (first, count) => all.subarray(first * 32, (first + count) * 32)
}

describe('proveRecord', () => {
  it('leads to the smallest checkpoint that covers the record, or to the one asked for', async () => {
    const epoch = anEpoch()
    epoch.call().checkpoint()
    const [open, small, large] = epoch.notes as [string, string, string]
    const sizes = [open, small, large].map((note) => Number(parseNote(note).text.split('\n')[1]))
    for (const [seq, note] of [
      [0, open],
      [1, small],
      [(sizes[1] as number) - 1, small],
      [sizes[1] as number, large],
    ] as const) {
      expect((await proveRecord(epoch.bytes(), seq)).checkpoint).toBe(note)
    }
    const asked = await proveRecord(epoch.bytes(), 0, { checkpoint: parseNote(large).text })
    expect(asked.checkpoint).toBe(large)
    expect(await levelOf(asked)).toBe(2)
    const unknown = { checkpoint: parseNote(large).text.replace(/\n\d+\n/, '\n99\n') }
    expect(await codeOf(proveRecord(epoch.bytes(), 0, unknown))).toBe('NOT_FOUND')
  })

  it('does not mind how bytes and segments are cut, nor what is torn behind', async () => {
    const epoch = anEpoch({ calls: 6 })
    const wanted = await proveRecord(epoch.bytes(), 5)
    epoch.tail = Buffer.from('{"torn')
    epoch.notes.unshift('no note at all')
    for (const chunkBytes of [1, 7, 1000]) {
      epoch.chunkBytes = chunkBytes
      for (const segmentStarts of [[0], [0, 1], [0, 1, 4, 9]]) {
        epoch.segmentStarts = segmentStarts
        expect(await proveRecord(epoch.bytes(), 5)).toEqual(wanted)
        const leaves = leavesOf(epoch)
        expect(await proveRecord(epoch.bytes(), 5, { leaves })).toEqual(wanted)
      }
    }
    // A single file without a name that promises anything.
    const bytes = Buffer.from(`${epoch.lines.join('\n')}\n`)
    const nameless = epochOf(epoch.id, [{ file: 'x', bytes }], { notes: epoch.notesFile })
    expect(await proveRecord(nameless, 5)).toEqual(wanted)
  })

  it('ignores checkpoints that the epoch’s key did not sign', async () => {
    const epoch = anEpoch()
    const [open] = epoch.notes
    epoch.notes = [open as string]
    epoch.checkpoint(aKey(`${LOG}/${epoch.id}`, 77))
    expect(await codeOf(proveRecord(epoch.bytes(), 3))).toBe('NOT_FOUND')
    epoch.checkpoint()
    expect(await levelOf(await proveRecord(epoch.bytes(), 3))).toBe(2)
  })

  it('hands out no proof of records that are not what was signed', async () => {
    for (const change of [
      (lines: string[]) => lines.with(2, (lines[2] as string).replace('"success"', '"timeout"')),
      (lines: string[]) => lines.toSpliced(2, 1),
      (lines: string[]) => lines.toSpliced(2, 0, lines[2] as string),
      (lines: string[]) => lines.with(2, ''),
      (lines: string[]) => lines.with(2, 'x'.repeat(70_000)),
      (lines: string[]) => lines.slice(0, 4),
    ]) {
      const epoch = anEpoch()
      const leaves = leavesOf(epoch)
      epoch.lines = change(epoch.lines)
      expect(await codeOf(proveRecord(epoch.bytes(), 2))).toBe('JOURNAL_UNUSABLE')
      const kept = await proveRecord(epoch.bytes(), 2, { leaves }).catch((e: unknown) => e)
      // Kept leaves prove the record where it is still there, and only then.
      const level = kept instanceof AuditError ? kept.code : await levelOf(kept as Bundle)
      expect(['JOURNAL_UNUSABLE', 2]).toContain(level)
    }
  })

  it('says so where an epoch does not begin with a readable epoch.open', async () => {
    const epoch = anEpoch()
    for (const first of ['', 'x', '{}', epoch.lines[1] as string]) {
      const lines = epoch.lines.with(0, first)
      const bytes = Buffer.from(`${lines.join('\n')}\n`)
      const segment = { file: segmentFile(epoch.id, 0), firstSeq: 0, bytes }
      const broken = epochOf(epoch.id, [segment], { notes: epoch.notesFile })
      expect(await codeOf(proveRecord(broken, 2))).toBe('JOURNAL_UNUSABLE')
    }
    const none = epochOf(epoch.id, [], { notes: epoch.notesFile })
    expect(await codeOf(proveRecord(none, 2))).toBe('JOURNAL_UNUSABLE')
  })

  it('takes no leaves that do not lead to the signed root', async () => {
    const epoch = anEpoch()
    const wanted = await proveRecord(epoch.bytes(), 2)
    const right = leavesOf(epoch)
    const wrong: LeafReader[] = [
      async (_, count) => Buffer.alloc(count * 32),
      async (first, count) => right(first + 1, count),
      async () => Buffer.alloc(0),
      async (first, count) => Buffer.concat([await right(first, count), Buffer.alloc(32)]),
      async () => {
        throw new AuditError('NOT_FOUND', 'gone')
      },
    ]
    for (const leaves of wrong) {
      let unfit = 0
      const onLeavesUnfit = (): void => void unfit++
      expect(await proveRecord(epoch.bytes(), 2, { leaves, onLeavesUnfit })).toEqual(wanted)
      expect(unfit).toBe(1)
    }
  })
})

describe('walkLeaves', () => {
  it('gives the leaves of whole lines in order, and ends where told to', async () => {
    const epoch = anEpoch()
    epoch.tail = Buffer.from('torn')
    const found: string[] = []
    const all = await walkLeaves(epoch.bytes(), (leaf) => {
      found.push(leaf)
      return 'go on'
    })
    expect(found).toEqual(epoch.lines.map((line) => leafHash(Buffer.from(line))))
    expect(all).toBe(epoch.size)
    expect(await walkLeaves(epoch.bytes(), (_, seq) => (seq === 2 ? 'stop' : 'go on'))).toBe(3)
  })
})

describe('proveRecordInLog', () => {
  it('leads to the epoch’s first entry that covers the record, far into a log', async () => {
    const { epoch, log, end } = aSealedJournal({ before: 700 })
    for (let i = 0; i < 90; i++) log.add(`later ${i}`)
    const bundle = await proveRecordInLog(epoch.bytes(), end, { log: log.tiles })
    expect(bundle.tenant).toMatchObject({ entry: 702, certificate: { entry: 700 } })
    expect(await levelOf(bundle)).toBe(2)
    const open = await proveRecordInLog(epoch.bytes(), 0, { log: log.tiles })
    expect(open.tenant).toMatchObject({ entry: 701 })
    expect(await levelOf(open)).toBe(2)
  })

  it('says why a log proves nothing', async () => {
    const { epoch, log, journal, end } = aSealedJournal()
    const { tiles } = log
    const prove = (changed: Partial<typeof tiles>): Promise<string | undefined> =>
      codeOf(proveRecordInLog(epoch.bytes(), end, { log: { ...tiles, ...changed } }))
    const other = new LogBuilder(journal.tenant).add('something else')
    expect(await prove(other.tiles)).toBe('NOT_FOUND')
    expect(await prove({ checkpoint: async () => 'hello' })).toBe('LOG_UNUSABLE')
    expect(await prove({ checkpoint: async () => epoch.notes[0] as string })).toBe('LOG_UNUSABLE')
    expect(await prove({ entries: (size) => other.tiles.entries(size) })).toBe('LOG_UNUSABLE')
    expect(await prove({ tile: async () => Buffer.alloc(0) })).toBe('MALFORMED_TILE')
    expect(await prove({ tile: async () => Buffer.alloc(8192) })).toBe('LOG_UNUSABLE')
  })

  it('takes along what the log holds of revocations of the issuer, and no others', async () => {
    const { epoch, log, end } = aSealedJournal({ before: 3 })
    const stranger = aKey(`${LOG}/issuer-other`, 55)
    const other = formatRevocation({ log: LOG, vkey: stranger.vkey, tenantLogSize: 0 })
    const [late, early] = [aRevocation(4), aRevocation(3)]
    log.add(late, signNoteSync(other, aKey(LOG, 1)), 'spanseal/revoke/1\nhello\n')
    const bundle = await proveRecordInLog(epoch.bytes(), end, { log: log.tiles })
    expect(bundle.tenant?.revocations).toEqual([late])
    expect(await levelOf(bundle)).toBe(2)
    log.add(early)
    const revoked = await proveRecordInLog(epoch.bytes(), end, { log: log.tiles })
    expect(revoked.tenant?.revocations).toEqual([late, early])
    expect(await levelOf(revoked)).toBe(0)
  })

  it('has nothing to lead to for an epoch without a certificate', async () => {
    const { log } = aSealedJournal()
    const epoch = anEpoch({ certs: [] })
    const proving = proveRecordInLog(epoch.bytes(), 1, { log: log.tiles })
    expect(await codeOf(proving)).toBe('NOT_FOUND')
    const alone = await proveRecord(epoch.bytes(), 1)
    const verdict = await checkBundle(formatBundle(alone), { keys: pinned(epoch.key) })
    expect(verdict).toMatchObject({ ok: true, level: 2 })
  })

  it('carries 16 time-stamps at most', async () => {
    const { epoch, log, end } = aSealedJournal()
    for (let i = 0; i < 20; i++) log.timestamps.push(Buffer.from(`token ${i}`))
    const bundle = await proveRecordInLog(epoch.bytes(), end, { log: log.tiles })
    expect(bundle.tenant?.timestamps).toHaveLength(16)
    expect(await levelOf(bundle)).toBe(2)
  })
})
