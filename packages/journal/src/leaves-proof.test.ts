// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  checkBundle,
  consistencyProof,
  formatBundle,
  isConsistent,
  leafNodes,
  MerkleFrontier,
  parseCheckpoint,
  parseNote,
  parseVkey,
} from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { openWriter } from './epoch-writer.ts'
import {
  aFolder,
  codeOfRejection,
  memoryKeys,
  onlyEpoch,
  readNotes,
  toolStart,
  writerOptions,
} from './journal.fixture.ts'
import { openLeaves, rebuildLeaves } from './leaves-file.ts'
import { proveJournalRecord } from './leaves-proof.ts'
import { readJournal } from './read-journal.ts'

interface Written {
  readonly journal: string
  readonly epoch: string
  readonly folder: string
  readonly size: number
  readonly vkey: string
}

/** A closed journal of one epoch in several segments. */
function aJournal(records = 40): Written {
  const journal = join(aFolder(), 'audit')
  const keys = memoryKeys()
  const writer = openWriter(writerOptions(journal, { keys, segmentBytesMax: 3_000 }))
  for (let n = 0; n < records; n++) writer.append(() => toolStart())
  writer.close()
  const { epoch, records: written } = onlyEpoch(journal)
  const folder = join(journal, epoch)
  return { journal, epoch, folder, size: written.length, vkey: keys.issuerVkey }
}

async function levelOf(bundle: Parameters<typeof formatBundle>[0], vkey: string): Promise<number> {
  const verdict = await checkBundle(formatBundle(bundle), { keys: [parseVkey(vkey)] })
  return verdict.level
}

/** Every file of a journal with its bytes. */
function snapshot(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile())
  return new Map(
    files.map(({ name, parentPath }) => {
      const path = join(parentPath, name)
      return [path, readFileSync(path, 'hex')]
    }),
  )
}

