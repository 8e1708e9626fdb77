// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import type { EpochBuilder, JournalBuilder } from './a-journal.fixture.ts'
import {
  aCommitment,
  aJournal,
  aKey,
  anEpoch,
  certificatesFor,
  epochOf,
  LOG,
  pinned,
  START_MILLIS,
  segmentFile,
  toolOf,
} from './a-journal.fixture.ts'
import type { EpochBytes } from './input.ts'
import type { Finding, FindingCode, Verdict } from './verdict.ts'
import { CHECKS, FINDING_CODES } from './verdict.ts'
import { verify } from './verify.ts'

const TENANT = pinned(aJournal().tenant)
const ZEROS = '0'.repeat(64)
const now = (): number => START_MILLIS + 86_400_000

/** A closed epoch of `calls` calls in a journal of its own, signed in the middle and at its end. */
function aClosedEpoch(calls = 3): EpochBuilder {
  return anEpoch({ calls }).close()
}

function check(
  journal: JournalBuilder | EpochBuilder | EpochBytes[],
  options: Parameters<typeof verify>[1] = {},
): Promise<Verdict> {
  const epochs = Array.isArray(journal)
    ? journal
    : 'epochs' in journal
      ? journal.bytes()
      : [journal.bytes()]
  return verify(epochs, { keys: TENANT, now, ...options })
}

/** Findings in short: `fault edited 3-4`. */
function short(verdict: Verdict): string[] {
  return verdict.findings.map(({ kind, code, seq, lastSeq }) => {
    const range = lastSeq === undefined ? `${seq ?? ''}` : `${seq}-${lastSeq}`
    return `${kind} ${code} ${range}`.trimEnd()
  })
}

/** Where a record's line stands in its file. */
function at(epoch: EpochBuilder, index: number): Pick<Finding, 'file' | 'line' | 'byteOffset'> {
  const start = epoch.segmentStarts.findLast((first) => first <= index) as number
  const before = epoch.lines.slice(start, index).map((line) => `${line}\n`)
  return {
    file: segmentFile(epoch.id, start),
    line: index - start + 1,
    byteOffset: Buffer.byteLength(before.join('')),
  }
}

/** The verdict's only finding. */
function only(verdict: Verdict): Finding {
  expect(short(verdict)).toHaveLength(1)
  return verdict.findings[0] as Finding
}

describe('a journal that holds', () => {
  it('is signed when a pinned key vouches for every epoch', async () => {
    const journal = aJournal()
    const first = journal.open()
    first.call().call().checkpoint().close()
    journal
      .open({ observed: [first.observedAs('closed')] })
      .call()
      .close()
    const verdict = await check(journal)
    expect(verdict).toMatchObject({
      ok: true,
      level: 2,
      selfConsistent: true,
      signed: true,
      headMatched: false,
      ends: { closed: 2, headed: 0, crashed: 0, open: 0 },
      attestedTail: 0,
      unsynced: 0,
      checked: 10,
      expected: 10,
      epochs: 2,
      findings: [],
      counts: {},
    })
  })

  it.each([
    ['the issuer key', pinned(aJournal().issuer)],
    ['the key of the epoch', pinned(aClosedEpoch().key)],
  ])('is signed when %s is pinned', async (_, keys) => {
    expect(await check(aClosedEpoch(), { keys })).toMatchObject({ ok: true, level: 2 })
  })

  it('is self-consistent, no more, where no key is pinned', async () => {
    const verdict = await check(aClosedEpoch(), { keys: [] })
    expect(verdict).toMatchObject({ ok: true, level: 1, signed: false })
  })

  it('is complete up to heads that the caller kept, one for every epoch', async () => {
    const journal = aJournal()
    const first = journal.open().call().close()
    const second = journal
      .open({ observed: [first.observedAs('closed')] })
      .call()
      .close()
    const heads = [first.notes.at(-1) as string, second.notes[0] as string]
    expect(await check(journal, { heads })).toMatchObject({ ok: true, level: 3, headMatched: true })
    expect(await check(journal, { heads: [heads[0] as string] })).toMatchObject({
      ok: true,
      level: 2,
      headMatched: false,
    })
    const plain = { origin: `${LOG}/${first.id}`, size: first.size, root: first.root() }
    expect(await check(first, { heads: [plain] })).toMatchObject({ level: 3 })
    expect(await check(first, { heads: [plain], keys: [] })).toMatchObject({ level: 1 })
  })

  it('counts the records behind the last checkpoint as attested only', async () => {
    const epoch = anEpoch({ calls: 2 }).call().call()
    expect(await check(epoch, { live: true })).toMatchObject({ ok: true, attestedTail: 4 })
  })

  it('says which epochs were signed before their records were durable', async () => {
    expect(await check(anEpoch({ durability: 'none' }).close())).toMatchObject({ unsynced: 1 })
  })

  it('tells its progress, and all of it at the end', async () => {
    const epoch = aClosedEpoch(20)
    const said: [number, number][] = []
    await check(epoch, { onProgress: (bytes, records) => said.push([bytes, records]) })
    const bytes = epoch.segmentFiles.reduce((sum, file) => sum + file.bytes.length, 0)
    expect(said.at(-1)).toEqual([bytes, epoch.size])
  })

  it('says the same however the bytes are cut', async () => {
    const whole = aClosedEpoch(4).remove(3)
    const expected = await check(whole)
    expect(expected.findings).not.toEqual([])
    for (const chunkBytes of [1, 2, 3, 7, 64, 1000, 1759]) {
      const cut = aClosedEpoch(4).remove(3)
      cut.chunkBytes = chunkBytes
      expect(await check(cut)).toEqual(expected)
    }
  })

  it('has names for its checks and findings', () => {
    expect(CHECKS).toContain('link')
    expect(new Set(FINDING_CODES).size).toBe(17)
  })
})

