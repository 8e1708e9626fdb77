// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  appendFileSync,
  cpSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { ObservedEpoch } from '@spanseal/core'
import { isEpochId, sha256Hex } from '@spanseal/core'
import { expect, test } from 'vitest'
import { openWriter } from './epoch-writer.ts'
import type { MemoryKeys } from './journal.fixture.ts'
import {
  abandon,
  aFolder,
  checkedEpoch,
  checkedJournal,
  filesIn,
  memoryKeys,
  openOf,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'
import { nodeFs } from './journal-fs.ts'

/** Opens an epoch, and returns what it says of the others. */
function observedBy(journal: string, keys: MemoryKeys): readonly ObservedEpoch[] {
  const writer = openWriter(writerOptions(journal, { keys }))
  const epoch = writer.epoch ?? ''
  writer.close()
  const { records } = checkedEpoch(join(journal, epoch), epoch)
  return records.flatMap((record) =>
    record.type === 'epoch.open' || record.type === 'epoch.observed' ? record.detail.observed : [],
  )
}

/** An epoch with `count` calls whose process is gone; returns its id. */
function crashed(journal: string, keys: MemoryKeys, count = 3): string {
  const writer = openWriter(writerOptions(journal, { keys, durability: 'none' }))
  for (let i = 0; i < count; i++) writer.append(() => toolStart())
  const epoch = writer.epoch ?? ''
  abandon(journal, epoch)
  return epoch
}

const lastSegment = (journal: string, epoch: string): string =>
  join(
    journal,
    epoch,
    filesIn(join(journal, epoch)).findLast((name) => name.endsWith('.jsonl')) ?? '',
  )

test('a crashed epoch is named with its size, its last leaf and its torn end', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const epoch = crashed(journal, keys)
  const torn = '{"chain":{"epoch":"half a rec'
  appendFileSync(lastSegment(journal, epoch), torn)
  const [observed] = observedBy(journal, keys)
  expect(observed).toEqual({
    epoch,
    leaf: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    size: 4,
    state: 'crashed',
    torn: { bytes: torn.length, sha256: sha256Hex(torn) },
  })
  expect(readFileSync(lastSegment(journal, epoch), 'utf8').endsWith(torn)).toBe(true)
})

test('a whole line without its LF is torn, and so is one that does not link', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const epoch = crashed(journal, keys)
  const path = lastSegment(journal, epoch)
  const bytes = readFileSync(path)
  truncateSync(path, bytes.length - 1)
  expect(observedBy(journal, keys)).toMatchObject([{ epoch, size: 3, state: 'crashed' }])

  const other = crashed(journal, keys)
  const [first = ''] = readFileSync(lastSegment(journal, other), 'utf8').split('\n')
  appendFileSync(lastSegment(journal, other), `${first}\n`)
  const [observed] = observedBy(journal, keys)
  expect(observed).toMatchObject({ epoch: other, size: 4, torn: { bytes: first.length + 1 } })
})

test('what follows a record that does not link is torn, later segments included', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const writer = openWriter(writerOptions(journal, { keys, segmentBytesMax: 2_500 }))
  for (let i = 0; i < 8; i++) writer.append(() => toolStart())
  const epoch = writer.epoch ?? ''
  abandon(journal, epoch)
  const segments = filesIn(join(journal, epoch)).filter((name) => name.endsWith('.jsonl'))
  expect(segments.length).toBeGreaterThan(3)
  const second = join(journal, epoch, segments[2] ?? '')
  const text = readFileSync(second, 'utf8')
  writeFileSync(second, text.replace('"info"', '"warn"'))
  const [observed] = observedBy(journal, keys)
  const firstSeq = Number.parseInt(segments[2] ?? '', 10)
  // The edited record still links; the one behind it does not.
  expect(observed).toMatchObject({ epoch, size: firstSeq + 1, state: 'crashed' })
  expect(observed?.torn?.bytes).toBeGreaterThan(text.length / 2)
})

test('a live epoch is named as live, again and again as it grows, until it is closed', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const writer = openWriter(writerOptions(journal, { keys }))
  const first = writer.append(() => toolStart())
  const live = { epoch: first.epoch, state: 'live' }
  expect(observedBy(journal, keys)).toEqual([{ ...live, leaf: first.leaf, size: 2 }])
  const [again] = observedBy(journal, keys).filter(({ state }) => state === 'live')
  expect(again).toBeUndefined() // its present size is named already
  const second = writer.append(() => toolStart())
  expect(observedBy(journal, keys)).toContainEqual({ ...live, leaf: second.leaf, size: 3 })
  writer.close()
  expect(observedBy(journal, keys)).toContainEqual(
    expect.objectContaining({ epoch: first.epoch, size: 4, state: 'closed' }),
  )
  expect(observedBy(journal, keys)).not.toContainEqual(
    expect.objectContaining({ epoch: first.epoch }),
  )
})

