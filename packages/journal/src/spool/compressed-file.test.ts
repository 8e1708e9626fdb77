// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import { readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readRange } from '../byte-file.ts'
import { findEpochEnd } from '../epoch-end.ts'
import { aFolder, filesIn } from '../journal.fixture.ts'
import { journalSource } from '../journal-source.ts'
import { openCompressed } from './compressed-file.ts'
import type { FilledJournal } from './spool.fixture.ts'
import {
  aFilledJournal,
  aWriter,
  copyOf,
  deliver,
  faultsOf,
  linesOf,
  verdictOf,
} from './spool.fixture.ts'
import { tendSpool } from './tend-spool.ts'
import { FRAME_CONTENT_BYTES, frameOptions } from './zstd-frames.ts'

const MEBIBYTE = 1024 * 1024

function written(...frames: Uint8Array[]): string {
  const path = join(aFolder(), '000000000001.jsonl.zst')
  writeFileSync(path, Buffer.concat(frames))
  return path
}

function frame(content: Uint8Array): Buffer {
  return zstdCompressSync(content, frameOptions(content.length))
}

/** Bytes that shrink by half or so, as hex digits do. */
function content(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0, state = 1; i < length; i++) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    bytes[i] = '0123456789abcdef'.charCodeAt((state >> 16) & 15)
  }
  return bytes
}

/** How much can be read, and what is wrong behind. */
function readAll(path: string): { readonly bytes: number; readonly damage: string | undefined } {
  const file = openCompressed(path)
  try {
    const read = readRange(file, 0, Math.min(file.size, 64 * MEBIBYTE))
    return { bytes: read.length, damage: file.damage }
  } finally {
    file.close()
  }
}

test('any range reads as it was written', () => {
  const bytes = content(2 * FRAME_CONTENT_BYTES + 12_345)
  const parts = [0, 1, 2].map((i) =>
    frame(bytes.subarray(i * FRAME_CONTENT_BYTES, (i + 1) * FRAME_CONTENT_BYTES)),
  )
  const file = openCompressed(written(...parts))
  expect(file.size).toBe(bytes.length)
  fc.assert(
    fc.property(fc.nat(bytes.length + 10), fc.nat(40_000), (offset, length) => {
      const expected = bytes.subarray(offset, offset + length)
      expect(readRange(file, offset, length).equals(expected)).toBe(true)
    }),
    { numRuns: 30 },
  )
  file.close()
})

test('a file that is cut, changed or no zstd at all ends before the damage', () => {
  const [first, second] = [frame(content(FRAME_CONTENT_BYTES)), frame(content(200_000))]
  const whole = Buffer.concat([first, second])
  const total = FRAME_CONTENT_BYTES + 200_000
  fc.assert(
    fc.property(fc.nat(whole.length - 1), (cut) => {
      const { bytes, damage } = readAll(written(whole.subarray(0, cut)))
      expect(bytes).toBe(cut < first.length ? 0 : FRAME_CONTENT_BYTES)
      expect(damage === undefined).toBe(cut === first.length)
    }),
    { numRuns: 30 },
  )
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ mask
      const { bytes, damage } = readAll(written(changed))
      expect(bytes).toBeLessThan(total)
      expect(damage).toBeTypeOf('string')
    }),
    { numRuns: 60 },
  )
  for (const text of ['x', 'no zstd, but long enough for a header', '(\u00b5/\u00fd']) {
    expect(readAll(written(Buffer.from(text, 'latin1')))).toMatchObject({ bytes: 0 })
  }
})

test('what unpacks to more than records can is not unpacked', () => {
  const zeros = zstdCompressSync(
    Buffer.alloc(FRAME_CONTENT_BYTES),
    frameOptions(FRAME_CONTENT_BYTES),
  )
  const bombs = [
    written(zeros),
    written(...Array.from({ length: 5_000 }, () => zeros)),
    written(zstdCompressSync(Buffer.alloc(200 * MEBIBYTE))),
    written(zstdCompressSync(Buffer.alloc(200 * MEBIBYTE), { pledgedSrcSize: 200 * MEBIBYTE })),
    written(zstdCompressSync(content(3 * MEBIBYTE), frameOptions(3 * MEBIBYTE))),
    written(zstdCompressSync(content(1_000))), // without a size
    written(Buffer.from('502a4d18ffffff7f', 'hex'), frame(content(10))), // a skippable frame of 2 GB
    written(frame(content(100)), frame(content(100))), // a short frame that is not the last
  ]
  for (const path of bombs) {
    const { bytes, damage } = readAll(path)
    expect(bytes).toBeLessThanOrEqual(100)
    expect(damage).toBeTypeOf('string')
  }
})