describe('edited', () => {
  it('names the record that does not hash to what its successor links to, and that one', async () => {
    const epoch = aClosedEpoch().edit(3, (line) => line.replace('input 3', 'input 4'))
    const changed = aClosedEpoch().edit(3, (line) => line.replace('"support-1"', '"support-2"'))
    expect((await check(epoch)).ok).toBe(true) // nothing was there to replace
    expect(only(await check(changed))).toMatchObject({
      kind: 'fault',
      code: 'edited',
      check: 'link',
      epoch: epoch.id,
      seq: 3,
      lastSeq: 4,
      ...at(changed, 3),
    })
  })

  it('goes on after a fault and names each', async () => {
    const change = (line: string): string => line.replace('"support-1"', '"support-2"')
    const epoch = aClosedEpoch(6).edit(2, change).edit(6, change).edit(10, change)
    expect(short(await check(epoch))).toEqual([
      'fault edited 2-3',
      'fault edited 6-7',
      'fault edited 10-11',
    ])
  })

  it('is the link itself, where that was changed', async () => {
    const epoch = aClosedEpoch().edit(4, (line) => line.replace(/"prev":"../, '"prev":"zz'))
    expect(only(await check(epoch))).toMatchObject({ code: 'edited', check: 'schema', seq: 4 })
    const other = aClosedEpoch().edit(4, (line) =>
      line.replace(/"prev":"[^"]*/, `"prev":"${ZEROS}`),
    )
    expect(only(await check(other))).toMatchObject({ code: 'edited', seq: 3, lastSeq: 4 })
  })

  it.each<[string, (line: string) => string, string]>([
    ['no JSON', (line) => line.slice(1), 'parse'],
    ['JSON that is no object', () => '[]', 'parse'],
    ['an empty line', () => '', 'parse'],
    ['a byte order mark', (line) => `\ufeff${line}`, 'parse'],
    ['a space', (line) => line.replace(':', ': '), 'canonical'],
    ['a repeated key', (line) => line.replace('"seq":', '"seq":3,"seq":'), 'canonical'],
    [
      'keys in another order',
      (line) => line.replace('"enc":"json","eq"', '"eq":"json","enc"'),
      'canonical',
    ],
    ['an escape that needs none', (line) => line.replace('"EUR"', '"\\u0045UR"'), 'canonical'],
    ['a lone surrogate', (line) => line.replace('"EUR"', '"\\ud800"'), 'canonical'],
    ['a number in another form', (line) => line.replace(':120,', ':1.2e2,'), 'canonical'],
    ['minus zero', (line) => line.replace(':120,', ':-0,'), 'canonical'],
    ['a number beyond 2^53', (line) => line.replace(':120,', ':9007199254740993,'), 'canonical'],
    [
      'a key named __proto__',
      (line) => line.replace('{"actor"', '{"__proto__":{},"actor"'),
      'canonical',
    ],
    [
      'nesting',
      (line) => line.replace(':120,', `:${'['.repeat(20)}${']'.repeat(20)},`),
      'canonical',
    ],
    ['deep nesting', () => `${'['.repeat(30_000)}${']'.repeat(30_000)}`, 'parse'],
    [
      'deep nesting in an object',
      () => `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`,
      'canonical',
    ],
  ])('is a line that became %s', async (_, change, checkName) => {
    const epoch = aClosedEpoch().edit(4, change)
    expect(only(await check(epoch))).toMatchObject({
      code: 'edited',
      check: checkName,
      seq: 4,
      ...at(epoch, 4),
    })
  })

  it('is a line that is not UTF-8', async () => {
    const epoch = aClosedEpoch()
    const [open, rest] = epoch.segmentFiles.map(({ bytes }) => bytes) as [Buffer, Buffer]
    rest.writeUInt8(0xff, rest.indexOf('support-1'))
    const files = [open, rest].map((bytes, i) => ({ file: segmentFile(epoch.id, i), bytes }))
    const verdict = await check([epochOf(epoch.id, files, { notes: epoch.notesFile })])
    expect(only(verdict)).toMatchObject({ code: 'edited', check: 'parse', seq: 1, line: 1 })
  })

  it('takes text beyond ASCII and the replacement character for what they are', async () => {
    const summary = { fields: { city: 'Köln \ufffd 🙂' }, truncated: false }
    const epoch = anEpoch({ calls: 1 }).start()
    const invocation = {
      start: epoch.record(3),
      status: 'success',
      duration_ns: '1',
      input: aCommitment('input 3'),
      summary,
    } as const
    epoch.end(epoch.record(3), 'input 3', { invocation }).close()
    expect(await check(epoch)).toMatchObject({ ok: true, level: 2 })
  })

  it('is a line that is longer than a record may be', async () => {
    const epoch = aClosedEpoch().edit(4, (line) => line.replace('EUR', 'E'.repeat(65_536)))
    expect(only(await check(epoch))).toMatchObject({ code: 'edited', check: 'parse', seq: 4 })
  })

  it('is a line that says it is another one', async () => {
    const epoch = aClosedEpoch().edit(4, (line) => line.replace('"seq":4}', '"seq":7}'))
    expect(only(await check(epoch))).toMatchObject({ code: 'edited', check: 'sequence', seq: 4 })
    const lower = aClosedEpoch().edit(4, (line) => line.replace('"seq":4}', '"seq":1}'))
    expect(only(await check(lower))).toMatchObject({ code: 'edited', check: 'sequence', seq: 4 })
    const last = aClosedEpoch().edit(7, (line) => line.replace('"seq":7}', '"seq":9}'))
    expect(short(await check(last))).toContain('fault edited 7')
  })

  it('is a first record that links to something', async () => {
    const epoch = anEpoch().edit(0, (line) => line.replace(ZEROS, ZEROS.replace('0', '1')))
    epoch.relink(1).close()
    expect(short(await check(epoch))[0]).toBe('fault edited 0')
  })

  it('is garbage between the records, which then still link', async () => {
    const epoch = aClosedEpoch().insert(3, ['garbage', 'more garbage'])
    const verdict = await check(epoch)
    expect(verdict.counts).toEqual({ edited: 2 })
    expect(verdict.findings[0]).toMatchObject({ ...at(epoch, 3), check: 'parse' })
  })
})

describe('records that are gone, moved, or there twice', () => {
  it('names what is missing within the epoch', async () => {
    const epoch = aClosedEpoch(5).remove(4, 3)
    expect(only(await check(epoch))).toMatchObject({
      code: 'missing',
      check: 'sequence',
      seq: 4,
      lastSeq: 6,
      ...at(epoch, 4),
    })
  })

  it('names each gap, single records between them included', async () => {
    const epoch = aClosedEpoch(6).remove(8, 2).remove(3, 2)
    expect(short(await check(epoch))).toEqual(['fault missing 3-4', 'fault missing 8-9'])
    const single = aClosedEpoch(6).remove(7, 2).remove(4, 2)
    expect(short(await check(single))).toEqual(['fault missing 4-5', 'fault missing 7-8'])
  })

  it('names the beginning that is missing', async () => {
    const epoch = aClosedEpoch().remove(0, 2)
    epoch.segmentStarts = [0]
    expect(short(await check(epoch))).toEqual(['fault missing 0-1'])
  })

  it('names the record before the last', async () => {
    expect(short(await check(aClosedEpoch().remove(6)))).toEqual(['fault missing 6'])
  })

  it('tells two records that changed places from a missing one', async () => {
    const epoch = aClosedEpoch(4)
    const [third, fourth] = epoch.lines.slice(3, 5) as [string, string]
    epoch.edit(3, () => fourth).edit(4, () => third)
    expect(only(await check(epoch))).toMatchObject({
      code: 'reordered',
      check: 'sequence',
      seq: 4,
      ...at(epoch, 3),
    })
  })

  it('names a run of records that was moved', async () => {
    const epoch = aClosedEpoch(6)
    epoch.lines = [
      ...epoch.lines.slice(0, 3),
      ...epoch.lines.slice(6, 9),
      ...epoch.lines.slice(3, 6),
      ...epoch.lines.slice(9),
    ]
    expect(only(await check(epoch))).toMatchObject({ code: 'reordered', seq: 3, lastSeq: 5 })
  })

  it('names segments that changed their names', async () => {
    const epoch = aClosedEpoch(4)
    const files = epoch.segmentFiles.map(({ bytes }, i) => ({
      file: segmentFile(epoch.id, i),
      firstSeq: i === 0 ? 0 : 4,
      bytes,
    }))
    const verdict = await check([epochOf(epoch.id, files, { notes: epoch.notesFile })])
    expect(only(verdict)).toMatchObject({ code: 'reordered', seq: 1, line: 1 })
  })

  it('names a repeated record, and a repeated run as one', async () => {
    const one = aClosedEpoch()
    one.insert(4, one.lines.slice(3, 4))
    expect(only(await check(one))).toMatchObject({ code: 'duplicated', seq: 3, ...at(one, 4) })
    const all = aClosedEpoch()
    all.insert(8, all.lines)
    expect(only(await check(all))).toMatchObject({ code: 'duplicated', seq: 0, lastSeq: 7 })
  })

  it('names a second, different record with the same number', async () => {
    const epoch = aClosedEpoch()
    epoch.insert(5, [(epoch.lines[4] as string).replace('EUR', 'USD')])
    expect(only(await check(epoch))).toMatchObject({ code: 'forked', seq: 4, ...at(epoch, 5) })
  })

  it('names a record that claims a number far ahead', async () => {
    const epoch = aClosedEpoch()
    const stray = (epoch.lines[4] as string).replace('"seq":4}', '"seq":9007199254740991}')
    epoch.insert(6, [stray])
    expect(only(await check(epoch))).toMatchObject({ code: 'edited', ...at(epoch, 6) })
  })

  it('names a record that stands ahead and again in its place', async () => {
    const epoch = aClosedEpoch(4)
    epoch.insert(3, epoch.lines.slice(5, 6))
    expect(short(await check(epoch))).toEqual(['fault duplicated 5'])
  })

  it('does not let a segment break off while another follows', async () => {
    const epoch = aClosedEpoch(4)
    epoch.segmentStarts = [0, 1, 4]
    const files = epoch.segmentFiles.map(({ firstSeq, bytes }, i) => ({
      file: segmentFile(epoch.id, firstSeq),
      firstSeq,
      bytes: i === 1 ? bytes.subarray(0, -1) : bytes,
    }))
    const verdict = await check([epochOf(epoch.id, files, { notes: epoch.notesFile })])
    expect(only(verdict)).toMatchObject({ code: 'torn', kind: 'fault', seq: 3, line: 3 })
  })
})

describe('schema', () => {
  it('names the record and how it departs', async () => {
    const epoch = aClosedEpoch()
    epoch.edit(4, (line) => line.replace('"severity":"info"', '"severity":"grave"'))
    epoch.relink(5)
    const verdict = await check(epoch)
    expect(short(verdict)).toContain('fault schema 4')
    expect(verdict.findings[0]).toMatchObject({ check: 'schema', ...at(epoch, 4) })
    expect(verdict.findings[0]?.message).toContain('/severity')
  })

  it('is called edited where the successor links to another record', async () => {
    const epoch = aClosedEpoch()
    epoch.edit(4, (line) => line.replace('"severity":"info"', '"severity":"grave"'))
    expect(only(await check(epoch))).toMatchObject({ code: 'edited', seq: 4, lastSeq: 5 })
  })

  it('is a record without what places it in a chain', async () => {
    for (const [from, to] of [
      ['"seq":4}', '"seq":-4}'],
      ['"seq":4}', '"sequence":4}'],
      ['"rev":0', '"rev":"0"'],
      ['"v":1', '"w":1'],
      ['"mono_ns":"', '"mono_ns":"0'],
    ] as const) {
      const epoch = aClosedEpoch().edit(4, (line) => line.replace(from, to))
      expect(only(await check(epoch))).toMatchObject({ code: 'edited', check: 'schema', seq: 4 })
      expect(only(await check(epoch.relink(5)))).toMatchObject({ code: 'schema', seq: 4 })
    }
  })

  it('is an epoch that does not begin with epoch.open, or has another one', async () => {
    const epoch = anEpoch()
    const [open = ''] = epoch.lines
    const second = open.replace(
      /"prev":"[^"]*","seq":0/,
      `"prev":"${epoch.leaf}","seq":${epoch.size}`,
    )
    epoch.insert(epoch.size, [second])
    expect(short(await check(epoch, { live: true }))).toContain('fault schema 7')
  })

  it('is a version or revision that changes within the epoch', async () => {
    for (const [from, to] of [
      ['"v":1}', '"v":2}'],
      ['"rev":0', '"rev":1'],
    ] as const) {
      const epoch = aClosedEpoch().edit(4, (line) => line.replace(from, to))
      expect(only(await check(epoch))).toMatchObject({ code: 'edited', seq: 4 })
      expect((await check(epoch.relink(5))).findings[0]).toMatchObject({ code: 'schema', seq: 4 })
    }
  })

  it('is a day that no calendar has', async () => {
    const epoch = anEpoch({ calls: 1 })
    epoch.append(
      {
        type: 'epoch.close',
        severity: 'info',
        detail: { open: [], reason: 'shutdown', records: 4 },
      },
      { at: '2026-02-30T10:00:00.000Z' },
    )
    expect(short(await check(epoch))).toContain('fault schema 3')
  })

  it('is a monotonic clock that does not begin at 0', async () => {
    const epoch = anEpoch().edit(0, (line) => line.replace('"mono_ns":"0"', '"mono_ns":"5"'))
    expect((await check(epoch)).findings[0]).toMatchObject({
      code: 'schema',
      check: 'time',
      seq: 0,
    })
  })
})

