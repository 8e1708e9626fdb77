// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, lstatSync, mkdirSync, readFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import type { Batch, BatchLimits, Finding, Verdict } from '@spanseal/core'
import { parseVkey, verify } from '@spanseal/core'
import type { EpochWriter } from '../epoch-writer.ts'
import { openWriter } from '../epoch-writer.ts'
import type { MemoryKeys } from '../journal.fixture.ts'
import {
  abandon,
  aFolder,
  filesIn,
  memoryKeys,
  toolEnd,
  toolStart,
  writerOptions,
} from '../journal.fixture.ts'
import { listEpochs, listSegments } from '../journal-layout.ts'
import { journalSource } from '../journal-source.ts'
import { readJournal } from '../read-journal.ts'
import type { WriterOptions } from '../writer-options.ts'
import type { SpoolFs } from './spool-fs.ts'
import { nodeSpoolFs } from './spool-fs.ts'

export const SINK = 'kafka'
export const DAY_MILLIS = 86_400_000

/** Segments of some ten records, so that there are several. */
export function aWriter(
  journal: string,
  keys: MemoryKeys,
  more: Partial<WriterOptions> = {},
): EpochWriter {
  return openWriter(
    writerOptions(journal, { keys, segmentBytesMax: 9_000, checkpointRecords: 9, ...more }),
  )
}

export function calls(writer: EpochWriter, count: number): void {
  for (let i = 0; i < count; i++) {
    const start = writer.append(() => toolStart())
    writer.append(() => toolEnd(start))
  }
}

/** Keys that another copy of the journal can go on with. */
export interface CopyableKeys extends MemoryKeys {
  copy(): CopyableKeys
}

function copyableKeys(from: MemoryKeys = memoryKeys()): CopyableKeys {
  const notes = new Map(from.notes)
  const settled = new Set(from.heads.settled())
  const heads: MemoryKeys['heads'] = {
    epochs: () => [...notes.keys()],
    read: (epoch) => notes.get(epoch),
    save: (epoch, note) => void notes.set(epoch, note),
    settled: () => settled,
    settle: (epochs) => {
      for (const epoch of epochs) settled.add(epoch)
    },
  }
  const keys = { ...from, notes, heads }
  return { ...keys, copy: () => copyableKeys(keys) }
}

export interface FilledJournal {
  readonly journal: string
  readonly keys: CopyableKeys
  /** One that was closed, one that crashed with a torn end, one whose writer is at work. */
  readonly closed: string
  readonly crashed: string
  readonly live: EpochWriter
}

/** A journal with an epoch of each kind, each of several segments. */
export function aFilledJournal(more: Partial<WriterOptions> = {}, count = 20): FilledJournal {
  const journal = join(aFolder(), 'audit')
  const keys = copyableKeys()
  const first = aWriter(journal, keys, more)
  calls(first, count)
  const closed = first.epoch ?? ''
  first.close()
  const second = aWriter(journal, keys, { ...more, durability: 'none' })
  calls(second, count - 2)
  second.append(() => toolStart())
  const crashed = second.epoch ?? ''
  abandon(journal, crashed)
  const live = aWriter(journal, keys, more)
  calls(live, count - 1)
  return { journal, keys, closed, crashed, live }
}

const LIMITS: BatchLimits = { recordCountMax: 50, bytesMax: 900_000 }

/** Reads for a sink and commits until there is nothing more. */
export async function deliver(
  journal: string,
  sinkName: string = SINK,
  limits: BatchLimits = LIMITS,
): Promise<Batch[]> {
  const source = journalSource(journal, { sinkName, rescanMillis: 1 })
  const batches: Batch[] = []
  for (;;) {
    const batch = await source.read(limits)
    if (batch === undefined) break
    batches.push(batch)
    await source.commit(batch)
  }
  // Once more, so that what is over is noted as done.
  await source.read(limits)
  return batches
}

/** Everything of a journal from its beginning, as `<epoch>/<seq> <line>`. */
export async function linesOf(journal: string): Promise<string[]> {
  const source = journalSource(journal, { sinkName: 'reader', cursor: 'memory' })
  const lines: string[] = []
  for (let batch = await source.read(LIMITS); batch; batch = await source.read(LIMITS)) {
    for (const { epoch, seq, line } of batch.records) {
      lines.push(`${epoch}/${String(seq).padStart(12, '0')} ${Buffer.from(line).toString()}`)
    }
    await source.commit(batch)
  }
  if (source.stuck().length > 0) throw new Error(JSON.stringify(source.stuck()))
  return lines.sort()
}

export function verdictOf(journal: string, keys: MemoryKeys, live = true): Promise<Verdict> {
  return verify(readJournal(journal), { keys: [parseVkey(keys.issuerVkey)], live })
}

/** Findings with their places, the form in which a segment lies there left out. */
export function findingsOf({ findings }: Verdict, journal: string): Partial<Finding>[] {
  return findings.map(({ file, ...rest }) => ({
    ...rest,
    message: rest.message.replaceAll('.jsonl.zst', '.jsonl').replaceAll(journal, ''),
    ...(file === undefined ? {} : { file: file.replace(/\.zst$/, '').replace(journal, '') }),
  }))
}

export function faultsOf({ findings }: Verdict): string[] {
  return findings.filter(({ kind }) => kind === 'fault').map(({ code }) => code)
}

/** The bytes of an epoch's records, whatever its segments. */
export async function bytesOf(journal: string, epoch: string): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const each of readJournal(join(journal, epoch))) {
    for await (const segment of each.segments()) {
      for await (const chunk of segment.chunks()) parts.push(chunk)
    }
  }
  return Buffer.concat(parts).toString()
}

/** Every file of the journal's epochs with its bytes. */
export function filesOf(journal: string): Record<string, string> {
  const files: Record<string, string> = {}
  for (const epoch of listEpochs(journal)) {
    for (const name of filesIn(join(journal, epoch))) {
      files[`${epoch}/${name}`] = readFileSync(join(journal, epoch, name), 'latin1')
    }
  }
  return files
}

/** Makes all segments as old as that. */
export function age(journal: string, millis: number): void {
  const at = (Date.now() - millis) / 1_000
  for (const epoch of listEpochs(journal)) {
    for (const { path } of listSegments(join(journal, epoch))) {
      if (lstatSync(path).isFile()) utimesSync(path, at, at)
    }
  }
}

export function copyOf(journal: string): string {
  const copy = join(aFolder(), 'copy')
  mkdirSync(copy)
  cpSync(journal, copy, { recursive: true, preserveTimestamps: true })
  return copy
}

/** Thrown where a process is killed. */
export class Killed extends Error {}

/** A file system that kills before its n-th change, and takes none afterwards; counts them. */
export function killingFs(at: number): { readonly fs: SpoolFs; readonly changes: () => number } {
  let changes = 0
  const port = nodeSpoolFs as unknown as Record<string, (...args: unknown[]) => unknown>
  const reads = new Set(['closeSync', 'freeSpace'])
  const entries = Object.entries(port).map(([name, call]) => [
    name,
    (...args: unknown[]): unknown => {
      if (reads.has(name)) return call(...args)
      if (changes >= at) throw new Killed(name)
      changes++
      return call(...args)
    },
  ])
  return { fs: Object.fromEntries(entries) as SpoolFs, changes: () => changes }
}
