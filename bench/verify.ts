// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { hash } from 'node:crypto'
import type { Block, EpochBytes, RecordDraft, SegmentBytes } from '@spanseal/core'
import { parseVkey, verify } from '@spanseal/core'
import type { EpochBuilder } from '../packages/core/src/verify/a-journal.fixture.ts'
import {
  actorOf,
  aJournal,
  contextOf,
  segmentFile,
  toolOf,
} from '../packages/core/src/verify/a-journal.fixture.ts'

/**
 * How fast `verify` is with all its checks, against hashing the same lines alone in the same run;
 * with SLOW=1 also that its memory does not grow with the journal.
 *
 *     node --conditions=spanseal-source bench/verify.ts
 */

const CHECKPOINT_EVERY = 1000
const EPOCH_RECORDS_MAX = 1_000_000
const CHUNK_LINES = 128
const RECORDS = 40_000
const ROUNDS = 9
const TENANT = parseVkey(aJournal().tenant.vkey)

/** How many tasks are under way at once, and how many tools they call. */
interface Traffic {
  readonly what: string
  readonly tasks: number
  readonly tools: number
}

const TRAFFICS: readonly Traffic[] = [
  { what: 'one task after the other, 8 tools', tasks: 1, tools: 8 },
  { what: '16 tasks at once, 8 tools', tasks: 16, tools: 8 },
  { what: 'no actor, context or tool ever recurs', tasks: Infinity, tools: Infinity },
]

/** The blocks of the nth call. */
class CallBlocks {
  readonly #traffic: Traffic
  readonly #made = new Map<string, Block<object>>()

  constructor(traffic: Traffic) {
    this.#traffic = traffic
  }

  of(call: number): Partial<RecordDraft> {
    const { tasks, tools } = this.#traffic
    const task = tasks === Infinity ? call : tasks === 1 ? Math.floor(call / 20) : call % tasks
    return {
      actor: this.#block(`${task}`, tasks, (id) => actorOf(id.padStart(16, '0'))),
      context: this.#block(`task-${task}`, tasks, contextOf),
      tool: this.#block(`tool_${tools === Infinity ? call : call % tools}`, tools, toolOf),
    }
  }

  #block<T extends object>(id: string, kinds: number, make: (id: string) => Block<T>): Block<T> {
    const known = this.#made.get(id)
    if (known !== undefined) return known as Block<T>
    const made = make(id)
    if (kinds > 1 && kinds < Infinity) this.#made.set(id, made)
    return made
  }
}

/** Writes an epoch of that many records, handing out its bytes as they come and its notes at the end. */
function* writeEpoch(seed: number, records: number, traffic: Traffic): Generator<Buffer, Buffer> {
  const epoch: EpochBuilder = aJournal().open({ seed })
  const blocks = new CallBlocks(traffic)
  const drain = (): Buffer => Buffer.from(`${epoch.lines.splice(0).join('\n')}\n`)
  yield drain()
  for (let call = 0; epoch.size + 3 <= records; call++) {
    epoch.call(blocks.of(call))
    if (epoch.size % CHECKPOINT_EVERY < 2) epoch.checkpoint()
    if (epoch.lines.length >= CHUNK_LINES) yield drain()
  }
  epoch.close()
  yield drain()
  return epoch.notesFile
}

/** A journal that is made up as it is read: its size takes no memory. */
function* streamedJournal(records: number, traffic: Traffic): Generator<EpochBytes> {
  for (let done = 0, seed = 10; done < records; done += EPOCH_RECORDS_MAX, seed++) {
    const size = Math.min(EPOCH_RECORDS_MAX, records - done)
    const name = `epoch-${seed}`
    yield {
      name,
      async *segments(): AsyncGenerator<SegmentBytes> {
        const chunks = async function* (): AsyncGenerator<Uint8Array> {
          yield* writeEpoch(seed, size, traffic)
        }
        yield { file: segmentFile(name, 0), firstSeq: 0, chunks }
      },
      // Roots are known once the records are: they are written a first time for the notes alone.
      async *checkpoints(): AsyncGenerator<Uint8Array> {
        const writing = writeEpoch(seed, size, traffic)
        let step = writing.next()
        while (step.done !== true) step = writing.next()
        yield step.value
      },
    }
  }
}

