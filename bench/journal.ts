// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  closeSync,
  fdatasync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecordDraft } from '@spanseal/core'
import { block, EpochChain, isEpochId, recordLine } from '@spanseal/core'
import type { EpochWriter, WriterOptions } from '@spanseal/journal'
import { journalSource, openWriter } from '@spanseal/journal'
import { openKeyring } from '@spanseal/keys'

/**
 * What it costs to write a record of 2 KB: each stage alone, and the whole, against a bare
 * `writeSync` of the same bytes in the same run. Then shared syncs, opening beside many epochs, and
 * reading for delivery.
 *
 *     node --conditions=spanseal-source bench/journal.ts
 */

const LOG = 'localhost/bench'
const LINE_BYTES = 2_048
const ROUNDS = 15
const CALLS = 4_000
const EPOCHS = Number(process.env['EPOCHS'] ?? 1_000)

const commitment = (digit: string): Record<string, string> => ({
  alg: 'blinded-sha256',
  c: digit.repeat(64),
  enc: 'json',
  eq: digit.repeat(32),
  kid: '0123456789abcdef',
})

/** The end of a call with everything an agent usually says; `filler` brings the line to 2 KB. */
function aDraft(filler: number): RecordDraft {
  return {
    type: 'tool.end',
    severity: 'info',
    actor: block({
      agent: { id: 'support-1', name: 'support', version: '1.4.0' },
      session: 'p1:0123456789abcdef:2222222222222222',
      user: { ref: 'p1:aabbccddeeff0011' },
    }),
    authorization: block({
      decision: 'granted',
      method: 'policy',
      permissions_denied: [],
      permissions_used: ['network:orders'],
      policy: { id: 'refunds', version: '4' },
    }),
    context: block({
      data_classifications: ['pii'],
      environment: 'production',
      task_id: 'task-42',
    }),
    ext: block({ filler: 'x'.repeat(filler) }),
    invocation: {
      duration_ns: '1234567',
      input: commitment('a'),
      observed: { flags: [], input_bytes: 2048, input_shape: '0'.repeat(16), output_bytes: 2048 },
      output: commitment('b'),
      start: '01a1fd9a-df82-7c35-98ad-e45f5260b2cf/123456',
      status: 'success',
    } as RecordDraft['invocation'] & object,
    tool: block({
      name: 'refund_order',
      publisher: 'example.com',
      trust_level: 'verified',
      type: 'function',
      version: '2.1.0',
    }),
    trace: { span_id: '00f067aa0ba902b8', trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' },
  }
}

const EPOCH = '01a1fd9a-df82-7c35-98ad-e45f5260b2cf'
const TIME = { at: '2026-11-21T10:15:47.842Z', mono_ns: '9672914' }
const placeOf = (chain: EpochChain) => ({
  log: LOG,
  epoch: EPOCH,
  seq: chain.size,
  prev: chain.prev,
})

function draftOfTwoKilobytes(): RecordDraft {
  const short = recordLine(aDraft(0), placeOf(new EpochChain(LOG, EPOCH)), TIME).length
  return aDraft(LINE_BYTES - short)
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

/** Microseconds a call of each, in turns so that all see the same load of the machine. */
function measure(stages: Readonly<Record<string, () => void>>): Record<string, number> {
  const times = new Map(Object.keys(stages).map((name) => [name, [] as number[]]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, run] of Object.entries(stages)) {
      const start = process.hrtime.bigint()
      for (let i = 0; i < CALLS; i++) run()
      const micros = Number(process.hrtime.bigint() - start) / 1_000 / CALLS
      if (round > 0) times.get(name)?.push(micros) // the first round warms up
    }
  }
  return Object.fromEntries([...times].map(([name, micros]) => [name, median(micros)]))
}

function open(journal: string, options: Partial<WriterOptions> = {}): EpochWriter {
  return openWriter({
    journal,
    log: LOG,
    keys: openKeyring({ journal, log: LOG }),
    service: { name: 'bench' },
    deployment: { environment: 'bench' },
    audit: { redaction: '1', sdk: '0.1.0', fail_closed: [] },
    ...options,
  })
}

function benchAppend(folder: string): void {
  const draft = draftOfTwoKilobytes()
  const chain = new EpochChain(LOG, EPOCH)
  const line = recordLine(draft, placeOf(chain), TIME)
  const bytes = Buffer.from(`${line}\n`)
  const fd = openSync(join(folder, 'bare'), 'a')
  const { leaf } = chain.frame(line)
  const none = open(join(folder, 'none'), { durability: 'none' })
  const interval = open(join(folder, 'interval'))
  const micros = measure({
    'bare writeSync': () => void writeSync(fd, bytes, 0, bytes.length),
    'line from blocks (recordLine)': () => void recordLine(draft, placeOf(chain), TIME),
    'bytes and leaf hash (frame)': () => void chain.frame(line),
    'tree and link (advance)': () => chain.advance(leaf),
    'append, durability none': () => void none.append(() => draft),
    'append, durability interval': () => void interval.append(() => draft),
  })
  closeSync(fd)
  none.close()
  interval.close()
  const bare = micros['bare writeSync'] ?? Number.NaN
  const build = micros['line from blocks (recordLine)'] ?? Number.NaN
  const rows = Object.entries(micros).map(([stage, time]) => ({
    stage,
    'µs, median': time.toFixed(2),
    'against writeSync': (time / bare).toFixed(2),
  }))
  const whole = micros['append, durability interval'] ?? Number.NaN
  rows.push({
    stage: 'append without building the line',
    'µs, median': (whole - build).toFixed(2),
    'against writeSync': ((whole - build) / bare).toFixed(2),
  })
  console.log(`\nOne record: a line of ${line.length} bytes; ${ROUNDS} rounds of ${CALLS} calls`)
  console.table(rows)
}

async function benchSync(folder: string): Promise<void> {
  const draft = draftOfTwoKilobytes()
  const writer = open(join(folder, 'group'), { durability: 'group' })
  const fd = openSync(join(folder, 'bare-sync'), 'a')
  const bytes = Buffer.alloc(LINE_BYTES, 'x')
  const sync = (): Promise<void> =>
    new Promise((resolve, reject) => fdatasync(fd, (error) => (error ? reject(error) : resolve())))
  const bare = async (): Promise<void> => {
    writeSync(fd, bytes)
    await sync()
  }
  const together = (callers: number) => async (): Promise<void> => {
    const one = (): Promise<void> => writer.synced(writer.append(() => draft))
    await Promise.all(Array.from({ length: callers }, one))
  }
  const kinds = {
    'bare writeSync + fdatasync': bare,
    '1 caller': together(1),
    '10 callers': together(10),
    '100 callers': together(100),
  }
  const times = new Map(Object.keys(kinds).map((name) => [name, [] as number[]]))
  for (let round = 0; round < 120; round++) {
    for (const [name, run] of Object.entries(kinds)) {
      const start = performance.now()
      await run()
      if (round >= 20) times.get(name)?.push((performance.now() - start) * 1_000)
    }
  }
  closeSync(fd)
  writer.close()
  const base = median(times.get('bare writeSync + fdatasync') ?? [])
  console.log(`\nAppend and await a shared sync (group), lines of ${LINE_BYTES} bytes; 100 rounds`)
  console.table(
    [...times].map(([who, micros]) => ({
      who,
      'µs until all are on disk': median(micros).toFixed(0),
      'µs a record': (median(micros) / (Number.parseInt(who, 10) || 1)).toFixed(1),
      'against bare': (median(micros) / base).toFixed(2),
    })),
  )
}

/** Opens beside epochs that others left: named by nobody, then named, then with a new keyring. */
function benchOpening(folder: string): void {
  const rows: object[] = []
  const journal = join(folder, 'many')
  const openAndClose = (what: string): void => {
    const start = performance.now()
    const writer = open(journal)
    const millis = performance.now() - start
    writer.close()
    rows.push({
      what,
      others: writer.epochs.size === 1 ? countEpochs(journal) - 1 : 0,
      'ms to open': millis.toFixed(1),
    })
  }
  openAndClose('empty journal')
  openAndClose('one closed epoch')
  for (let i = 0; i < EPOCHS; i++) {
    const apart = join(folder, `apart-${i}`)
    open(apart, { durability: 'none' }).close()
    for (const epoch of readdirSync(apart)) renameSync(join(apart, epoch), join(journal, epoch))
  }
  openAndClose('closed epochs that nobody has named yet')
  openAndClose('closed epochs that are named')
  for (const entry of readdirSync(`${journal}.keys`, { recursive: true, withFileTypes: true })) {
    if (entry.name === 'settled') rmSync(join(entry.parentPath, entry.name))
  }
  openAndClose('the same, with a keyring that knows nothing')
  console.log('\nOpening an epoch beside others')
  console.table(rows)
}

function countEpochs(journal: string): number {
  return readdirSync(journal).filter(isEpochId).length
}

async function benchSource(folder: string): Promise<void> {
  const draft = draftOfTwoKilobytes()
  const journal = join(folder, 'source')
  const writer = open(journal, { durability: 'none' })
  const records = 50_000
  for (let i = 0; i < records; i++) writer.append(() => draft)
  writer.close()
  const rates: number[] = []
  for (let round = 0; round < 5; round++) {
    const source = journalSource(journal, { sinkName: 'bench', cursor: 'memory' })
    const start = performance.now()
    let count = 0
    for (;;) {
      const batch = await source.read({ recordCountMax: 500, bytesMax: 900_000 })
      if (batch === undefined) break
      count += batch.records.length
      await source.commit(batch)
    }
    rates.push(count / (performance.now() - start))
  }
  console.log(`\nReading for delivery, lines of ${LINE_BYTES} bytes`)
  const rate = median(rates)
  console.table([
    { 'records/s': Math.round(rate * 1_000), 'MB/s': Math.round((rate * LINE_BYTES) / 1_000) },
  ])
}

/** Prints the tables. */
export async function benchJournal(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-bench-'))
  try {
    benchAppend(folder)
    await benchSync(folder)
    benchOpening(folder)
    await benchSource(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) await benchJournal()
