// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch, RecordSink, SealedRecord } from '@spanseal/core'
import { describe, expect, test } from 'vitest'
import { kafkaSink } from './kafka-sink.ts'
import { FaultError, ScriptedBroker } from './scripted-transport.fixture.ts'
import { aBatch, anEpoch, aRecord } from './sealed-record.fixture.ts'
import type { KafkaSinkOptions, UndeliverableMessage } from './sink-options.ts'
import type { SendResult, TransportRecord } from './transport.ts'

function aSink(broker: ScriptedBroker, options: Partial<KafkaSinkOptions> = {}): RecordSink {
  return kafkaSink({ brokers: ['localhost:9092'], transport: broker.transport, ...options })
}

const three = aBatch(aRecord(0), aRecord(1), aRecord(2))

/** The sequence numbers in every partition of the records topic. */
function seqs(broker: ScriptedBroker): number[][] {
  return [...broker.logs].map(([, log]) => log.map((r) => Number(r.headers['spanseal-seq'])))
}

describe('a delivery', () => {
  test('sends the lines as they are, keyed by epoch, and resolves after the acknowledgement', async () => {
    const broker = new ScriptedBroker()
    await aSink(broker).deliver(three)
    const [request] = broker.requests
    expect(request?.topic).toBe('audit.records.v1')
    expect(request?.records.map((r) => r.value)).toEqual(three.records.map((r) => r.line))
    expect(request?.records.map((r) => r.key)).toEqual([anEpoch(1), anEpoch(1), anEpoch(1)])
  })

  test('sends one partition a request and one request at a time', async () => {
    const broker = new ScriptedBroker()
    const epochs = Array.from({ length: 20 }, (_, n) => anEpoch(n))
    const batches = [0, 1, 2].map((seq) =>
      aBatch(...epochs.map((epoch) => aRecord(seq, { epoch }))),
    )
    const sink = aSink(broker)
    await Promise.all(batches.map((batch) => sink.deliver(batch)))
    expect(broker.inFlightMax).toBe(1)
    expect(broker.requests.length).toBe(3 * broker.logs.size)
    const partitionsOf = new Map<string, Set<string>>()
    for (const [place, log] of broker.logs) {
      for (const { headers } of log) {
        const epoch = headers['spanseal-epoch'] as string
        const places = partitionsOf.get(epoch) ?? new Set()
        partitionsOf.set(epoch, places.add(place))
      }
    }
    expect([...partitionsOf.values()].every((places) => places.size === 1)).toBe(true)
  })

  test('sends checkpoints after the records, to their own topic', async () => {
    const broker = new ScriptedBroker()
    const checkpoint = { log: 'localhost/test', epoch: anEpoch(1), size: 3, note: 'a note\n' }
    await aSink(broker).deliver({ ...three, checkpoints: [checkpoint] })
    expect(broker.requests.map((r) => r.topic)).toEqual([
      'audit.records.v1',
      'audit.checkpoints.v1',
    ])
    expect(Buffer.from(broker.requests[1]?.records[0]?.value ?? []).toString()).toBe('a note\n')
  })

  test('of nothing sends nothing', async () => {
    const broker = new ScriptedBroker()
    await aSink(broker).deliver(aBatch())
    expect(broker.requests).toEqual([])
  })
})