/** A journal of one epoch in memory. */
function heldJournal(records: number, traffic: Traffic): { epoch: EpochBytes; bytes: Buffer } {
  const writing = writeEpoch(10, records, traffic)
  const parts: Buffer[] = []
  let step = writing.next()
  for (; step.done !== true; step = writing.next()) parts.push(step.value)
  const bytes = Buffer.concat(parts)
  const notes = step.value
  const epoch: EpochBytes = {
    name: 'epoch',
    async *segments(): AsyncGenerator<SegmentBytes> {
      yield { file: segmentFile('epoch', 0), firstSeq: 0, chunks: () => pieces(bytes) }
    },
    checkpoints: () => pieces(notes),
  }
  return { epoch, bytes }
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  const size = 256 * 1024
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size)
}

function hashLines(bytes: Buffer): void {
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0x0a, start)
    hash('sha256', bytes.subarray(start, end), 'hex')
    start = end + 1
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number
}

async function measure(traffic: Traffic): Promise<Record<string, string>> {
  const { epoch, bytes } = heldJournal(RECORDS, traffic)
  const verifyMillis: number[] = []
  const hashMillis: number[] = []
  // In turns, so that both see the same load of the machine; the first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    const from = performance.now()
    const verdict = await verify([epoch], { keys: [TENANT] })
    const between = performance.now()
    hashLines(bytes)
    const to = performance.now()
    if (!verdict.ok || verdict.level !== 2) throw new Error(JSON.stringify(verdict.findings[0]))
    if (round === 0) continue
    verifyMillis.push(between - from)
    hashMillis.push(to - between)
  }
  const mega = bytes.length / 1e6
  const seconds = median(verifyMillis) / 1000
  return {
    traffic: traffic.what,
    'bytes a record': (bytes.length / RECORDS).toFixed(0),
    'MB/s': (mega / seconds).toFixed(0),
    'records/s': (RECORDS / seconds).toFixed(0),
    'slowest and fastest MB/s': [Math.max(...verifyMillis), Math.min(...verifyMillis)]
      .map((millis) => ((mega / millis) * 1000).toFixed(0))
      .join(' … '),
    'hashing alone, MB/s': ((mega / median(hashMillis)) * 1000).toFixed(0),
    'times hashing': (median(verifyMillis) / median(hashMillis)).toFixed(1),
  }
}

interface Memory {
  readonly heapMega: number
  readonly residentMega: number
}

/** The most that was in use while so many records passed. */
async function memoryAt(records: number): Promise<Memory> {
  let heapMega = 0
  let residentMega = 0
  const traffic = TRAFFICS[1] as Traffic
  const verdict = await verify(streamedJournal(records, traffic), {
    keys: [TENANT],
    onProgress: () => {
      const { heapUsed, rss } = process.memoryUsage()
      heapMega = Math.max(heapMega, heapUsed / 1e6)
      residentMega = Math.max(residentMega, rss / 1e6)
    },
  })
  const { ok, checked } = verdict
  if (!ok || checked !== records)
    throw new Error(JSON.stringify({ ...verdict, findings: verdict.findings.slice(0, 3) }))
  return { heapMega, residentMega }
}

/** Prints the table of speeds, and with SLOW=1 that of memory. */
export async function benchVerify(): Promise<void> {
  console.log(
    `verify, all checks, ${RECORDS} records in one epoch, a checkpoint each ${CHECKPOINT_EVERY}; medians of ${ROUNDS}`,
  )
  const rows: Record<string, string>[] = []
  for (const traffic of TRAFFICS) rows.push(await measure(traffic))
  console.table(rows)
  if (process.env['SLOW'] !== '1') return
  console.log(`memory while verifying a streamed journal, epochs of ${EPOCH_RECORDS_MAX} records`)
  const memory: Record<string, string>[] = []
  for (const records of [100_000, 1_000_000, 10_000_000]) {
    const { heapMega, residentMega } = await memoryAt(records)
    memory.push({
      records: String(records),
      'heap at most, MB': heapMega.toFixed(0),
      'resident at most, MB': residentMega.toFixed(0),
    })
  }
  console.table(memory)
}

if (import.meta.main) await benchVerify()
