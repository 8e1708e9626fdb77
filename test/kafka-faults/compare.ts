// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { RecordSource, SealedRecord, Verdict } from '@spanseal/core'
import { parseVkey, verify } from '@spanseal/core'
import { journalFolderSink, journalSource, readJournal } from '@spanseal/journal'
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
  /** Not there yet; what a consumer reads is restored into it. */
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
  let records = 0
  for await (const record of recordsOf(journalSource(journal, COMPARING))) {
    records++
    if (!reading.take(record)) lost.push(placeOf(record))
  }
  const verdict = await verify(readJournal(folder), { keys: [parseVkey(vkey)] })
  const { duplicates, forks, outOfOrder } = reading
  return {
    records,
    lost,
    invented: reading.left(),
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
  for await (const record of recordsOf(kafkaSource({ ...source, ...TO_THE_END }))) {
    there.set(placeOf(record), record.leaf)
  }
  const missing: string[] = []
  for await (const record of recordsOf(journalSource(journal, COMPARING))) {
    const isBehind = record.seq > (acknowledged.get(record.epoch) ?? -1)
    if (isBehind && there.get(placeOf(record)) !== record.leaf) missing.push(placeOf(record))
  }
  return missing
}

/** However busy the machine is. */
const TO_THE_END = { untilEnd: true, attemptTimeoutMillis: 120_000 } as const
/** Instead of the leaf of a record that the journal has too. */
const TAKEN = ''
const COMPARING = { sinkName: 'compare', cursor: 'memory' } as const

/** What must hold after every fault. */
export const WHOLE = {
  lost: [],
  invented: [],
  forks: [],
  outOfOrder: 0,
  verdict: { ok: true, findings: [] },
} satisfies Partial<Found>

/** One reading of the topics: counted, and restored as an operator does, so that it can be verified. */
class Reading {
  readonly forks: string[] = []
  duplicates = 0
  outOfOrder = 0
  readonly #folder: string
  /** Epoch → leaves of the first copies by `seq`: hours of records must fit. */
  readonly #leaves = new Map<string, string[]>()

  constructor(folder: string) {
    this.#folder = folder
  }

  get epochs(): number {
    return this.#leaves.size
  }

  /** Whether a record of the journal was read, byte for byte. */
  take({ epoch, seq, leaf }: SealedRecord): boolean {
    const leaves = this.#leaves.get(epoch)
    if (leaves?.[seq] !== leaf) return false
    leaves[seq] = TAKEN
    return true
  }

  /** What was read and never taken. */
  left(): string[] {
    return [...this.#leaves].flatMap(([epoch, leaves]) =>
      [...leaves.entries()].flatMap(([seq, leaf]) =>
        leaf === undefined || leaf === TAKEN ? [] : [`${epoch}/${seq}`],
      ),
    )
  }

  async readAll(options: KafkaSourceOptions): Promise<void> {
    const source = kafkaSource({ ...options, ...TO_THE_END, seenRecordsMax: 0 })
    const files = journalFolderSink(this.#folder, { onRefused: () => undefined })
    try {
      for (;;) {
        const batch = await source.read({ recordCountMax: 5_000, bytesMax: 8_000_000 })
        if (batch === undefined) break
        for (const record of batch.records) this.#count(record)
        await files.deliver(batch)
        await source.commit(batch)
      }
    } finally {
      await source.close()
      await files.close(10_000)
    }
  }

  #count({ epoch, seq, leaf }: SealedRecord): void {
    const leaves = this.#leaves.get(epoch) ?? []
    this.#leaves.set(epoch, leaves)
    const known = leaves[seq]
    if (known === leaf) this.duplicates++
    else if (known !== undefined) this.forks.push(`${epoch}/${seq}`)
    if (known !== undefined) return
    if (seq < leaves.length) this.outOfOrder++
    leaves[seq] = leaf
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