describe('proveJournalRecord', () => {
  it('proves every record, with and without kept leaves, and never writes into the journal', async () => {
    const { journal, epoch, size, vkey } = aJournal()
    const before = snapshot(journal)
    const leavesFolder = join(aFolder(), 'leaves')
    for (let seq = 0; seq < size; seq++) {
      const plain = await proveJournalRecord(journal, { epoch, seq })
      const kept = await proveJournalRecord(journal, { epoch, seq, leavesFolder })
      expect(kept).toEqual(plain)
      expect(await levelOf(plain, vkey)).toBe(2)
    }
    expect(snapshot(journal)).toEqual(before)
    expect(readdirSync(leavesFolder)).toEqual([`${epoch}.leaves`])
    expect(readFileSync(join(leavesFolder, `${epoch}.leaves`))).toHaveLength(size * 32)
  })

  it('uses what the writer left, and does without where it is wrong', async () => {
    const { journal, epoch, folder, size, vkey } = aJournal()
    const plain = await proveJournalRecord(journal, { epoch, seq: 7 })
    const [bytes] = await allLeaves(folder)
    for (const content of [
      bytes,
      Buffer.alloc(size * 32),
      bytes?.subarray(0, 100),
      Buffer.alloc(0),
    ]) {
      writeFileSync(join(folder, 'leaves'), content as Buffer)
      const proven = await proveJournalRecord(journal, { epoch, seq: 7 })
      expect(proven).toEqual(plain)
      expect(await levelOf(proven, vkey)).toBe(2)
    }
    rmSync(join(folder, 'leaves'))
    mkdirSync(join(folder, 'leaves'))
    expect(await proveJournalRecord(journal, { epoch, seq: 7 })).toEqual(plain)
    rmSync(join(folder, 'leaves'), { recursive: true })
    execFileSync('mkfifo', [join(folder, 'leaves')])
    expect(await proveJournalRecord(journal, { epoch, seq: 7 })).toEqual(plain)
  })

  it('makes kept leaves again where they are wrong or the epoch has grown', async () => {
    const { journal, epoch, size } = aJournal()
    const leavesFolder = join(aFolder(), 'leaves')
    const plain = await proveJournalRecord(journal, { epoch, seq: 7, leavesFolder })
    const file = join(leavesFolder, `${epoch}.leaves`)
    const right = readFileSync(file)
    for (const wrong of [
      Buffer.alloc(size * 32, 7),
      right.subarray(0, 5 * 32),
      right.subarray(1),
    ]) {
      writeFileSync(file, wrong)
      expect(await proveJournalRecord(journal, { epoch, seq: 7, leavesFolder })).toEqual(plain)
      expect(readFileSync(file)).toEqual(right)
    }
  })

  it('proves from kept leaves when earlier records are gone', async () => {
    const { journal, epoch, folder, size, vkey } = aJournal()
    const leavesFolder = join(aFolder(), 'leaves')
    await proveJournalRecord(journal, { epoch, seq: 1, leavesFolder })
    rmSync(join(folder, '000000000001.jsonl'))
    const seq = size - 2
    const kept = await proveJournalRecord(journal, { epoch, seq, leavesFolder })
    expect(await levelOf(kept, vkey)).toBe(2)
    const code = await codeOfRejection(proveJournalRecord(journal, { epoch, seq }))
    expect(code).toBe('JOURNAL_UNUSABLE')
  })

  it('refuses records that are not what was signed', async () => {
    const { journal, epoch, folder } = aJournal()
    const segment = join(folder, '000000000001.jsonl')
    const leavesFolder = join(aFolder(), 'leaves')
    await proveJournalRecord(journal, { epoch, seq: 7, leavesFolder })
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('"refund"', '"reFund"'))
    for (const options of [{}, { leavesFolder }]) {
      const proving = proveJournalRecord(journal, { epoch, seq: 1, ...options })
      expect(await codeOfRejection(proving)).toBe('JOURNAL_UNUSABLE')
    }
  })

  it('says that there is no such record, epoch or signature yet', async () => {
    const { journal, epoch, folder, size } = aJournal()
    const codeFor = (options: { epoch: string; seq: number }): Promise<string | undefined> =>
      codeOfRejection(proveJournalRecord(journal, options))
    expect(await codeFor({ epoch, seq: size })).toBe('NOT_FOUND')
    expect(await codeFor({ epoch, seq: -1 })).toBe('INVALID_OPTION')
    expect(await codeFor({ epoch, seq: 0.5 })).toBe('INVALID_OPTION')
    expect(await codeFor({ epoch: '../etc', seq: 1 })).toBe('INVALID_OPTION')
    const other = epoch.replace(/^./, 'f')
    expect(await codeFor({ epoch: other, seq: 1 })).toBe('NOT_FOUND')
    copyFileSync(join(folder, 'writer.json'), join(folder, 'checkpoints'))
    expect(await codeFor({ epoch, seq: 1 })).toBe('NOT_FOUND')
    rmSync(join(folder, '000000000000.jsonl'))
    expect(await codeFor({ epoch, seq: 1 })).toBe('JOURNAL_UNUSABLE')
  })
})

async function allLeaves(folder: string): Promise<Buffer[]> {
  const file = join(aFolder(), 'all.leaves')
  for await (const epoch of readJournal(folder)) await rebuildLeaves(epoch, file)
  return [readFileSync(file)]
}

describe('a leaves file', () => {
  it('gives the root and the consistency of the epoch’s own checkpoints', async () => {
    const { folder, size } = aJournal()
    const [bytes] = (await allLeaves(folder)) as [Buffer]
    const path = join(aFolder(), 'leaves')
    writeFileSync(path, bytes)
    const file = await openLeaves(path)
    expect(file?.count).toBe(size)
    const nodes = leafNodes(file?.read ?? (async () => Buffer.alloc(0)))
    const heads = readNotes(join(folder, 'checkpoints')).map((note) =>
      parseCheckpoint(parseNote(note).text),
    )
    const last = heads.at(-1) as (typeof heads)[number]
    expect(last.size).toBe(size)
    expect(heads.length).toBeGreaterThan(1)
    for (const head of heads) {
      const proof = await consistencyProof(head.size, last.size, nodes)
      expect(isConsistent(head, last, proof)).toBe(true)
    }
    const tree = new MerkleFrontier()
    for (let i = 0; i < size; i++) tree.append(bytes.toString('hex', i * 32, (i + 1) * 32))
    expect(tree.root()).toBe(last.root)
    await file?.close()
  })
})