describe('unverifiable and newer_rev', () => {
  it('checks nothing of an epoch of an unknown version, and says so once', async () => {
    const epoch = aClosedEpoch()
    epoch.lines = epoch.lines.map((line) => line.replace('"v":1}', '"v":2}'))
    const verdict = await check(epoch)
    expect(verdict.counts).toEqual({ unverifiable: 1, missing: 1 })
    expect(verdict.findings[0]).toMatchObject({ code: 'unverifiable', ...at(epoch, 0) })
    expect(verdict.checked).toBe(0)
  })

  it('checks all but the schema of a newer revision', async () => {
    const epoch = anEpoch()
    const newer = (line: string): string =>
      line
        .replace('"rev":0', '"rev":1')
        .replace('"severity":"info"', '"severity":"info","shade":"blue"')
    epoch.lines = epoch.lines.map(newer)
    epoch.relink(0)
    epoch.notes = []
    epoch.note(epoch.size, epoch.root())
    const verdict = await check(epoch, { live: true })
    expect(verdict).toMatchObject({ ok: true, level: 2, checked: 7 })
    expect(short(verdict)).toEqual(['notice newer_rev 0', 'notice unclosed 6'])
    epoch.edit(3, (line) => line.replace('blue', 'green'))
    expect((await check(epoch, { live: true })).counts).toMatchObject({ edited: 1 })
  })
})