describe('a result that is not exactly right is doubtful', () => {
  const entry: SendResult = {
    topic: 'audit.records.v1',
    partition: 0,
    errorCode: 0,
    baseOffset: '0',
  }
  const wrong: readonly [string, (right: SendResult) => readonly SendResult[]][] = [
    ['no entry', () => []],
    ['two entries', (right) => [right, { ...entry, partition: right.partition + 1 }]],
    ['another partition', (right) => [{ ...right, partition: right.partition + 1 }]],
    ['another topic', (right) => [{ ...right, topic: 'elsewhere' }]],
    ['an error code', (right) => [{ ...right, errorCode: 6 }]],
    ['no offset', (right) => [{ ...right, baseOffset: '' }]],
    ['the offset -1', (right) => [{ ...right, baseOffset: '-1' }]],
    ['an offset that is no number', (right) => [{ ...right, baseOffset: 'NaN' }]],
  ]
  for (const [what, falsify] of wrong) {
    test(`${what}`, async () => {
      const broker = new ScriptedBroker()
      broker.steps.push((_, acknowledge) => falsify(acknowledge()[0] as SendResult))
      const sink = aSink(broker)
      await expect(sink.deliver(three)).rejects.toMatchObject({ code: 'DELIVERY_DOUBTFUL' })
      await sink.deliver(three)
      expect(broker.clients).toBe(2)
      expect(broker.closedClients).toBe(1)
    })
  }

  test('an offset that was acknowledged before', async () => {
    const broker = new ScriptedBroker()
    const sink = aSink(broker)
    await sink.deliver(three)
    // kafkajs resolves a send with the offset of an earlier one when their sequences collide.
    broker.steps.push(({ topic, partition }) => [
      { topic, partition, errorCode: 0, baseOffset: '2' },
    ])
    const next = aBatch(aRecord(3))
    await expect(sink.deliver(next)).rejects.toMatchObject({ code: 'DELIVERY_DOUBTFUL' })
    await sink.deliver(next)
    expect(seqs(broker)).toEqual([[0, 1, 2, 3]])
  })
})