test('each epoch is named once, also by openers that know nothing from before', () => {
  const journal = aFolder()
  const epochs = Array.from({ length: 10 }, () => {
    const keys = memoryKeys()
    const observed = observedBy(journal, keys)
    return { observed, last: filesIn(journal).filter(isEpochId).at(-1) }
  })
  expect(epochs.map(({ observed }) => observed.map(({ epoch }) => epoch))).toEqual(
    epochs.map((_, i) => (i === 0 ? [] : [epochs[i - 1]?.last])),
  )
})

test('more than 64 observations go on in epoch.observed', () => {
  const journal = aFolder()
  const gone = Array.from({ length: 70 }, () => {
    const apart = aFolder()
    const epoch = crashed(apart, memoryKeys(), 1)
    cpSync(join(apart, epoch), join(journal, epoch), { recursive: true })
    return epoch
  })
  const writer = openWriter(writerOptions(journal, { keys: memoryKeys() }))
  writer.close()
  const { records } = checkedEpoch(
    join(journal, writer.epochs.values().next().value ?? ''),
    [...writer.epochs][0] ?? '',
  )
  expect(records.map(({ type }) => type)).toEqual(['epoch.open', 'epoch.observed', 'epoch.close'])
  const named = records.flatMap((record) =>
    record.type === 'epoch.open' || record.type === 'epoch.observed' ? record.detail.observed : [],
  )
  expect(named.map(({ epoch }) => epoch)).toEqual([...gone].sort())
})

test('an epoch that is shorter than its head, or gone, is lost', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const ids = [1, 2].map(() => {
    const writer = openWriter(writerOptions(journal, { keys }))
    for (let i = 0; i < 5; i++) writer.append(() => toolStart())
    writer.append(() => toolStart())
    writer.syncNow()
    writer.close()
    return [...writer.epochs][0] ?? ''
  })
  const [cut = '', removed = ''] = ids
  const path = lastSegment(journal, cut)
  const lines = readFileSync(path, 'utf8').split('\n')
  writeFileSync(path, `${lines.slice(0, 3).join('\n')}\n`)
  rmSync(join(journal, cut, 'checkpoints'))
  rmSync(join(journal, removed), { recursive: true })
  const fresh: MemoryKeys = { ...memoryKeys(), notes: keys.notes, heads: keys.heads }
  const heads = { ...keys.heads, settled: () => new Set<string>() }
  const observed = observedBy(journal, { ...fresh, heads })
  expect(observed).toContainEqual(
    expect.objectContaining({ epoch: cut, expected_size: 8, size: 4, state: 'lost' }),
  )
  expect(observed).toContainEqual({
    epoch: removed,
    expected_size: 8,
    leaf: '0'.repeat(64),
    size: 0,
    state: 'lost',
  })
})

test('the search for the end begins at the last checkpoint', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const options = { keys, checkpointRecords: 100, durability: 'none' } as const
  const writer = openWriter(writerOptions(journal, options))
  const last = Array.from({ length: 2_050 }, () => writer.append(() => toolStart(500))).at(-1)
  const epoch = writer.epoch ?? ''
  abandon(journal, epoch)
  const path = lastSegment(journal, epoch)
  const text = readFileSync(path, 'latin1')
  // Broken far in front of the last checkpoint: the verifier's to find, not an opener's.
  writeFileSync(path, text.replace('"seq":7}', '"seq":8}'))
  expect(observedBy(journal, keys)).toEqual([
    { epoch, leaf: last?.leaf, size: 2_051, state: 'crashed' },
  ])
})