/** A filled journal, compressed, and its first compressed segment of the closed epoch. */
async function aPacked(): Promise<FilledJournal & { readonly segment: string }> {
  const filled = aFilledJournal({ durability: 'none' }, 8)
  filled.live.close()
  await tendSpool(filled.journal, { sinks: [] })
  const folder = join(filled.journal, filled.closed)
  const [name = ''] = filesIn(folder).filter((each) => each.endsWith('.zst'))
  return { ...filled, segment: join(filled.closed, name) }
}

test('damage to a compressed segment is found by everybody, and stops nobody else', async () => {
  const { journal, keys, closed, segment } = await aPacked()
  const bytes = readFileSync(join(journal, segment))
  const damages: Record<string, (path: string) => void> = {
    cut: (path) => writeFileSync(path, bytes.subarray(0, bytes.length - 7)),
    empty: (path) => writeFileSync(path, ''),
    changed: (path) => writeFileSync(path, bytes.toReversed()),
    bomb: (path) => writeFileSync(path, zstdCompressSync(Buffer.alloc(100 * MEBIBYTE))),
    link: (path) => {
      renameSync(path, `${path}.aside`)
      symlinkSync(`${path}.aside`, path)
    },
    pipe: (path) => {
      renameSync(path, `${path}.aside`)
      execFileSync('mkfifo', [path])
    },
  }
  for (const damage of Object.values(damages)) {
    const copy = copyOf(journal)
    damage(join(copy, segment))
    expect((await verdictOf(copy, keys, true)).ok).toBe(false)
    const source = journalSource(copy, { sinkName: 'reader', cursor: 'memory' })
    const seen: string[] = []
    for (;;) {
      const batch = await source.read({ recordCountMax: 500, bytesMax: 900_000 })
      if (batch === undefined) break
      seen.push(...batch.records.map(({ epoch, seq }) => `${epoch}/${seq}`))
      await source.commit(batch)
    }
    expect(new Set(seen.map((place) => place.slice(0, 36))).size).toBe(3)
    expect(seen.filter((place) => place.startsWith(closed))).toEqual([`${closed}/0`])
    expect(source.stuck()).toMatchObject([{ epoch: closed, seq: 1 }])
    // The next opener starts all the same.
    aWriter(copy, keys.copy()).close()
    expect(findEpochEnd(join(copy, closed), closed).size).toBeLessThanOrEqual(18)
    const report = await tendSpool(copy, { sinks: ['kafka'], deleteAfterMillis: 0 })
    expect(report.deleted.segments).toBe(0)
  }
})

test('where the plain file is there, too, it is the one that is read', async () => {
  const { journal, keys, segment } = await aPacked()
  const lines = await linesOf(journal)
  const path = join(journal, segment)
  const file = openCompressed(path)
  writeFileSync(path.replace(/\.zst$/, ''), readRange(file, 0, file.size))
  file.close()
  writeFileSync(path, 'half')
  expect(await linesOf(journal)).toEqual(lines)
  expect(faultsOf(await verdictOf(journal, keys))).toEqual([])
  // A run that was killed in between is finished.
  expect((await tendSpool(journal, { sinks: [] })).compressed.segments).toBe(1)
  expect(await linesOf(journal)).toEqual(lines)
  expect(statSync(path).size).toBeGreaterThan(100)
})

test('a reader goes on where a segment was compressed, or removed, under its hands', async () => {
  const { journal, live } = aFilledJournal({ durability: 'none' }, 30)
  live.close()
  const expected = (await linesOf(journal)).length
  const source = journalSource(journal, { sinkName: 'kafka' })
  let seen = 0
  for (let turn = 0; ; turn++) {
    const batch = await source.read({ recordCountMax: 3, bytesMax: 900_000 })
    if (batch === undefined) break
    seen += batch.records.length
    await source.commit(batch)
    if (turn === 10) await tendSpool(journal, { sinks: [] })
    const later = Date.now() + 1_000
    if (turn > 15 && turn % 5 === 0) {
      await tendSpool(journal, { sinks: ['kafka'], deleteAfterMillis: 0, now: () => later })
    }
  }
  expect(seen).toBe(expected)
  expect(source.stuck()).toEqual([])
  expect(await deliver(journal, 'kafka')).toEqual([])
})
