// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordSource, SealedCheckpoint, SealedRecord, Verdict } from '@spanseal/core'
import { parseVkey, verify } from '@spanseal/core'
import { journalSource, readJournal } from '@spanseal/journal'
import type { KafkaSourceOptions } from '@spanseal/kafka'
import { kafkaSource } from '@spanseal/kafka'

/** What a consumer found in the topics, beside the journal that was shipped there. */
export interface Found {
  /** Of the journal, all acknowledged. */
  readonly records: number
  /** Records of the journal that are not in the topic, or not byte for byte. */
  readonly lost: readonly string[]
  /** Records of the topic that are not in the journal. */
  readonly invented: readonly string[]
  /** Second copies, byte for byte the same. */
  readonly duplicates: number
  /** Second copies with other bytes. */
  readonly forks: readonly string[]
  /** Records whose first copy came after that of a later one of their epoch. */
  readonly outOfOrder: number
  readonly epochs: number
  readonly verdict: Pick<Verdict, 'ok'> & { readonly findings: readonly string[] }
}

export interface CompareOptions {
  readonly source: KafkaSourceOptions
  readonly journal: string
  /** Not there yet; what a consumer reads is filed in it as a journal. */
  readonly folder: string
  readonly vkey: string
}

/**
 * Reads all of the topics as a consumer does, without leaving out duplicates, and holds it against
 * the journal and against the verifier, who gets nothing but what was read and a pinned key.
 */
export async function compare(options: CompareOptions): Promise<Found> {
  const { source, journal, folder, vkey } = options
  const reading = new Reading(folder)
  await reading.readAll(source)
  const lost: string[] = []
  const left = new Set(reading.leaves.keys())
  let records = 0
  for await (const record of recordsOf(journalSource(journal, COMPARING))) {
    records++
    const place = placeOf(record)
    left.delete(place)
    if (reading.leaves.get(place) !== record.leaf) lost.push(place)
  }
  const verdict = await verify(readJournal(folder), { keys: [parseVkey(vkey)] })
  const { duplicates, forks, outOfOrder } = reading
  return {
    records,
    lost,
    invented: [...left],
    duplicates,
    forks,
    outOfOrder,
    epochs: reading.epochs,
    verdict: { ok: verdict.ok, findings: verdict.findings.map((f) => `${f.code}: ${f.message}`) },
  }
}

/** Records of the journal behind `acknowledged` that a consumer does not find in the topics. */
export async function missingBehind(
  acknowledged: ReadonlyMap<string, number>,
  { journal, source }: Pick<CompareOptions, 'journal' | 'source'>,
): Promise<string[]> {
  const there = new Map<string, string>()
  for await (const record of recordsOf(kafkaSource({ ...source, untilEnd: true }))) {
    there.set(placeOf(record), record.leaf)
  }
  const missing: string[] = []
  for await (const record of recordsOf(journalSource(journal, COMPARING))) {
    const isBehind = record.seq > (acknowledged.get(record.epoch) ?? -1)
    if (isBehind && there.get(placeOf(record)) !== record.leaf) missing.push(placeOf(record))
  }
  return missing
}

const COMPARING = { sinkName: 'compare', cursor: 'memory' } as const

/** What must hold after every fault. */
export const WHOLE = {
  lost: [],
  invented: [],
  forks: [],
  outOfOrder: 0,
  verdict: { ok: true, findings: [] },
} satisfies Partial<Found>

/** One reading of the topics: counted, and filed so that it can be verified. */
class Reading {
  /** `<epoch>/<seq>` → leaf, of the first copies. */
  readonly leaves = new Map<string, string>()
  readonly forks: string[] = []
  duplicates = 0
  outOfOrder = 0
  readonly #folder: string
  readonly #highest = new Map<string, number>()
  readonly #checkpoints = new Map<string, Map<number, string>>()

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder)
  }

  get epochs(): number {
    return this.#highest.size
  }

  async readAll(options: KafkaSourceOptions): Promise<void> {
    const source = kafkaSource({ ...options, untilEnd: true, seenRecordsMax: 0 })
    try {
      for (;;) {
        const batch = await source.read({ recordCountMax: 5_000, bytesMax: 8_000_000 })
        if (batch === undefined) break
        this.#file(batch.records.filter((record) => this.#isFirst(record)))
        for (const checkpoint of batch.checkpoints) this.#note(checkpoint)
        await source.commit(batch)
      }
    } finally {
      await source.close()
    }
    this.#fileCheckpoints()
  }

  #isFirst(record: SealedRecord): boolean {
    const { epoch, seq, leaf } = record
    const place = placeOf(record)
    const known = this.leaves.get(place)
    if (known === leaf) this.duplicates++
    else if (known !== undefined) this.forks.push(place)
    if (known !== undefined) return false
    this.leaves.set(place, leaf)
    const before = this.#highest.get(epoch) ?? -1
    if (seq < before) this.outOfOrder++
    this.#highest.set(epoch, Math.max(before, seq))
    return true
  }

  #file(records: readonly SealedRecord[]): void {
    for (const [epoch, own] of Map.groupBy(records, (record) => record.epoch)) {
      const lines = own.flatMap(({ line }) => [line, Buffer.from('\n')])
      mkdirSync(join(this.#folder, epoch), { recursive: true })
      appendFileSync(join(this.#folder, epoch, '000000000000.jsonl'), Buffer.concat(lines))
    }
  }

  #note({ epoch, size, note }: SealedCheckpoint): void {
    const notes = this.#checkpoints.get(epoch) ?? new Map<number, string>()
    this.#checkpoints.set(epoch, notes.set(size, note))
  }

  #fileCheckpoints(): void {
    for (const [epoch, notes] of this.#checkpoints) {
      const inOrder = [...notes].sort(([a], [b]) => a - b)
      const text = inOrder.map(([, note]) => `${Buffer.byteLength(note)}\n${note}`).join('')
      mkdirSync(join(this.#folder, epoch), { recursive: true })
      writeFileSync(join(this.#folder, epoch, 'checkpoints'), text)
    }
  }
}

async function* recordsOf(source: RecordSource): AsyncGenerator<SealedRecord> {
  try {
    for (;;) {
      const batch = await source.read({ recordCountMax: 5_000, bytesMax: 8_000_000 })
      if (batch === undefined) return
      yield* batch.records
      await source.commit(batch)
    }
  } finally {
    await source.close()
  }
}

function placeOf({ epoch, seq }: SealedRecord): string {
  return `${epoch}/${seq}`
}
