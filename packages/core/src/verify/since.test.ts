// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import type { RecordDraft } from '../line.ts'
import type { EpochBuilder, JournalBuilder } from './a-journal.fixture.ts'
import { aJournal, aKey, chunksOf, LOG, pinned, START_MILLIS } from './a-journal.fixture.ts'
import { aRevocation, aTenantLog, expired } from './a-tenant-log.fixture.ts'
import type { HeadFile } from './head-file.ts'
import { formatHeadFile, parseHeadFile, parseHeadLines } from './head-file-text.ts'
import type { EpochBytes } from './input.ts'
import type { FindingCode, Verdict } from './verdict.ts'
import type { VerifyOptions } from './verify.ts'
import { verify, verifyToHead } from './verify.ts'

const TENANT = pinned(aJournal().tenant)
const now = (): number => START_MILLIS + 86_400_000

/** The head file of a journal as it stands, by way of its text. */
async function headOf(journal: JournalBuilder, options: VerifyOptions = {}): Promise<HeadFile> {
  const { head, verdict } = await verifyToHead(journal.bytes(), {
    keys: TENANT,
    now,
    live: true,
    ...options,
  })
  expect(verdict.findings.filter(({ kind }) => kind === 'fault')).toEqual([])
  const text = formatHeadFile(head as HeadFile)
  expect(parseHeadFile(text)).toEqual(head)
  return parseHeadFile(text)
}

function check(
  journal: JournalBuilder | readonly EpochBytes[],
  since: HeadFile,
  options: VerifyOptions = {},
): Promise<Verdict> {
  const epochs = 'bytes' in journal ? journal.bytes() : journal
  return verify(epochs, { keys: TENANT, now, live: true, since, ...options })
}

function faults({ findings }: Verdict): FindingCode[] {
  return findings.filter(({ kind }) => kind === 'fault').map(({ code }) => code)
}

/** An open epoch behind a closed one, its segments counted as they are read. */
function aGrowingJournal(): { journal: JournalBuilder; first: EpochBuilder; open: EpochBuilder } {
  const journal = aJournal()
  const first = journal.open().call().call().close()
  const open = journal
    .open({ observed: [first.observedAs('closed')] })
    .call()
    .checkpoint()
  return { journal, first, open }
}