describe('forged', () => {
  it('is an epoch whose id was not made from its key', async () => {
    const other = aKey('x', 77)
    const epoch = anEpoch()
    const vkey = aKey(`${LOG}/${epoch.id}`, 77).vkey
    epoch.edit(0, (line) => line.replace(epoch.key.vkey, vkey)).relink(1)
    expect(other.vkey).not.toBe(vkey)
    expect((await check(epoch)).findings[0]).toMatchObject({
      code: 'forged',
      check: 'epoch',
      seq: 0,
    })
  })

  it('is a certificate by somebody else under the pinned name', async () => {
    const impostor = aKey(`${LOG}/issuer-a1`, 66)
    const epoch = anEpoch()
    const [cert = ''] = certificatesFor(epoch.key.vkey, { issuer: impostor })
    const [, issuerCert = ''] = certificatesFor(epoch.key.vkey)
    const forged = anEpoch({ certs: [cert, issuerCert] }).close()
    expect((await check(forged)).findings[0]).toMatchObject({
      code: 'forged',
      check: 'epoch',
      seq: 0,
    })
  })

  it('is a record of another epoch or log among those of this one', async () => {
    const stranger = anEpoch({ seed: 55 })
    const epoch = aClosedEpoch().insert(4, stranger.lines.slice(2, 4))
    expect(only(await check(epoch))).toMatchObject({
      code: 'forged',
      seq: 2,
      lastSeq: 3,
      ...at(epoch, 4),
    })
  })

  it('is an epoch in the place of another', async () => {
    const epoch = aClosedEpoch()
    const other = anEpoch({ seed: 55 })
    const files = epoch.segmentFiles.map(({ bytes }) => ({ file: 'f', bytes }))
    const verdict = await check([epochOf(other.id, files, { notes: epoch.notesFile })])
    expect(Object.keys(verdict.counts)).toEqual(['forged', 'missing'])
    expect(verdict.checked).toBe(0)
  })

  it('is a second log in the same journal', async () => {
    const journal = aJournal()
    journal.open().close()
    journal.open({ log: 'example.com/other', certs: [] }).close()
    const verdict = await check(journal, { keys: [] })
    expect(only(verdict)).toMatchObject({ code: 'forged', check: 'epoch', seq: 0 })
  })

  it('is a record behind the epoch.close, and a close that counts wrong', async () => {
    const more = aClosedEpoch().call().checkpoint()
    expect(only(await check(more))).toMatchObject({ code: 'forged', check: 'epoch', seq: 8 })
    const wrong = anEpoch().close({ records: 3 })
    expect(only(await check(wrong))).toMatchObject({ code: 'forged', seq: 7 })
  })

  it('is a rewritten record with all links made to fit', async () => {
    const epoch = aClosedEpoch(4).edit(3, (line) => line.replace('EUR', 'USD'))
    epoch.edit(4, (line) => line.replace('"amount":120', '"amount":999')).relink(4)
    const finding = only(await check(epoch))
    expect(finding).toMatchObject({
      code: 'forged',
      check: 'checkpoint',
      file: `${epoch.id}/checkpoints`,
      seq: 1,
      lastSeq: 8,
    })
  })

  it('is a checkpoint that the key of the epoch did not sign, or of another epoch', async () => {
    const epoch = aClosedEpoch()
    epoch.note(epoch.size, epoch.root(), aKey(`${LOG}/${epoch.id}`, 99))
    const notes = epoch.notes.slice(0, -1)
    const before = notes.reduce(
      (sum, note) => sum + `${note.length}\n`.length + Buffer.byteLength(note),
      0,
    )
    const finding = only(await check(epoch))
    expect(finding).toMatchObject({ code: 'forged', check: 'checkpoint', line: 19 })
    expect(finding.byteOffset).toBeCloseTo(before, -2)
    const stranger = anEpoch({ seed: 55 })
    const mixed = aClosedEpoch()
    mixed.notes.splice(1, 0, stranger.notes[0] as string)
    expect(only(await check(mixed))).toMatchObject({ code: 'forged', check: 'checkpoint' })
  })

  it('is an end that differs from its start', async () => {
    for (const changes of [
      { tool: toolOf('delete_order') },
      {
        invocation: {
          start: '',
          status: 'success',
          duration_ns: '1',
          input: aCommitment('other'),
        } as const,
      },
    ]) {
      const epoch = anEpoch({ calls: 1 }).start('input')
      const start = epoch.record(3)
      const invocation =
        'invocation' in changes ? { invocation: { ...changes.invocation, start } } : {}
      epoch.end(start, 'input', { ...changes, ...invocation }).close()
      const finding = only(await check(epoch))
      expect(finding).toMatchObject({ code: 'forged', check: 'calls', seq: 4, ...at(epoch, 4) })
    }
  })

  it('is an end whose start is no start', async () => {
    const epoch = anEpoch({ calls: 1 })
    epoch.end(epoch.record(2), 'input 1').close()
    expect(only(await check(epoch))).toMatchObject({ code: 'forged', check: 'calls', seq: 3 })
  })

  it('is an observation that leads back to where it began', async () => {
    const first = anEpoch({ seed: 101 })
    const second = anEpoch({ seed: 102, observed: [first.observedAs('live')] })
    const again = anEpoch({ seed: 101, observed: [second.observedAs('live')] })
    const verdict = await check([again.bytes(), second.bytes()], { live: true })
    expect(verdict.findings[0]).toMatchObject({ code: 'forged', check: 'epoch', seq: 0 })
    const self = anEpoch({ seed: 103 })
    const own = anEpoch({
      seed: 103,
      observed: [self.observedAs('live', { size: 0, leaf: ZEROS })],
    })
    expect((await check(own, { live: true })).counts).toMatchObject({ forged: 1 })
  })

  it('is an epoch that an observer saw closed and that is not', async () => {
    const journal = aJournal()
    const first = journal.open().call().checkpoint()
    const second = journal.open({ observed: [first.observedAs('closed')] }).close()
    const verdict = await check(journal)
    expect(verdict.findings).toContainEqual(
      expect.objectContaining({ code: 'forged', epoch: second.id, seq: 0 }),
    )
  })

  it('is a head that the caller kept and that is not the records’', async () => {
    const epoch = aClosedEpoch()
    const head = { origin: `${LOG}/${epoch.id}`, size: 4, root: ZEROS }
    const verdict = await check(epoch, { heads: [head] })
    expect(only(verdict)).toMatchObject({ code: 'forged', check: 'checkpoint', seq: 0, lastSeq: 3 })
    expect(verdict).toMatchObject({ ok: false, selfConsistent: true, headMatched: false })
    const forged = anEpoch({ calls: 1 })
    forged.notes = []
    forged.note(3, forged.root(), aKey(`${LOG}/${epoch.id}`, 99))
    const given = forged.notes[0] as string
    expect((await check(epoch, { heads: [given] })).counts).toEqual({ forged: 1 })
  })
})

