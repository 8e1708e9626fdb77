// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Batch, EpochBytes, SealedRecord } from '@spanseal/core'
import { leafHash } from '@spanseal/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fileSink } from './file-sink.ts'
import { codeOf, codeOfRejection } from './journal.fixture.ts'
import { journalSource } from './journal-source.ts'
import { rebuildLeaves } from './leaves-file.ts'
import { shipLock } from './spool/ship-lock.ts'
import { stdoutSink } from './stdout-sink.ts'

const EPOCH = '019aa500-0000-7000-8000-000000000001'
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-sink-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function aRecord(seq: number): SealedRecord {
  const chain = { epoch: EPOCH, log: 'example.com/a', prev: '0'.repeat(64), seq }
  const line = Buffer.from(JSON.stringify({ chain, time: { at: '' }, type: 'tool.end' }))
  return { log: 'example.com/a', epoch: EPOCH, seq, leaf: leafHash(line), type: 'tool.end', line }
}

function batch(...seqs: number[]): Batch {
  return { records: seqs.map(aRecord), checkpoints: [] }
}

function linesOf(file: string): string[] {
  return readFileSync(join(folder, file), 'utf8').split('\n').slice(0, -1)
}

const expected = (...seqs: number[]): string[] => seqs.map((seq) => aRecord(seq).line.toString())

test('records are appended as the lines that were hashed, in order', async () => {
  const sink = fileSink({ path: join(folder, 'deep/er/audit.jsonl') })
  await sink.deliver(batch(0, 1))
  await sink.deliver(batch(2))
  expect(linesOf('deep/er/audit.jsonl')).toEqual(expected(0, 1, 2))
})

test('a record that comes again is not written again, in this process or the next', async () => {
  const path = join(folder, 'audit.jsonl')
  const first = fileSink({ path })
  await first.deliver(batch(0, 1))
  await first.deliver(batch(1, 2))
  await first.close(0)
  await fileSink({ path }).deliver(batch(0, 1, 2, 3))
  expect(linesOf('audit.jsonl')).toEqual(expected(0, 1, 2, 3))
})

test('what a crash wrote beyond the saved progress is found, and its torn end replaced', async () => {
  const path = join(folder, 'audit.jsonl')
  await fileSink({ path }).deliver(batch(0))
  appendFileSync(path, `${aRecord(1).line.toString()}\n${aRecord(2).line.toString().slice(0, 20)}`)
  await fileSink({ path }).deliver(batch(0, 1, 2))
  expect(linesOf('audit.jsonl')).toEqual(expected(0, 1, 2))
})

test('without its progress file the sink reads the whole file instead of repeating it', async () => {
  const path = join(folder, 'audit.jsonl')
  await fileSink({ path }).deliver(batch(0, 1))
  writeFileSync(`${path}.progress`, '{"bytes":')
  await fileSink({ path }).deliver(batch(0, 1, 2))
  expect(linesOf('audit.jsonl')).toEqual(expected(0, 1, 2))
})

test('a full file is put aside and no record is lost', async () => {
  const path = join(folder, 'audit.jsonl')
  const sink = fileSink({ path, fileBytesMax: 400 })
  for (let seq = 0; seq < 6; seq++) await sink.deliver(batch(seq))
  const files = readdirSync(folder)
    .filter((name) => !name.endsWith('.progress'))
    .sort()
  expect(files.length).toBeGreaterThan(2)
  const inOrder = [...files.slice(1), files[0] as string].flatMap(linesOf)
  expect(inOrder).toEqual(expected(0, 1, 2, 3, 4, 5))
})

test('a file that cannot be written is doubtful, so that the batch comes again', async () => {
  const path = join(folder, 'audit.jsonl', 'below-a-file')
  writeFileSync(join(folder, 'audit.jsonl'), '')
  await expect(fileSink({ path }).deliver(batch(0))).rejects.toMatchObject({
    code: 'DELIVERY_DOUBTFUL',
  })
})

test.skipIf(process.platform !== 'linux')(
  'a folder that takes no folders is refused, not asked for ever',
  async () => {
    const path = '/proc/self/none/of/this/audit.jsonl'
    expect(await codeOfRejection(fileSink({ path }).deliver(batch(0)))).toBe('DELIVERY_DOUBTFUL')
    const source = (): unknown => journalSource('/proc/self', { sinkName: 'kafka' })
    expect(codeOf(source)).toBe('JOURNAL_UNUSABLE')
    expect(codeOf(() => shipLock('/proc/self', 'kafka'))).toBe('JOURNAL_UNUSABLE')
    const epoch = { epoch: '', segments: () => [], checkpoints: () => [] }
    await expect(rebuildLeaves(epoch as unknown as EpochBytes, path)).rejects.toThrow('ENOENT')
  },
)

test.each([{ path: '' }, { path: 'x', fileBytesMax: 0 }, { path: 'x', fileBytesMax: 1.5 }])(
  'unusable options %j are refused',
  (options) => {
    expect(() => fileSink(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  },
)

test('the stdout sink writes the same lines', async () => {
  const chunks: Buffer[] = []
  const stream = { write: (bytes: Buffer, done: () => void) => (chunks.push(bytes), done(), true) }
  const sink = stdoutSink({ stream: stream as unknown as NodeJS.WritableStream })
  await sink.deliver(batch(0, 1))
  expect(Buffer.concat(chunks).toString()).toBe(`${expected(0, 1).join('\n')}\n`)
})