describe('after a fault', () => {
  test('the same batch goes on behind what was acknowledged of it', async () => {
    const broker = new ScriptedBroker()
    const sink = aSink(broker, { recordCountMax: 1 })
    broker.steps.push(
      (_, acknowledge) => acknowledge(),
      () => Promise.reject(new FaultError('retriable')),
    )
    await expect(sink.deliver(three)).rejects.toMatchObject({ code: 'DELIVERY_DOUBTFUL' })
    await sink.deliver(three)
    expect(seqs(broker)).toEqual([[0, 1, 2]])
    expect(broker.clients).toBe(2)
  })

  test('the whole batch is sent again when its topic was missing, or was made anew', async () => {
    const steps: readonly [FaultError, string][] = [
      [new FaultError('retriable', 'topic-missing'), 'TOPIC_MISSING'],
      [new FaultError('ambiguous', 'unreachable'), 'DELIVERY_TIMEOUT'],
    ]
    for (const [fault, code] of steps) {
      const broker = new ScriptedBroker()
      broker.partitionCount = 1
      const sink = aSink(broker, { recordCountMax: 1 })
      broker.steps.push(
        (_, acknowledge) => acknowledge(),
        (_, acknowledge) => acknowledge(),
        () => Promise.reject(fault),
      )
      await expect(sink.deliver(three)).rejects.toMatchObject({ code })
      broker.logs.clear()
      // Where nobody said that the topic was gone, its offsets do.
      await sink.deliver(three).catch(() => sink.deliver(three))
      expect([...new Set(seqs(broker)[0])].toSorted((a, b) => a - b)).toEqual([0, 1, 2])
    }
  })

  test('an epoch keeps its partition although the topic has more now', async () => {
    const broker = new ScriptedBroker()
    const epochs = Array.from({ length: 16 }, (_, n) => anEpoch(n))
    const batch = (seq: number): Batch => aBatch(...epochs.map((epoch) => aRecord(seq, { epoch })))
    const sink = aSink(broker)
    await sink.deliver(batch(0))
    const places = new Set(broker.logs.keys())
    broker.partitionCount = 64
    broker.steps.push(() => Promise.reject(new FaultError('ambiguous')))
    await expect(sink.deliver(batch(1))).rejects.toMatchObject({ code: 'DELIVERY_DOUBTFUL' })
    await sink.deliver(batch(1))
    expect(new Set(broker.logs.keys())).toEqual(places)
  })

  test('a topic made anew with fewer partitions is used as it is', async () => {
    const broker = new ScriptedBroker()
    broker.partitionCount = 64
    const sink = aSink(broker)
    await sink.deliver(three)
    broker.partitionCount = 1
    broker.steps.push(() => Promise.reject(new FaultError('ambiguous')))
    const next = aBatch(aRecord(3))
    await expect(sink.deliver(next)).rejects.toMatchObject({ code: 'DELIVERY_DOUBTFUL' })
    await sink.deliver(next)
    expect(broker.requests.at(-1)?.partition).toBe(0)
  })

  const codes: readonly [FaultError, string][] = [
    [new FaultError('ambiguous'), 'DELIVERY_DOUBTFUL'],
    [new FaultError('retriable'), 'DELIVERY_DOUBTFUL'],
    [new FaultError('fatal'), 'DELIVERY_REFUSED'],
    [new FaultError('fatal', 'unauthorized'), 'DELIVERY_REFUSED'],
    [new FaultError('retriable', 'topic-missing'), 'TOPIC_MISSING'],
    [new FaultError('ambiguous', 'unreachable'), 'DELIVERY_TIMEOUT'],
  ]
  for (const [fault, code] of codes) {
    test(`${fault.message} has the code ${code}`, async () => {
      const broker = new ScriptedBroker()
      broker.steps.push(() => Promise.reject(fault))
      await expect(aSink(broker).deliver(three)).rejects.toMatchObject({ code, cause: fault })
    })
  }

  test('credentials that have worked are tried again instead of given up', async () => {
    const broker = new ScriptedBroker()
    const sink = aSink(broker)
    await sink.deliver(three)
    const fault = new FaultError('fatal', 'unauthorized')
    broker.steps.push(() => Promise.reject(fault))
    const next = aBatch(aRecord(3))
    await expect(sink.deliver(next)).rejects.toMatchObject({ code: 'DELIVERY_DOUBTFUL' })
    broker.connectError = fault
    await expect(sink.deliver(next)).rejects.toMatchObject({ code: 'DELIVERY_DOUBTFUL' })
    broker.connectError = undefined
    await sink.deliver(next)
    expect(seqs(broker)).toEqual([[0, 1, 2, 3]])
  })

  test('a request that is too large is halved until it fits', async () => {
    const broker = new ScriptedBroker()
    broker.recordCountMax = 2
    const sink = aSink(broker)
    const eight = aBatch(...Array.from({ length: 8 }, (_, seq) => aRecord(seq)))
    await sink.deliver(eight)
    expect(seqs(broker)).toEqual([[0, 1, 2, 3, 4, 5, 6, 7]])
    expect(sink.deadLetters).toBe(0)
  })

  test('a request without an answer ends at our own deadline, with a new client', async () => {
    const broker = new ScriptedBroker()
    const sink = aSink(broker, { attemptTimeoutMillis: 500, requestTimeoutMillis: 100 })
    broker.steps.push(() => new Promise(() => undefined))
    await expect(sink.deliver(three)).rejects.toMatchObject({ code: 'DELIVERY_TIMEOUT' })
    await sink.deliver(three)
    expect(broker.clients).toBe(2)
  })
})