describe('forked', () => {
  it('is another leaf than an observer saw', async () => {
    const journal = aJournal()
    const first = journal.open().call().call().checkpoint()
    const observed = first.observedAs('crashed', { size: 4, leaf: ZEROS })
    journal.open({ observed: [observed] }).close()
    const verdict = await check(journal)
    expect(verdict.findings).toContainEqual(
      expect.objectContaining({ code: 'forked', seq: 3, ...at(first, 3) }),
    )
  })

  it('is two checkpoints of one size with different roots', async () => {
    const epoch = anEpoch().note(7, ZEROS).close()
    const finding = only(await check(epoch))
    expect(finding).toMatchObject({ code: 'forked', check: 'checkpoint', line: 13 })
  })

  it('is two copies of an epoch that go different ways', async () => {
    const one = anEpoch({ seed: 9, calls: 2 })
    const other = anEpoch({ seed: 9, calls: 2 })
    one.call().close()
    other.start('something else').close({ open: [other.record(5)] })
    const verdict = await check([one.bytes(), other.bytes()])
    expect(verdict.findings).toContainEqual(expect.objectContaining({ code: 'forked', seq: 5 }))
    expect(verdict.counts['duplicated']).toBeUndefined()
  })
})

describe('a newer revision', () => {
  it('is heard on other epochs and on calls that are open', async () => {
    const newer = (epoch: EpochBuilder): EpochBuilder => {
      epoch.lines = epoch.lines.map((line) => line.replace('"rev":0', '"rev":7'))
      epoch.relink(0)
      epoch.notes = []
      return epoch.note(epoch.size, epoch.root())
    }
    const first = anEpoch({ seed: 61 }).start()
    first.checkpoint()
    const observed = [first.observedAs('crashed')]
    const second = anEpoch({ seed: 62, observed, calls: 0 }).start()
    newer(second.close({ open: [second.record(1)] }))
    const verdict = await check([first.bytes(), second.bytes()])
    expect(verdict).toMatchObject({ ok: true, level: 2, ends: { closed: 1, crashed: 1 } })
    expect(verdict.counts).toEqual({ newer_rev: 1, unclosed: 1, unanswered: 2 })
  })
})

describe('duplicated', () => {
  it('is the same epoch given twice', async () => {
    const epoch = aClosedEpoch()
    const verdict = await check([epoch.bytes(), epoch.bytes()])
    expect(only(verdict)).toMatchObject({ code: 'duplicated', check: 'epoch', epoch: epoch.id })
  })

  it('is a second end of a call, in whichever epoch', async () => {
    const epoch = anEpoch({ calls: 1 })
    epoch.end(epoch.record(1), 'input 1').close()
    expect(only(await check(epoch))).toMatchObject({ code: 'duplicated', check: 'calls', seq: 3 })
    const journal = aJournal()
    const first = journal.open().call().close()
    const second = journal.open({ observed: [first.observedAs('closed')] })
    second.end(first.record(1), 'input 1').close()
    expect(only(await check(journal))).toMatchObject({
      code: 'duplicated',
      epoch: second.id,
      seq: 1,
    })
  })
})

describe('missing, beyond an epoch', () => {
  it('is an epoch that another one saw', async () => {
    const journal = aJournal()
    const first = journal.open().call().close()
    const second = journal.open({ observed: [first.observedAs('closed')] }).close()
    const verdict = await check([second.bytes()])
    expect(only(verdict)).toMatchObject({
      code: 'missing',
      check: 'epoch',
      epoch: second.id,
      seq: 0,
    })
    expect(verdict).toMatchObject({ checked: 2, expected: 6 })
  })

  it('is the start of a call that ended here', async () => {
    const elsewhere = anEpoch({ seed: 9 })
    const epoch = anEpoch({ calls: 1 })
    epoch.end(elsewhere.record(1), 'x').end(epoch.record(90), 'x').close()
    expect(short(await check(epoch))).toEqual(['fault missing 3', 'fault missing 4'])
  })

  it('is an epoch of which the caller has a head', async () => {
    const other = anEpoch({ seed: 9 })
    const verdict = await check(aClosedEpoch(), { heads: [other.notes.at(-1) as string] })
    expect(only(verdict)).toMatchObject({ code: 'missing', epoch: other.id, lastSeq: 6 })
  })

  it('is an epoch of another log of which the caller has a head, whatever its id', async () => {
    const epoch = aClosedEpoch()
    const head = { origin: `example.com/other/${epoch.id}`, size: 2, root: epoch.root(2) }
    const verdict = await check(epoch, { heads: [head] })
    expect(only(verdict)).toMatchObject({ code: 'missing', epoch: epoch.id, lastSeq: 1 })
  })

  it('is everything, where there are no records', async () => {
    for (const epochs of [[], [epochOf(anEpoch().id, [], { notes: Buffer.alloc(0) })]]) {
      const verdict = await check(epochs, { live: true })
      expect(verdict).toMatchObject({ ok: false, level: 0, checked: 0 })
      expect(verdict.counts).toMatchObject({ missing: 1 })
    }
  })
})