describe('verification from a trusted head', () => {
  it('reads only what is new, and says what the head stands for', async () => {
    const { journal, open } = aGrowingJournal()
    const since = await headOf(journal)
    open.call().call().close()
    const verdict = await check(journal, since, { live: false })
    expect(verdict).toMatchObject({
      ok: true,
      level: 3,
      checked: 5,
      heldByHead: 9,
      expected: 14,
      beyondHead: { epochs: 0, records: 5 },
      ends: { closed: 2 },
    })
    const whole = await verify(journal.bytes(), { keys: TENANT, now })
    expect(verdict.heads).toEqual(whole.heads)
    const from = await verifyToHead(journal.bytes(), { keys: TENANT, now, since })
    const all = await verifyToHead(journal.bytes(), { keys: TENANT, now })
    expect(from.head).toEqual(all.head)
  })

  it('reads of what the head stands for only the openings and the last records', async () => {
    const journal = aJournal()
    const epoch = journal.open()
    for (let i = 0; i < 500; i++) epoch.call()
    const since = await headOf(journal)
    epoch.checkpoint().call().checkpoint()
    epoch.chunkBytes = 4096
    let bytes = 0
    const counted = journal.bytes().map(
      (source): EpochBytes => ({
        ...source,
        async *segments() {
          for await (const segment of source.segments()) {
            yield {
              ...segment,
              async *chunks(from?: number) {
                for await (const chunk of segment.chunks(from)) {
                  bytes += chunk.length
                  yield chunk
                }
              },
            }
          }
        },
      }),
    )
    expect(await check(counted, since)).toMatchObject({ ok: true, checked: 2, heldByHead: 1001 })
    // The opening twice, and from the last record that the head stands for on.
    const lines = [0, 0, 1000, 1001, 1002].map((seq) => epoch.lines[seq] as string)
    expect(bytes).toBe(Buffer.byteLength(lines.join('')) + lines.length)
  })

  it('finds what new records do wrong', async () => {
    const { journal, open } = aGrowingJournal()
    const since = await headOf(journal)
    const before = open.lines.length
    open.call().call().close()
    open.edit(before + 1, (line) => line.replace('250000000', '250000001'))
    expect(faults(await check(journal, since))).toEqual(['edited'])
    open.relink(before)
    expect(faults(await check(journal, since))).toEqual(['forged'])
    open.remove(before)
    expect(faults(await check(journal, since))).toContain('missing')
  })

  it('does not see edits in what the head stands for: that is its bargain', async () => {
    const { first, journal } = aGrowingJournal()
    const since = await headOf(journal)
    first.edit(2, (line) => line.replace('250000000', '250000001'))
    expect(await check(journal, since)).toMatchObject({ ok: true, heldByHead: 9, checked: 0 })
  })

  it('finds an epoch that is shorter, another one, or gone', async () => {
    const { first, journal, open } = aGrowingJournal()
    const since = await headOf(journal)
    const { lines } = open
    open.lines = lines.slice(0, -1)
    expect(faults(await check(journal, since))).toEqual(['truncated'])
    open.lines = [...lines]
    open.edit(2, (line) => line.replace('250000000', '250000009'))
    expect(faults(await check(journal, since))[0]).toBe('forked')
    open.lines = [...lines]
    open.edit(0, (line) => line.replace('support-agent', 'suppprt-agent'))
    expect(faults(await check(journal, since))).toContain('forked')
    open.lines = [...lines]
    journal.epochs.splice(journal.epochs.indexOf(first), 1)
    expect(faults(await check(journal, since))).toEqual(['missing'])
  })

  it('carries calls that were under way', async () => {
    const journal = aJournal()
    const epoch = journal.open()
    const [first, second, third] = [1, 2, 3].map((seq) => epoch.record(seq)) as [
      string,
      string,
      string,
    ]
    epoch.start('a').start('b').start('c').end(first, 'a').checkpoint()
    const since = await headOf(journal)
    epoch.end(second, 'b').checkpoint()
    const good = await check(journal, since)
    expect(good).toMatchObject({ ok: true, counts: { unanswered: 1, unclosed: 1 } })
    const wrong = journal.epochs[0] as EpochBuilder
    wrong.end(third, 'another input').checkpoint()
    expect(faults(await check(journal, since))).toEqual(['forged'])
    wrong.end(first, 'a').checkpoint()
    expect(faults(await check(journal, since))).toEqual(['forged', 'duplicated'])
  })

  it('goes on to new epochs, and holds what they saw against the head', async () => {
    const { first, journal, open } = aGrowingJournal()
    const since = await headOf(journal)
    journal
      .open({ observed: [open.observedAs('crashed')] })
      .call()
      .close()
    expect(await check(journal, since)).toMatchObject({ ok: true, level: 2, ends: { crashed: 1 } })
    journal.open({ observed: [first.observedAs('closed', { leaf: '7'.repeat(64) })] }).close()
    expect(faults(await check(journal, since))).toContain('forked')
  })

  it('believes what an epoch observed only as far as it is what the head stands for', async () => {
    const journal = aJournal()
    const first = journal.open().call().close()
    const open = journal.open()
    const observedAs = (...seen: readonly EpochBuilder[]): RecordDraft => ({
      type: 'epoch.observed',
      severity: 'info',
      detail: { observed: seen.map((epoch) => epoch.observedAs('closed')) },
    })
    open.append(observedAs(first))
    const early = await headOf(journal)
    open.call().call().close()
    const since = await headOf(journal)
    const unsigned = journal.open().call().close()
    unsigned.notes = []
    const forged = aJournal().open({ seed: 101, openedMillis: START_MILLIS + 3_600_000 })
    forged.append(observedAs(unsigned))
    for (const [head, observed, codes] of [
      [since, [forged.lines[1]], ['forked', 'unsigned']],
      [early, [open.lines[1], forged.lines[1]], ['forked', 'duplicated']],
    ] as const) {
      expect(faults(await check(journal, head))).toEqual(['unsigned'])
      const source = open.bytes()
      const shown: EpochBytes = {
        ...source,
        async *segments() {
          for await (const segment of source.segments()) {
            const bytes = Buffer.from([open.lines[0], ...observed, ''].join('\n'))
            const chunks = (from = 0): AsyncGenerator<Uint8Array> =>
              chunksOf(bytes.subarray(from), Infinity)
            yield segment.firstSeq === 0 ? { ...segment, chunks } : segment
          }
        },
      }
      const verdict = await check([first.bytes(), shown, unsigned.bytes()], head)
      expect(verdict).toMatchObject({ ok: false, level: 0 })
      expect(faults(verdict)).toEqual(codes)
    }
  })

  it('does without what was observed where that has expired', async () => {
    const journal = aJournal()
    const first = journal.open().call().close()
    const open = journal.open()
    open.segmentStarts = [0, 1, 4]
    open.append({
      type: 'epoch.observed',
      severity: 'info',
      detail: { observed: [first.observedAs('closed')] },
    })
    open.call().call().close()
    const since = await headOf(journal)
    const verdict = await check([first.bytes(), expired(open, 3)], since)
    expect(verdict).toMatchObject({ ok: true, level: 3 })
  })

  it('asks for the keys anew, and for revocations', async () => {
    const { journal } = aGrowingJournal()
    const since = await headOf(journal)
    const stranger = { keys: pinned(aKey(LOG, 66)) }
    expect(faults(await check(journal, since, stranger))).toEqual(['unsigned', 'unsigned'])
    const revocations = [aRevocation(journal.issuer.vkey, 0)]
    expect(faults(await check(journal, since, { revocations }))).toEqual(['unsigned', 'unsigned'])
  })

  it('carries the head of the tenant log', async () => {
    const { first, journal, open } = aGrowingJournal()
    const log = aTenantLog(first, open)
    const since = await headOf(journal, { tenantLog: log.bytes() })
    expect(since.tenant).toEqual(log.head())
    open.call().checkpoint()
    log.checkpoint(open)
    const verdict = await check(journal, since, { tenantLog: log.bytes() })
    expect(verdict).toMatchObject({ ok: true, level: 3, tenantHead: { size: 4 } })
    log.entries.splice(3)
    const back = await check(journal, since, { tenantLog: log.bytes() })
    expect(faults(back)).toEqual(['truncated'])
    // Without the log that head could not be compared, and is not passed over in silence.
    await expect(check(journal, since)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  it('goes on where records before the head have expired', async () => {
    const journal = aJournal()
    const epoch = journal.open()
    epoch.segmentStarts = [0, 1, 3, 5]
    epoch.call().call().call().checkpoint()
    const since = await headOf(journal)
    epoch.call().checkpoint()
    expect(await check([expired(epoch, 2)], since)).toMatchObject({
      ok: true,
      checked: 2,
      heldByHead: 7,
    })
    epoch.segmentStarts = [0, 1, 7]
    const gone = await check([expired(epoch, 6)], since)
    expect(gone).toMatchObject({ ok: true, checked: 3, heldByHead: 0, expired: 6, level: 3 })
  })
})

describe('a head file', () => {
  it('is a file of head lines, too', async () => {
    const { journal } = aGrowingJournal()
    const head = await headOf(journal)
    const lines = formatHeadFile(head, { linesOnly: true })
    expect(parseHeadLines(lines)).toEqual(head.epochs.map((one) => one.head))
    expect(parseHeadLines(formatHeadFile(head))).toEqual(parseHeadLines(lines))
  })

  it('is refused in any other form, or where heads do not follow from it', async () => {
    const { journal } = aGrowingJournal()
    const text = formatHeadFile(await headOf(journal))
    const malformed = [
      '',
      text.slice(0, -1),
      text.replace('heads/1', 'heads/2'),
      text.replace('"at":', '"to":'),
      text.replace('"closed":true', '"closed":1'),
      text.replace('"rev":0', '"rev":0,"x":1'),
      text.replace('"rev":0', '"rev": 0'),
      text.replace('#> {', '#> ['),
      text.replace(/^#> .*\n/m, ''),
      text.replace(/("nodes":\["[0-9a-f]{8})[0-9a-f]/, '$1'),
      text.replace(
        /("nodes":\["[0-9a-f]{8})([0-9a-f])/,
        (_, a: string, b: string) => a + (b === '0' ? '1' : '0'),
      ),
      `${text}${text.split('\n').slice(1, 3).join('\n')}\n`,
    ]
    for (const one of malformed) {
      expect(one).not.toBe(text)
      expect(() => parseHeadFile(one)).toThrow(expect.objectContaining({ code: 'MALFORMED_HEAD' }))
    }
  })

  it('is not made of a journal that does not hold', async () => {
    const { first, journal } = aGrowingJournal()
    first.edit(2, (line) => line.replace('250000000', '250000001'))
    const { head, verdict } = await verifyToHead(journal.bytes(), { keys: TENANT, now, live: true })
    expect(verdict.ok).toBe(false)
    expect(head).toBeUndefined()
  })
})