describe('what comes next', () => {
  const next = aBatch(aRecord(3), aRecord(4))

  test('is made ready by a client that is connected, and sent as it was made ready', async () => {
    const broker = new ScriptedBroker()
    const sink = aSink(broker)
    sink.prepare?.(next)
    expect(broker.prepared).toEqual([])
    broker.steps.push((_, acknowledge) => {
      sink.prepare?.(next)
      return acknowledge()
    })
    await sink.deliver(three)
    expect(broker.requests).toHaveLength(1)
    await sink.deliver(next)
    expect(broker.prepared).toHaveLength(1)
    expect(broker.requests[1]).toBe(broker.prepared[0])
    expect(seqs(broker)).toEqual([[0, 1, 2, 3, 4]])
  })

  test('waits for what is delivered before it, whatever becomes of that', async () => {
    const broker = new ScriptedBroker()
    const sink = aSink(broker)
    await sink.deliver(aBatch())
    broker.steps.push(() => {
      sink.prepare?.(next)
      return Promise.reject(new FaultError('ambiguous'))
    })
    await expect(sink.deliver(three)).rejects.toMatchObject({ code: 'DELIVERY_DOUBTFUL' })
    await sink.deliver(three)
    await sink.deliver(next)
    expect(seqs(broker)).toEqual([[0, 1, 2, 3, 4]])
    expect(broker.clients).toBe(2)
  })

  test('may be another batch than was said', async () => {
    const broker = new ScriptedBroker()
    const sink = aSink(broker)
    await sink.deliver(three)
    sink.prepare?.(aBatch(aRecord(7)))
    await sink.deliver(next)
    expect(seqs(broker)).toEqual([[0, 1, 2, 3, 4]])
  })

  test('is planned anew where the topic was made anew with fewer partitions', async () => {
    const broker = new ScriptedBroker()
    broker.partitionCount = 64
    const sink = aSink(broker)
    const epochs = Array.from({ length: 16 }, (_, n) => anEpoch(n))
    const batch = aBatch(...epochs.map((epoch) => aRecord(0, { epoch })))
    await sink.deliver(three)
    sink.prepare?.(batch)
    broker.partitionCount = 1
    broker.steps.push(() => Promise.reject(new FaultError('ambiguous')))
    const before = aBatch(aRecord(3))
    await expect(sink.deliver(before)).rejects.toMatchObject({ code: 'DELIVERY_DOUBTFUL' })
    await sink.deliver(before)
    await sink.deliver(batch)
    expect(broker.requests.at(-1)).toMatchObject({ partition: 0 })
    expect(broker.requests.at(-1)?.records).toHaveLength(16)
  })

  test('is cut smaller than it was made ready where the topic has become narrower', async () => {
    const broker = new ScriptedBroker()
    const sink = aSink(broker)
    const eight = aBatch(...Array.from({ length: 8 }, (_, n) => aRecord(3 + n)))
    broker.steps.push((_, acknowledge) => {
      sink.prepare?.(eight)
      broker.recordCountMax = 2
      return acknowledge()
    })
    await sink.deliver(three)
    await sink.deliver(eight)
    expect(seqs(broker)).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]])
    expect(sink.deadLetters).toBe(0)
  })
})

/** The first message of the dead-letter topic, which is taken out. */
function takeDeadLetter(broker: ScriptedBroker): TransportRecord | undefined {
  const place = [...broker.logs.keys()].find((name) => name.startsWith('audit.dead-letters.v1/'))
  const [dead] = broker.logs.get(place ?? '') ?? []
  broker.logs.delete(place ?? '')
  return dead
}

test('a sink waits longer for a broker that is slow for long, and no longer than needed', async () => {
  const broker = new ScriptedBroker()
  const patience: number[] = []
  const sink = kafkaSink({
    brokers: ['localhost:9092'],
    transport: (times) => {
      patience.push(times)
      return broker.transport()
    },
  })
  const silent = (): Promise<never> => Promise.reject(new FaultError('ambiguous', 'unreachable'))
  for (let n = 0; n < 6; n++) {
    broker.steps.push(silent)
    await expect(sink.deliver(three)).rejects.toMatchObject({ code: 'DELIVERY_TIMEOUT' })
  }
  await sink.deliver(three)
  broker.steps.push(() => Promise.reject(new FaultError('ambiguous')))
  await expect(sink.deliver(aBatch(aRecord(3)))).rejects.toMatchObject({
    code: 'DELIVERY_DOUBTFUL',
  })
  await sink.deliver(aBatch(aRecord(3)))
  expect(patience).toEqual([1, 1, 2, 4, 8, 8, 8, 1])
})