describe('truncated', () => {
  it('is an epoch that is shorter than a checkpoint', async () => {
    const epoch = aClosedEpoch().remove(5, 3)
    expect(only(await check(epoch))).toMatchObject({
      code: 'truncated',
      epoch: epoch.id,
      seq: 5,
      lastSeq: 7,
      ...at(epoch, 4),
    })
  })

  it('is an epoch that is shorter than an observer saw, or a head that the caller kept', async () => {
    const journal = aJournal()
    const first = journal.open().call().checkpoint().call()
    journal.open({ observed: [first.observedAs('crashed')] }).close()
    first.remove(4)
    const verdict = await check(journal)
    expect(only(verdict)).toMatchObject({ code: 'truncated', seq: 4, epoch: first.id })
    expect(verdict).toMatchObject({ checked: 6, expected: 7 })
    const epoch = anEpoch({ calls: 2 })
    const head = { origin: `${LOG}/${epoch.id}`, size: 20, root: ZEROS }
    const shorter = await check(epoch, { heads: [head], live: true })
    expect(shorter.findings).toContainEqual(
      expect.objectContaining({ code: 'truncated', seq: 5, lastSeq: 19 }),
    )
  })

  it('is an epoch of whose records an opener found some lost', async () => {
    const journal = aJournal()
    const first = journal.open().call().checkpoint()
    const lost = first.observedAs('lost', { expected_size: 9 })
    const second = journal.open({ observed: [lost] }).close()
    const finding = only(await check(journal))
    expect(finding).toMatchObject({ code: 'truncated', epoch: second.id, seq: 0 })
    expect((await check(journal)).expected).toBe(11)
  })

  it('is an epoch that is gone and of which the keyring of an opener had a head', async () => {
    const journal = aJournal()
    const first = journal.open().call().checkpoint()
    const lost = first.observedAs('lost', { size: 0, leaf: ZEROS, expected_size: 3 })
    const second = journal.open({ observed: [lost] }).close()
    const verdict = await check([second.bytes()])
    expect(only(verdict)).toMatchObject({ code: 'truncated', epoch: second.id, seq: 0 })
    expect(verdict).toMatchObject({ checked: 2, expected: 5 })
  })

  it('is an epoch without any record of which there are checkpoints', async () => {
    const epoch = aClosedEpoch()
    const verdict = await check([epochOf(epoch.id, [], { notes: epoch.notesFile })])
    expect(verdict.counts).toMatchObject({ truncated: 1 })
  })
})

describe('how an epoch ends', () => {
  const crash = (tail = ''): JournalBuilder => {
    const journal = aJournal()
    const first = journal.open().call().start().checkpoint()
    first.tail = Buffer.from(tail)
    journal.open({ observed: [first.observedAs('crashed')] }).close()
    return journal
  }

  it('is a fault where nothing closes it or names its end', async () => {
    const epoch = anEpoch()
    expect(only(await check(epoch))).toMatchObject({
      kind: 'fault',
      code: 'unclosed',
      epoch: epoch.id,
      seq: 6,
      ...at(epoch, 6),
    })
  })

  it('is a notice while its writer may be at work', async () => {
    const verdict = await check(anEpoch().start(), { live: true })
    expect(short(verdict)).toEqual(['notice unclosed 7', 'notice unanswered 7'])
    expect(verdict).toMatchObject({ ok: true, level: 2, ends: { open: 1 } })
  })

  it('is a notice where a later epoch saw it crash there', async () => {
    const verdict = await check(crash())
    expect(short(verdict)).toEqual(['notice unclosed 3', 'notice unanswered 3'])
    expect(verdict).toMatchObject({ ok: true, level: 2, ends: { closed: 1, crashed: 1 } })
  })

  it('is a notice where the caller has a head of exactly that size', async () => {
    const epoch = anEpoch()
    const verdict = await check(epoch, { heads: [epoch.notes.at(-1) as string] })
    expect(short(verdict)).toEqual(['notice unclosed 6'])
    expect(verdict).toMatchObject({ ok: true, level: 3, ends: { headed: 1 } })
  })

  it('is not named by an observer who saw less, nor by one who saw it live', async () => {
    for (const [state, changes] of [
      ['crashed', { size: 2 }],
      ['live', {}],
    ] as const) {
      const journal = aJournal()
      const first = journal.open().call().checkpoint()
      const leaf = changes.size === undefined ? {} : { leaf: first.observedAs('live').leaf }
      const observed = first.observedAs(state, { ...changes, ...leaf })
      journal.open({ observed: [observed] }).close()
      const { counts } = await check(journal)
      expect(counts).toMatchObject({ unclosed: 1 })
    }
  })

  it('is a fault where records follow an observed crash', async () => {
    const journal = aJournal()
    const first = journal.open().call().checkpoint()
    const observed = first.observedAs('crashed')
    journal.open({ observed: [observed] }).close()
    first.call().close()
    expect(only(await check(journal))).toMatchObject({ code: 'unclosed', seq: 3, ...at(first, 3) })
  })

  it('has a torn tail that the observer names: a notice', async () => {
    const journal = crash('{"actor":{"agent"')
    const verdict = await check(journal)
    expect(short(verdict)).toEqual(['notice unclosed 3', 'notice torn', 'notice unanswered 3'])
    expect(verdict.findings[1]).toMatchObject(at(journal.epochs[0] as EpochBuilder, 4))
  })

  it('may have lost whole lines of which the last one read links to none', async () => {
    const journal = crash('garbage\n\u0000\u0000\u0000\nmore')
    expect(short(await check(journal))).toContain('notice torn')
    const long = crash(`${'x'.repeat(200_000)}\n${'y'.repeat(70_000)}`)
    expect(short(await check(long))).toContain('notice torn')
  })

  it('may be closed and torn behind that, as its observer names it', async () => {
    const journal = aJournal()
    const first = journal.open().call().close()
    first.tail = Buffer.from('{"a')
    const torn = first.observedAs('crashed').torn as { bytes: number; sha256: string }
    const second = journal.open({ observed: [first.observedAs('closed', { torn })] }).close()
    expect(short(await check(journal))).toEqual(['notice torn'])
    expect((await check([first.bytes(), second.bytes()], { live: true })).ok).toBe(true)
    expect(short(await check([first.bytes()]))).toEqual(['fault torn'])
  })

  it('has other torn bytes than the observer named: a fault', async () => {
    const journal = crash('{"actor":{"agent"')
    const [first] = journal.epochs as [EpochBuilder]
    first.tail = Buffer.from('{"actor":{"agenT"')
    expect(short(await check(journal))).toContain('fault torn')
    first.tail = Buffer.from('{"actor":{"agent"}')
    expect(short(await check(journal))).toContain('fault torn')
    first.tail = Buffer.alloc(0)
    expect(short(await check(journal))).toContain('notice torn 3')
  })

  it('has torn bytes that nobody named: a fault, unless it is being written', async () => {
    const epoch = anEpoch()
    epoch.tail = Buffer.from('{"actor":{"agent"')
    expect(short(await check(epoch))).toEqual(['fault unclosed 6', 'fault torn'])
    expect((await check(epoch)).findings[1]).toMatchObject({ line: 7, check: 'parse' })
    expect(short(await check(epoch, { live: true }))).toEqual(['notice unclosed 6', 'notice torn'])
  })

  it('has a torn checkpoint: a notice', async () => {
    const epoch = aClosedEpoch()
    const files = epoch.segmentFiles.map(({ bytes, firstSeq }) => ({
      file: segmentFile(epoch.id, firstSeq),
      bytes,
    }))
    const notes = Buffer.concat([epoch.notesFile, Buffer.from('211\nexample.com')])
    const verdict = await check([epochOf(epoch.id, files, { notes })])
    expect(short(verdict)).toEqual(['notice torn'])
    expect(verdict.findings[0]).toMatchObject({
      check: 'checkpoint',
      byteOffset: epoch.notesFile.length,
    })
  })

  it('names a file that cannot be cut into checkpoints, once', async () => {
    const epoch = aClosedEpoch()
    const files = epoch.segmentFiles.map(({ bytes, firstSeq }) => ({
      file: segmentFile(epoch.id, firstSeq),
      bytes,
    }))
    const broken = ['x', '0\n', '99999999\n', '5\nhello', '-1\n', '\n']
    for (const start of broken) {
      const notes = Buffer.concat([Buffer.from(start), epoch.notesFile])
      const verdict = await check([epochOf(epoch.id, files, { notes })])
      expect(verdict.findings.filter(({ code }) => code === 'edited')).toHaveLength(1)
      expect(verdict.ok).toBe(false)
    }
  })
})