test('nonsense in an epoch folder is named, not thrown', () => {
  const journal = aFolder()
  // Each in ignorance of the others, of whom they would speak otherwise.
  const [empty = '', noise = '', noOpen = ''] = [1, 2, 3].map(() => {
    const apart = aFolder()
    const epoch = crashed(apart, memoryKeys())
    cpSync(join(apart, epoch), join(journal, epoch), { recursive: true })
    return epoch
  })
  for (const name of filesIn(join(journal, empty))) rmSync(join(journal, empty, name))
  writeFileSync(join(journal, noise, 'checkpoints'), '99\nnonsense')
  writeFileSync(join(journal, noise, 'writer.json'), '[]')
  writeFileSync(lastSegment(journal, noise), Buffer.alloc(300_000, 0xff))
  rmSync(join(journal, noOpen, '000000000000.jsonl'))
  // Nobody knows who wrote these two, but nobody did for long.
  const hourAgo = Date.now() / 1_000 - 3_600
  utimesSync(lastSegment(journal, noise), hourAgo, hourAgo)
  for (const epoch of [empty, noise]) utimesSync(join(journal, epoch), hourAgo, hourAgo)
  const observed = observedBy(journal, memoryKeys())
  expect(observed).toContainEqual({ epoch: empty, leaf: '0'.repeat(64), size: 0, state: 'crashed' })
  expect(observed).toContainEqual(
    expect.objectContaining({
      epoch: noise,
      size: 1,
      torn: expect.objectContaining({ bytes: 300_000 }) as object,
    }),
  )
  expect(observed).toContainEqual(expect.objectContaining({ epoch: noOpen, size: 0 }))
})

test('a silent host is crashed after five minutes, and named again when it wakes', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const writer = openWriter(writerOptions(journal, { keys }))
  writer.append(() => toolStart())
  const epoch = writer.epoch ?? ''
  const beatAt = (beat: number): void => {
    const state = { host: 'f'.repeat(32), boot: 'b', pid: 1, started: '1', beat }
    writeFileSync(join(journal, epoch, 'writer.json'), JSON.stringify(state))
  }
  const states = (): string[] =>
    observedBy(journal, keys)
      .filter((observed) => observed.epoch === epoch)
      .map(({ state, size }) => `${state} ${size}`)
  beatAt(Date.now() - 240_000)
  expect(states()).toEqual(['live 2'])
  beatAt(Date.now() - 301_000)
  expect(states()).toEqual(['crashed 2'])
  expect(states()).toEqual([])
  writer.append(() => toolStart())
  beatAt(Date.now())
  expect(states()).toEqual(['live 3'])
})

test('an epoch is not called crashed because nothing can be read of its writer', () => {
  for (const state of [undefined, '', '{"host":', 'x'.repeat(100_000), '[]']) {
    const journal = aFolder()
    const keys = memoryKeys()
    const writer = openWriter(writerOptions(journal, { keys }))
    writer.append(() => toolStart())
    const epoch = writer.epoch ?? ''
    rmSync(join(journal, epoch, 'writer.json'))
    if (state !== undefined) writeFileSync(join(journal, epoch, 'writer.json'), state)
    expect(observedBy(journal, keys)).toMatchObject([{ epoch, state: 'live', size: 2 }])
    expect(keys.heads.settled().has(epoch)).toBe(false)
    // After five minutes without any change it is as one of a silent host, which may wake up.
    const longAgo = Date.now() / 1_000 - 301
    utimesSync(lastSegment(journal, epoch), longAgo, longAgo)
    utimesSync(join(journal, epoch), longAgo, longAgo)
    const of = (found: ReturnType<typeof observedBy>): unknown[] =>
      found.filter((each) => each.epoch === epoch)
    expect(of(observedBy(journal, keys))).toMatchObject([{ state: 'crashed', size: 2 }])
    expect(of(observedBy(journal, keys))).toEqual([])
    expect(keys.heads.settled().has(epoch)).toBe(false)
    writer.append(() => toolStart())
    expect(of(observedBy(journal, keys))).toMatchObject([{ state: 'live', size: 3 }])
    writer.close()
  }
})

test('a named end is synced before it is named', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  crashed(journal, keys)
  const order: string[] = []
  const fs = {
    ...nodeFs,
    fdatasyncSync: (fd: number) => {
      order.push('sync')
      nodeFs.fdatasyncSync(fd)
    },
    mkdirSync: (path: string, mode: number) => {
      order.push('open')
      nodeFs.mkdirSync(path, mode)
    },
  }
  openWriter(writerOptions(journal, { keys, fs })).close()
  expect(order.slice(0, 3)).toEqual(['sync', 'sync', 'open'])
})

test('a settled epoch is not looked into again', () => {
  const journal = aFolder()
  const keys = memoryKeys()
  const epoch = crashed(journal, keys)
  observedBy(journal, keys)
  // What is settled is not even looked into: replaced by a file it disturbs nobody.
  rmSync(join(journal, epoch), { recursive: true })
  writeFileSync(join(journal, epoch), '')
  expect(keys.heads.settled().has(epoch)).toBe(true)
  expect(observedBy(journal, keys)).not.toContainEqual(expect.objectContaining({ epoch }))
  rmSync(join(journal, epoch))
  expect(checkedJournal(journal).map((found) => openOf(found).observed.length)).toEqual([1, 1])
})