describe('a record that is too large for its topic', () => {
  const eight = aBatch(...Array.from({ length: 8 }, (_, seq) => aRecord(seq)))
  const isFifth = ({ value }: { readonly value: Uint8Array }): boolean =>
    Buffer.compare(value, (eight.records[5] as SealedRecord).line) === 0

  test('goes to the dead-letter topic with the reason and its bytes, and the others go on', async () => {
    const broker = new ScriptedBroker()
    broker.refuses = ({ topic, records }) => topic === 'audit.records.v1' && records.some(isFifth)
    const told: UndeliverableMessage[] = []
    const sink = aSink(broker, {
      onDeadLetter: (message) => {
        told.push(message)
        throw new Error('ignored')
      },
    })
    await sink.deliver(eight)
    await sink.deliver(aBatch(aRecord(8)))
    const dead = takeDeadLetter(broker)
    expect(dead?.value).toEqual(eight.records[5]?.line)
    expect(dead?.headers).toMatchObject({
      'spanseal-seq': '5',
      'spanseal-topic': 'audit.records.v1',
    })
    expect(dead?.headers['spanseal-reason']).toMatch(/too-large/)
    expect(seqs(broker)).toEqual([[0, 1, 2, 3, 4, 6, 7, 8]])
    expect(sink.deadLetters).toBe(1)
    expect(told.map(({ topic, value }) => [topic, value])).toEqual([
      ['audit.records.v1', eight.records[5]?.line],
    ])
  })

  test('does not leave requests small behind it', async () => {
    const broker = new ScriptedBroker()
    broker.refuses = ({ topic, records }) => topic === 'audit.records.v1' && records.some(isFifth)
    const sink = aSink(broker)
    await sink.deliver(eight)
    await sink.deliver(aBatch(...Array.from({ length: 8 }, (_, n) => aRecord(8 + n))))
    expect(broker.requests.at(-1)?.records.length).toBe(8)
  })

  test('and for the dead-letter topic stops the sink, saying what to raise', async () => {
    const broker = new ScriptedBroker()
    broker.refuses = ({ records }) => records.some(isFifth)
    const delivery = aSink(broker).deliver(eight)
    await expect(delivery).rejects.toMatchObject({ code: 'DELIVERY_REFUSED' })
    await expect(delivery).rejects.toThrow(/raise max\.message\.bytes of audit\.records\.v1/)
  })

  test('is sent again when it is doubtful whether it was put aside', async () => {
    const broker = new ScriptedBroker()
    broker.refuses = ({ topic, records }) => topic === 'audit.records.v1' && records.some(isFifth)
    const sink = aSink(broker)
    const one = aBatch(eight.records[5] as SealedRecord)
    broker.steps.push(() => Promise.reject(new FaultError('ambiguous', 'unreachable')))
    await expect(sink.deliver(one)).rejects.toMatchObject({ code: 'DELIVERY_TIMEOUT' })
    expect(sink.deadLetters).toBe(0)
    await sink.deliver(one)
    expect(sink.deadLetters).toBe(1)
  })
})

describe('closing', () => {
  test('waits for the delivery under way', async () => {
    const broker = new ScriptedBroker()
    const sink = aSink(broker)
    const delivery = sink.deliver(three)
    await sink.close(5_000)
    await delivery
    expect(seqs(broker)).toEqual([[0, 1, 2]])
    expect(broker.closedClients).toBe(1)
  })

  test('does not wait longer than it may, and refuses what comes afterwards', async () => {
    const broker = new ScriptedBroker()
    const sink = aSink(broker)
    let fail: (error: Error) => void = () => undefined
    broker.steps.push(() => new Promise((_, reject) => (fail = reject)))
    const delivery = sink.deliver(three)
    await sink.close(20)
    await sink.close(20)
    expect(broker.closedClients).toBe(1)
    fail(new Error('connection closed'))
    await expect(delivery).rejects.toMatchObject({ code: 'SINK_CLOSED' })
    await expect(sink.deliver(three)).rejects.toMatchObject({ code: 'SINK_CLOSED' })
  })
})