describe('unsigned', () => {
  it('is an epoch without any checkpoint', async () => {
    const epoch = aClosedEpoch()
    epoch.notes = []
    expect(only(await check(epoch))).toMatchObject({
      kind: 'fault',
      code: 'unsigned',
      check: 'checkpoint',
      epoch: epoch.id,
      file: `${epoch.id}/checkpoints`,
    })
    expect(only(await check(epoch, { keys: [] })).code).toBe('unsigned')
  })

  it('is an epoch for whose key no pinned key vouches', async () => {
    const verdict = await check(aClosedEpoch(), { keys: pinned(aKey(LOG, 77)) })
    expect(verdict.counts['unsigned'] ?? verdict.counts['forged']).toBe(1)
    expect(verdict).toMatchObject({ ok: false, level: 0 })
    const own = anEpoch({ certs: [] }).close()
    const finding = only(await check(own))
    expect(finding).toMatchObject({ code: 'unsigned', check: 'epoch', seq: 0, ...at(own, 0) })
    expect(await check(own)).toMatchObject({ selfConsistent: true })
  })

  it('is tolerated for a minute while the writer is at work', async () => {
    const epoch = anEpoch()
    epoch.notes = []
    const soon = { live: true, now: () => START_MILLIS + 30_000 }
    expect(await check(epoch, soon)).toMatchObject({ ok: true, level: 1, signed: false })
    const late = { live: true, now: () => START_MILLIS + 90_000 }
    expect((await check(epoch, late)).counts).toMatchObject({ unsigned: 1 })
  })

  it('is not an epoch that died before its first checkpoint and that signed ones found', async () => {
    const journal = aJournal()
    const first = journal.open()
    first.notes = []
    const second = journal.open({ observed: [first.observedAs('crashed')] })
    second.notes = []
    const third = journal.open({ observed: [second.observedAs('crashed')] })
    expect(await check(journal, { live: true })).toMatchObject({ ok: true, level: 2, signed: true })
    third.notes = []
    third.close()
    third.notes = []
    expect((await check(journal)).counts).toMatchObject({ unsigned: 3 })
  })
})

describe('calls', () => {
  it('may end in a later epoch', async () => {
    const journal = aJournal()
    const first = journal.open().start('x')
    first.close({ open: [first.record(1)] })
    const second = journal.open({ observed: [first.observedAs('closed')] })
    second.end(first.record(1), 'x').close()
    expect(await check(journal)).toMatchObject({ ok: true, level: 2, findings: [] })
    // and whichever epoch is read first
    expect(await check(journal.bytes().reverse())).toMatchObject({ ok: true, findings: [] })
  })

  it('are compared with their start when the end is read first', async () => {
    const journal = aJournal()
    const first = journal.open().start('x')
    first.close({ open: [first.record(1)] })
    const second = journal.open({ observed: [first.observedAs('closed')] })
    second.end(first.record(1), 'y').close()
    expect(only(await check(journal.bytes().reverse()))).toMatchObject({
      code: 'forged',
      check: 'calls',
      epoch: second.id,
      seq: 1,
    })
  })

  it('without an end are a fault', async () => {
    const epoch = anEpoch().start().close()
    expect(only(await check(epoch))).toMatchObject({
      kind: 'fault',
      code: 'unanswered',
      check: 'calls',
      epoch: epoch.id,
      seq: 7,
      ...at(epoch, 7),
    })
  })

  it('without an end are a fault beside one that has nothing to do with them', async () => {
    const epoch = anEpoch({ calls: 4 }).start()
    epoch.start().end(epoch.record(10), 'input 10').close()
    epoch.edit(5, (line) => line.replace('"support-1"', '"support-2"'))
    expect(short(await check(epoch))).toEqual(['fault edited 5-6', 'fault unanswered 9'])
  })

  it('without an end are no finding of their own where the end may be what is gone', async () => {
    expect(short(await check(aClosedEpoch().remove(6)))).toEqual(['fault missing 6'])
    const unreadable = aClosedEpoch().edit(6, () => 'garbage')
    expect(short(await check(unreadable))).toEqual(['fault edited 6'])
    const other = aClosedEpoch()
    other.edit(6, (line) => line.replace(other.record(5), other.record(4)))
    expect((await check(other)).counts['unanswered']).toBeUndefined()
  })

  it('without an end are a notice where epoch.close lists or counts them', async () => {
    const listed = anEpoch().start()
    listed.start().close({ open: [listed.record(7)], more: 1 })
    expect(short(await check(listed))).toEqual(['notice unanswered 7', 'notice unanswered 8'])
    const fewer = anEpoch().start().start()
    fewer.start().close({ open: [fewer.record(7)], more: 1 })
    expect((await check(fewer)).ok).toBe(false)
  })

  it('are matched though ten thousand are under way', async () => {
    const epoch = anEpoch({ calls: 0 })
    for (let i = 0; i < 5_000; i++) epoch.start(`input ${i}`)
    for (let i = 0; i < 5_000; i++) epoch.end(epoch.record(1 + i), i === 7 ? 'other' : `input ${i}`)
    epoch.close()
    expect(short(await check(epoch))).toEqual(['fault forged 5008'])
  })
})

