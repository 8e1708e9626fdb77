// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EpochBytes } from '@spanseal/core'
import { expect, test } from 'vitest'
import { openWriter } from './epoch-writer.ts'
import {
  aFolder,
  checkedJournal,
  codeOfRejection,
  filesIn,
  memoryKeys,
  readNotes,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'
import { readJournal } from './read-journal.ts'

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts).toString()
}

interface ReadEpoch {
  readonly epoch: string | undefined
  readonly segments: readonly (number | undefined)[]
  readonly lines: readonly string[]
  readonly checkpoints: string
}

async function readEpochBytes(bytes: EpochBytes): Promise<ReadEpoch> {
  const segments: (number | undefined)[] = []
  let all = ''
  for await (const segment of bytes.segments()) {
    segments.push(segment.firstSeq)
    all += await text(segment.chunks())
  }
  const checkpoints = await text(bytes.checkpoints())
  return { epoch: bytes.epoch, segments, lines: all.split('\n').slice(0, -1), checkpoints }
}

async function readAll(paths: string | string[], ignored: string[] = []): Promise<ReadEpoch[]> {
  const epochs: ReadEpoch[] = []
  const onIgnored = (path: string): void => void ignored.push(path)
  for await (const bytes of readJournal(paths, { onIgnored })) {
    epochs.push(await readEpochBytes(bytes))
  }
  return epochs
}

function aJournal(epochs = 2): string {
  const journal = join(aFolder(), 'audit')
  const keys = memoryKeys()
  for (let i = 0; i < epochs; i++) {
    const writer = openWriter(writerOptions(journal, { keys, segmentBytesMax: 3_000 }))
    for (let n = 0; n < 10; n++) writer.append(() => toolStart())
    writer.close()
  }
  return journal
}

test('a journal is read epoch by epoch, its segments and checkpoints in order', async () => {
  const journal = aJournal()
  const epochs = await readAll(journal)
  expect(epochs.map(({ epoch }) => epoch)).toEqual(filesIn(journal))
  for (const { epoch = '', segments, lines, checkpoints } of epochs) {
    expect(lines).toHaveLength(12)
    expect(segments.length).toBeGreaterThan(3)
    expect(segments.slice(0, 2)).toEqual([0, 1])
    const notes = readNotes(join(journal, epoch, 'checkpoints'))
    expect(checkpoints).toContain(notes[1])
  }
})

test('one epoch folder and one file can be read as well, several paths one after the other', async () => {
  const journal = aJournal()
  const [first = '', second = ''] = filesIn(journal)
  const one = await readAll(join(journal, first))
  expect(one).toHaveLength(1)
  expect(one[0]).toMatchObject({ epoch: first })
  const file = join(journal, second, '000000000001.jsonl')
  const copy = join(aFolder(), 'exported.jsonl')
  copyFileSync(file, copy)
  const files = await readAll([join(journal, first), file, copy])
  expect(files.map(({ epoch, segments }) => [epoch, segments[0]])).toEqual([
    [first, 0],
    [undefined, 1],
    [undefined, undefined],
  ])
  expect(files[1]?.lines).toEqual(files[2]?.lines)
})

test('what is no part of a journal is left out and reported', async () => {
  const journal = aJournal(1)
  const [epoch = ''] = filesIn(journal)
  writeFileSync(join(journal, 'README'), 'hello')
  mkdirSync(join(journal, 'cursors'))
  mkdirSync(join(journal, '.new-019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00'))
  writeFileSync(join(journal, '019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f01'), 'no folder')
  symlinkSync(
    join(journal, '019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f02'),
    join(journal, '019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f02'),
  )
  writeFileSync(join(journal, epoch, 'notes.txt'), '')
  writeFileSync(join(journal, epoch, '1.jsonl'), '')
  const ignored: string[] = []
  expect(await readAll(journal, ignored)).toHaveLength(1)
  expect(ignored.map((path) => path.slice(journal.length + 1)).sort()).toEqual([
    '.new-019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00',
    '019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f01',
    '019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f02',
    `${epoch}/1.jsonl`,
    `${epoch}/notes.txt`,
    'README',
  ])
})

test('an empty folder has no epochs', async () => {
  expect(await readAll(aFolder())).toEqual([])
})

test('nothing at the path, a loop of links, a pipe and a device are told apart from a journal', async () => {
  const folder = aFolder()
  symlinkSync(join(folder, 'loop'), join(folder, 'loop'))
  execFileSync('mkfifo', [join(folder, 'pipe')])
  expect(await codeOfRejection(readAll(join(folder, 'none')))).toBe('NOT_FOUND')
  expect(await codeOfRejection(readAll(join(folder, 'loop')))).toBe('JOURNAL_UNUSABLE')
  expect(await codeOfRejection(readAll(join(folder, 'pipe')))).toBe('JOURNAL_UNUSABLE')
  expect(await codeOfRejection(readAll('/dev/zero'))).toBe('JOURNAL_UNUSABLE')
})

test('a pipe or a folder in place of a segment is an error, not an epoch without it', async () => {
  const journal = aJournal(1)
  const [epoch = ''] = filesIn(journal)
  const segment = join(journal, epoch, '000000000001.jsonl')
  rmSync(segment)
  execFileSync('mkfifo', [segment])
  expect(await codeOfRejection(readAll(journal))).toBe('JOURNAL_UNUSABLE')
  rmSync(segment)
  mkdirSync(segment)
  expect(await codeOfRejection(readAll(journal))).toBe('JOURNAL_UNUSABLE')
})

test('of an epoch that grows while it is read no checkpoint is shown that the list did not have', async () => {
  const journal = aFolder()
  const writer = openWriter(writerOptions(journal))
  writer.append(() => toolStart())
  const epochs = readJournal(journal)
  const first: IteratorResult<EpochBytes, unknown> = await epochs.next()
  writer.close()
  const { lines, checkpoints } = await readEpochBytes(first.value as EpochBytes)
  expect(lines).toHaveLength(3)
  expect(checkpoints.match(/^— /gm)).toHaveLength(1)
  expect(checkedJournal(journal)[0]?.checkpoints).toEqual([1, 3])
})

test('an epoch that is named twice, be it by a link, is read once', async () => {
  const journal = aJournal(2)
  const [epoch = ''] = filesIn(journal)
  const link = join(aFolder(), 'link')
  symlinkSync(journal, link)
  const ignored: string[] = []
  const onIgnored = (path: string): unknown => ignored.push(path)
  const names: string[] = []
  for await (const { name } of readJournal([journal, link, join(journal, epoch)], { onIgnored })) {
    names.push(name)
  }
  expect(names).toEqual(
    filesIn(journal)
      .filter((name) => name.length === 36)
      .map((id) => join(journal, id)),
  )
  expect(ignored).toHaveLength(names.length + 1)
})
