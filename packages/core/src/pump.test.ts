// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import { AuditError } from './errors.ts'
import type { Batch, BatchLimits, RecordSink, RecordSource, SealedRecord } from './ports.ts'
import { DEFAULT_BATCH_LIMITS } from './ports.ts'
import { pause, pump } from './pump.ts'
import { EPOCH } from './record-samples.fixture.ts'

function aRecord(seq: number): SealedRecord {
  const line = Buffer.from(`{"seq":${seq}}`)
  return { log: 'localhost/agent', epoch: EPOCH, seq, leaf: '0'.repeat(64), type: 'tool.end', line }
}

/** Hands out `count` records in pairs and remembers what was asked of it. */
class MemorySource implements RecordSource {
  readsAhead = false
  readonly calls: string[] = []
  committed = -1
  #next = 0
  #count: number

  constructor(count: number) {
    this.#count = count
  }

  grow(count: number): void {
    this.#count += count
  }

  read(limits: BatchLimits): Promise<Batch | undefined> {
    const end = Math.min(this.#count, this.#next + Math.min(2, limits.recordCountMax))
    if (end === this.#next) return Promise.resolve(undefined)
    const records = Array.from({ length: end - this.#next }, (_, i) => aRecord(this.#next + i))
    this.#next = end
    this.calls.push(`read ${names(records)}`)
    const checkpoints = [{ log: 'localhost/agent', epoch: EPOCH, size: end, note: 'note' }]
    return Promise.resolve({ records, checkpoints })
  }

  commit({ records }: Batch): Promise<void> {
    this.calls.push(`commit ${names(records)}`)
    this.committed = records.at(-1)?.seq ?? this.committed
    return Promise.resolve()
  }

  rewind(): Promise<void> {
    this.calls.push('rewind')
    this.#next = this.committed + 1
    return Promise.resolve()
  }

  wait(timeoutMillis: number, signal: AbortSignal): Promise<void> {
    this.calls.push(`wait ${timeoutMillis}`)
    return pause(1, signal)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

function names(records: readonly SealedRecord[]): string {
  return records.map(({ seq }) => seq).join()
}

/** Takes everything, or does what the script says at each delivery. */
class MemorySink implements RecordSink {
  readonly name = 'memory'
  readonly delivered: number[] = []
  readonly #script: (() => void)[]

  constructor(...script: (() => void)[]) {
    this.#script = script
  }

  deliver({ records }: Batch): Promise<void> {
    this.#script.shift()?.()
    this.delivered.push(...records.map(({ seq }) => seq))
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

function failing(): never {
  throw new AuditError('DELIVERY_DOUBTFUL', 'no answer')
}

function refusing(): never {
  throw new AuditError('DELIVERY_REFUSED', 'too large')
}

const quick = { retryPauseMillis: 1, retryPauseMillisMax: 2, untilDrained: true } as const
const never = new AbortController().signal

describe('pump', () => {
  test('delivers in order and commits only what was acknowledged', async () => {
    const source = new MemorySource(5)
    const sink = new MemorySink()
    const delivered: [number, number][] = []
    const result = await pump(source, sink, {
      ...quick,
      signal: never,
      onDelivered: (records, checkpoints) => delivered.push([records, checkpoints]),
    })
    expect(result).toEqual({ records: 5, checkpoints: 3 })
    expect(delivered).toEqual([
      [2, 1],
      [2, 1],
      [1, 1],
    ])
    expect(sink.delivered).toEqual([0, 1, 2, 3, 4])
    expect(source.calls).toEqual([
      'read 0,1',
      'commit 0,1',
      'read 2,3',
      'commit 2,3',
      'read 4',
      'commit 4',
    ])
  })

  test('tries the same batch again until it is acknowledged, and says so', async () => {
    const source = new MemorySource(4)
    const sink = new MemorySink(failing, failing, () => undefined, failing)
    const retries: [string, number][] = []
    await pump(source, sink, {
      ...quick,
      signal: never,
      onRetry: (error, attempt) => retries.push([(error as AuditError).code, attempt]),
    })
    expect(sink.delivered).toEqual([0, 1, 2, 3])
    expect(retries).toEqual([
      ['DELIVERY_DOUBTFUL', 1],
      ['DELIVERY_DOUBTFUL', 2],
      ['DELIVERY_DOUBTFUL', 1],
    ])
    expect(source.calls).not.toContain('rewind')
  })

  test('stops where the sink refuses, and gives back what it read', async () => {
    const source = new MemorySource(4)
    const refused = pump(source, new MemorySink(() => undefined, refusing), {
      ...quick,
      signal: never,
    })
    await expect(refused).rejects.toMatchObject({ code: 'DELIVERY_REFUSED' })
    expect(source.calls).toEqual(['read 0,1', 'commit 0,1', 'read 2,3', 'rewind'])
  })

  test('aborted while it retries, gives back what it read, and loses nothing to the next pump', async () => {
    const source = new MemorySource(4)
    const abort = new AbortController()
    const first = new MemorySink(() => {
      abort.abort()
      failing()
    })
    expect(await pump(source, first, { ...quick, signal: abort.signal })).toEqual({
      records: 0,
      checkpoints: 0,
    })
    const second = new MemorySink()
    await pump(source, second, { ...quick, signal: never })
    expect(second.delivered).toEqual([0, 1, 2, 3])
  })

  test('aborted during a delivery that succeeds, commits it and ends', async () => {
    const source = new MemorySource(4)
    const abort = new AbortController()
    const sink = new MemorySink(() => abort.abort())
    expect((await pump(source, sink, { ...quick, signal: abort.signal })).records).toBe(2)
    expect(source.calls).toEqual(['read 0,1', 'commit 0,1'])
  })

  test('waits for more until it is aborted', async () => {
    const source = new MemorySource(1)
    const abort = new AbortController()
    const sink = new MemorySink(
      () => setImmediate(() => source.grow(1)),
      () => abort.abort(),
    )
    const result = await pump(source, sink, { signal: abort.signal, idleMillis: 7 })
    expect(result.records).toBe(2)
    expect(source.calls).toContain('wait 7')
  })

  test('asks for batches of the given size, by default below Kafka’s limit', async () => {
    const source = new MemorySource(2)
    await pump(source, new MemorySink(), {
      ...quick,
      signal: never,
      limits: { recordCountMax: 1, bytesMax: 100 },
    })
    expect(source.calls).toEqual(['read 0', 'commit 0', 'read 1', 'commit 1'])
    expect(DEFAULT_BATCH_LIMITS).toEqual({ recordCountMax: 500, bytesMax: 900_000 })
  })

  test('fails with the source’s own error', async () => {
    const source = new MemorySource(1)
    source.read = () => Promise.reject(new AuditError('JOURNAL_FAILED', 'gone'))
    await expect(pump(source, new MemorySink(), { ...quick, signal: never })).rejects.toMatchObject(
      {
        code: 'JOURNAL_FAILED',
      },
    )
  })
})

describe('a source that reads ahead', () => {
  /** Ends each delivery only when the test says so. */
  class SlowSink extends MemorySink {
    readonly started: (() => void)[] = []
    readonly #free: (() => void)[] = []

    override async deliver(batch: Batch): Promise<void> {
      await super.deliver(batch)
      await new Promise<void>((resolve) => {
        this.#free.push(resolve)
        this.started.shift()?.()
      })
    }

    /** Resolves when a delivery is under way and the next batch had its chance to be read. */
    async underWay(): Promise<void> {
      if (this.#free.length === 0) await new Promise<void>((resolve) => this.started.push(resolve))
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    }

    free(): void {
      this.#free.shift()?.()
    }
  }

  function slow(count: number): { readonly source: MemorySource; readonly sink: SlowSink } {
    const source = new MemorySource(count)
    source.readsAhead = true
    return { source, sink: new SlowSink() }
  }

  test('is read once while a batch is being delivered, and committed in order', async () => {
    const { source, sink } = slow(4)
    const pumped = pump(source, sink, { ...quick, signal: never })
    await sink.underWay()
    expect(source.calls).toEqual(['read 0,1', 'read 2,3'])
    sink.free()
    await sink.underWay()
    expect(source.calls).toEqual(['read 0,1', 'read 2,3', 'commit 0,1'])
    source.grow(1)
    sink.free()
    await sink.underWay()
    sink.free()
    expect(await pumped).toEqual({ records: 5, checkpoints: 3 })
    expect(sink.delivered).toEqual([0, 1, 2, 3, 4])
    expect(source.calls).not.toContain('rewind')
  })

  test('has the sink make ready what was read ahead, and goes on where that fails', async () => {
    const { source, sink } = slow(4)
    const prepared: string[] = []
    const readying: RecordSink = {
      name: sink.name,
      prepare({ records }) {
        prepared.push(names(records))
        throw new Error('ignored')
      },
      deliver: (batch) => sink.deliver(batch),
      close: () => sink.close(),
    }
    const pumped = pump(source, readying, { ...quick, signal: never })
    await sink.underWay()
    expect(prepared).toEqual(['2,3'])
    sink.free()
    await sink.underWay()
    sink.free()
    expect((await pumped).records).toBe(4)
    expect(sink.delivered).toEqual([0, 1, 2, 3])
  })

  test('gets back what was read ahead when the pump is aborted', async () => {
    const { source, sink } = slow(4)
    const abort = new AbortController()
    const pumped = pump(source, sink, { ...quick, signal: abort.signal })
    await sink.underWay()
    abort.abort()
    sink.free()
    expect((await pumped).records).toBe(2)
    expect(source.calls).toEqual(['read 0,1', 'read 2,3', 'commit 0,1', 'rewind'])
    const second = new MemorySink()
    await pump(source, second, { ...quick, signal: never })
    expect(second.delivered).toEqual([2, 3])
  })

  test('may fail ahead: what was delivered is committed first', async () => {
    const { source, sink } = slow(4)
    const read = source.read.bind(source)
    let reads = 0
    source.read = (limits) =>
      reads++ === 1 ? Promise.reject(new AuditError('JOURNAL_FAILED', 'gone')) : read(limits)
    const pumped = pump(source, sink, { ...quick, signal: never })
    await sink.underWay()
    sink.free()
    await expect(pumped).rejects.toMatchObject({ code: 'JOURNAL_FAILED' })
    expect(source.calls).toEqual(['read 0,1', 'commit 0,1'])
  })
})

test('pause ends at once when it is aborted', async () => {
  const abort = new AbortController()
  abort.abort()
  await pause(1_000_000, abort.signal)
  const later = new AbortController()
  setImmediate(() => later.abort())
  await pause(1_000_000, later.signal)
  expect(later.signal.aborted).toBe(true)
})