describe('time', () => {
  const closing = {
    type: 'epoch.close',
    severity: 'info',
    detail: { open: [], reason: 'shutdown', records: 4 },
  } as const
  it.each([
    ['goes back', { at: '2026-11-20T18:39:00.000Z' }],
    ['steps ahead of the monotonic one', { at: '2026-11-20T18:41:00.000Z' }],
    ['stays behind the monotonic one', { mono: '90000000000' }],
    ['goes back, the monotonic one', { mono: '1' }],
  ])('notes that a clock %s', async (_, time) => {
    const epoch = anEpoch({ calls: 1 }).append(closing, time).checkpoint()
    const verdict = await check(epoch)
    expect(only(verdict)).toMatchObject({ kind: 'notice', code: 'clock', check: 'time', seq: 3 })
    expect(verdict).toMatchObject({ ok: true, level: 2 })
  })

  it('notes records of the future, once', async () => {
    const verdict = await check(aClosedEpoch(), { now: () => START_MILLIS - 600_000 })
    expect(only(verdict)).toMatchObject({ kind: 'notice', code: 'clock', seq: 0 })
  })

  it('notes certificates that had expired when the epoch was opened', async () => {
    const certificate = { notAfter: '2026-11-20T18:00:00.000Z' }
    const verdict = await check(anEpoch({ certificate }).close())
    expect(only(verdict)).toMatchObject({ kind: 'notice', code: 'expired', check: 'epoch', seq: 0 })
  })

  it('notes an epoch whose id speaks of another time', async () => {
    const epoch = anEpoch({ calls: 0 })
    const late = (line: string): string =>
      line.replace(/"at":"[^"]*"/, '"at":"2026-11-20T19:40:00.000Z"')
    epoch.edit(0, late)
    epoch.notes = []
    epoch.note(1, epoch.root())
    expect(short(await check(epoch, { live: true }))).toContain('notice clock 0')
  })
})

describe('hostile input', () => {
  it('keeps the first thousand findings, faults before notices, and counts all', async () => {
    const epoch = anEpoch({ calls: 1 })
    epoch.insert(
      1,
      Array.from({ length: 2500 }, (_, i) => `garbage ${i}`),
    )
    const verdict = await check(epoch)
    expect(verdict.findings).toHaveLength(1000)
    expect(verdict.counts).toMatchObject({ edited: 2500, unclosed: 1 })
  })

  it('shows no control character in a message', async () => {
    const evil = `\u001b[2J\u202e${LOG}`
    const epoch = anEpoch({ calls: 0 })
    epoch.edit(0, (line) => line.replaceAll(LOG, JSON.stringify(evil).slice(1, -1)))
    const verdict = await check(epoch, { live: true })
    for (const { message } of verdict.findings) {
      expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/)
    }
  })

  it('reads a gigabyte on one line in bounded memory', { timeout: 60_000 }, async () => {
    const piece = Buffer.alloc(1 << 20, 'a')
    const gigabyte: EpochBytes = {
      name: 'long',
      async *segments() {
        yield {
          file: 'long.jsonl',
          async *chunks() {
            for (let i = 0; i < 1024; i++) yield piece
            yield Buffer.from('\nb\n')
          },
        }
      },
      async *checkpoints() {},
    }
    const before = process.memoryUsage().rss
    const verdict = await check([gigabyte])
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6)
    expect(verdict.findings[0]).toMatchObject({
      code: 'edited',
      check: 'parse',
      line: 1,
      byteOffset: 0,
    })
    expect(verdict.findings[1]).toMatchObject({ line: 2, byteOffset: 2 ** 30 + 1 })
  })

  it('lets errors of the source through', async () => {
    const failing: EpochBytes = {
      name: 'failing',
      async *segments() {
        yield {
          file: 'f',
          async *chunks() {
            yield Buffer.from('{')
            throw new Error('disk on fire')
          },
        }
      },
      async *checkpoints() {},
    }
    await expect(check([failing])).rejects.toThrow('disk on fire')
  })

  it('refuses heads that are none', async () => {
    const epochs = [aClosedEpoch().bytes()]
    const root = ZEROS
    for (const [head, code] of [
      ['no note', 'MALFORMED_NOTE'],
      [{ origin: LOG, size: 1, root }, 'INVALID_OPTION'],
    ] as const) {
      await expect(check(epochs, { heads: [head] })).rejects.toMatchObject({ code })
    }
  })
})

/** The shortest way to each finding. */
const EXAMPLES: Record<FindingCode, () => JournalBuilder | EpochBuilder | EpochBytes[]> = {
  edited: () => aClosedEpoch().edit(2, (line) => line.replace('EUR', 'USD')),
  forged: () => anEpoch().close({ records: 1 }),
  forked: () => anEpoch().note(7, ZEROS).close(),
  duplicated: () => aClosedEpoch().insert(2, aClosedEpoch().lines.slice(1, 2)),
  missing: () => aClosedEpoch().remove(2),
  truncated: () => aClosedEpoch().remove(7),
  reordered: () => {
    const epoch = aClosedEpoch()
    return epoch.insert(2, epoch.lines.slice(3, 4)).remove(4)
  },
  schema: () =>
    aClosedEpoch()
      .edit(2, (line) => line.replace('"info"', '"grave"'))
      .relink(3),
  unanswered: () => anEpoch().start().close(),
  torn: () => {
    const epoch = anEpoch()
    epoch.tail = Buffer.from('{')
    return epoch
  },
  unclosed: () => anEpoch(),
  unsigned: () => anEpoch({ certs: [] }).close(),
  unverifiable: () => aClosedEpoch().edit(0, (line) => line.replace('"v":1}', '"v":2}')),
  clock: () => anEpoch({ openedMillis: START_MILLIS + 40 * 86_400_000 }).close(),
  expired: () => anEpoch({ openedMillis: START_MILLIS + 100 * 86_400_000 }).close(),
  gap: () => anEpoch().gap().close(),
  newer_rev: () => {
    const epoch = anEpoch({ calls: 0 }).edit(0, (line) => line.replace('"rev":0', '"rev":1'))
    epoch.notes = []
    return epoch.note(1, epoch.root())
  },
}

it.each(FINDING_CODES.map((code) => [code]))('%s has an example', async (code) => {
  const verdict = await check(EXAMPLES[code]())
  const { [code]: count } = verdict.counts
  expect(count).toBe(1)
  const notice = FINDING_CODES.indexOf(code) >= FINDING_CODES.indexOf('clock')
  const finding = verdict.findings.find((one) => one.code === code)
  expect(finding?.kind).toBe(notice ? 'notice' : 'fault')
  expect(finding?.message).toMatch(/^[A-Z0-9].*\.$/)
})
