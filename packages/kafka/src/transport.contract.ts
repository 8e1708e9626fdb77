// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, test } from 'vitest'
import type { Compression, KafkaTransport, SendRequest, TransportRecord } from './transport.ts'

/** A message as it was read back from a topic. */
export interface FoundMessage {
  readonly partition: number
  /** Decimal digits. */
  readonly offset: string
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
  /** Unix milliseconds. */
  readonly timestamp: number
}

/** A real broker behind something that may lose its acknowledgements. */
export interface ContractBroker {
  readonly brokers: readonly string[]
  /** Makes a topic of its own for a test. */
  makeTopic(partitions: number, maxMessageBytes?: number): Promise<string>
  /** Everything in a topic, in order within each partition. */
  read(topic: string): Promise<readonly FoundMessage[]>
  /** What becomes of the next answers to Produce requests; default and in the end `pass`. */
  setFate(fate: 'pass' | 'cut-one' | 'swallow'): void
  /** How many answers were lost so far. */
  lost(): number
}

export interface TransportChoice {
  readonly brokers: readonly string[]
  readonly compression: Compression
  /** For one answer of a broker. */
  readonly requestTimeoutMillis: number
}

/**
 * What every Kafka client behind the port must do, shown on a real broker. A client that passes may
 * stand behind `kafkaSink({transport})`; the fault suite of three brokers comes on top.
 */
export function transportContract(
  make: (choice: TransportChoice) => KafkaTransport,
  broker: ContractBroker,
): void {
  const open: KafkaTransport[] = []

  afterEach(async () => {
    broker.setFate('pass')
    await Promise.all(open.splice(0).map((transport) => transport.close(1_000)))
  })

  function transport(options: Partial<TransportChoice> = {}): KafkaTransport {
    const defaults = { brokers: broker.brokers, compression: 'zstd', requestTimeoutMillis: 3_000 }
    const made = make({ ...defaults, ...options } as TransportChoice)
    open.push(made)
    return made
  }

  async function connected(options: Partial<TransportChoice> = {}): Promise<KafkaTransport> {
    const made = transport(options)
    await made.connect()
    return made
  }

  /** What the error of `work` means. */
  async function faultOf(made: KafkaTransport, work: Promise<unknown>): Promise<unknown> {
    const error: unknown = await work.then(
      () => 'resolved',
      (rejection: unknown) => rejection,
    )
    return error === 'resolved' ? error : made.classify(error)
  }

  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    test(`messages arrive as they are, packed with ${compression}`, async () => {
      const topic = await broker.makeTopic(2)
      const made = await connected({ compression })
      const records = [0, 1, 2].map((n) => aMessage(n, 10_000))
      const [result, ...others] = await made.send({ topic, partition: 1, records })
      expect(others).toEqual([])
      expect(result).toEqual({ topic, partition: 1, errorCode: 0, baseOffset: '0' })
      expect(await broker.read(topic)).toEqual(records.map((r, n) => asFound(r, 1, n)))
    })
  }

  test('one request after the other gets the offsets behind it, in each partition', async () => {
    const topic = await broker.makeTopic(3)
    const made = await connected()
    const expected: unknown[] = []
    for (let n = 0; n < 12; n++) {
      const [partition, round] = [n % 3, Math.floor(n / 3)]
      const records = [aMessage(2 * n), aMessage(2 * n + 1)]
      const [result] = await made.send({ topic, partition, records })
      expect(result?.baseOffset).toBe(`${2 * round}`)
      expected.push(...records.map((record, i) => asFound(record, partition, 2 * round + i)))
    }
    const found = await broker.read(topic)
    expect(found).toHaveLength(24)
    expect(found).toEqual(expect.arrayContaining(expected))
  })

  test('what was made ready arrives as it is, in the order in which it is sent', async () => {
    const topic = await broker.makeTopic(1)
    const made = await connected()
    const aRequest = (n: number): SendRequest => {
      return { topic, partition: 0, records: [aMessage(n, 10_000)] }
    }
    const [first, second, third] = [aRequest(0), aRequest(1), aRequest(2)]
    made.prepare?.(second)
    const sending = made.send(first)
    made.prepare?.(third)
    await sending
    await made.send(third)
    const other = await connected()
    await other.send(second)
    expect((await broker.read(topic)).map(({ key, value }) => [key, value.length])).toEqual(
      [0, 2, 1].map((n) => [`key-${n}`, 10_000]),
    )
  })

  test('a topic tells its partitions; one that is missing is missing', async () => {
    const topic = await broker.makeTopic(7)
    const made = await connected()
    expect(await made.partitions(topic)).toBe(7)
    const missing = made.partitions(`${topic}-missing`)
    expect(await missing.catch((error: unknown) => made.classify(error))).toSatisfy(
      (found) => found === 0 || (found as { reason: string }).reason === 'topic-missing',
    )
  })

  test('what is too large is refused for its size, and nothing of it is there', async () => {
    const topic = await broker.makeTopic(1, 5_000)
    const made = await connected({ compression: 'none' })
    const large: SendRequest = { topic, partition: 0, records: [aMessage(0, 6_000)] }
    expect(await faultOf(made, made.send(large))).toMatchObject({
      kind: 'fatal',
      reason: 'too-large',
    })
    const next = await connected({ compression: 'none' })
    await next.send({ ...large, records: [aMessage(1)] })
    expect((await broker.read(topic)).map(({ key }) => key)).toEqual(['key-1'])
  })

  test('a broker that is not there is unreachable', async () => {
    const made = transport({ brokers: ['127.0.0.1:1'] })
    expect(await faultOf(made, made.connect())).toMatchObject({
      kind: 'ambiguous',
      reason: 'unreachable',
    })
  })

  test('a lost acknowledgement loses nothing, and leaves nothing twice but whole requests', async () => {
    const topic = await broker.makeTopic(1)
    let made = await connected()
    const sent: string[] = []
    for (let n = 0; n < 6; n++) {
      const request = { topic, partition: 0, records: [aMessage(2 * n), aMessage(2 * n + 1)] }
      if (n % 2 === 1) broker.setFate('cut-one')
      // As the sink does it: after a rejection another client sends the same again.
      for (let done = false; !done; ) {
        done = await made.send(request).then(
          () => true,
          () => false,
        )
        if (!done) made = await connected()
      }
      sent.push(...request.records.map(({ key }) => String(key)))
    }
    expect(broker.lost()).toBeGreaterThan(0)
    const found = (await broker.read(topic)).map(({ key }) => key)
    expect(withoutRepeats(found)).toEqual(sent)
  })

  describe('a transport that is closed', () => {
    test('sends nothing more, and what was under way is told to be doubtful', async () => {
      const topic = await broker.makeTopic(1)
      const made = await connected({ requestTimeoutMillis: 500 })
      await made.send({ topic, partition: 0, records: [aMessage(0)] })
      broker.setFate('swallow')
      const lostBefore = broker.lost()
      const fault = faultOf(made, made.send({ topic, partition: 0, records: [aMessage(1)] }))
      // The client inside tries again and again.
      await expect.poll(() => broker.lost() - lostBefore, { timeout: 30_000 }).toBeGreaterThan(1)
      await made.close(0)
      await made.close(0)
      const lost = broker.lost()
      expect(await fault).toMatchObject({ kind: 'ambiguous' })
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      expect(broker.lost()).toBe(lost)
    })

    test('may be closed before it was connected', async () => {
      const made = transport()
      await made.close(0)
      await expect(made.connect()).rejects.toBeInstanceOf(Error)
      await expect(
        made.send({ topic: 'any', partition: 0, records: [aMessage(0)] }),
      ).rejects.toBeInstanceOf(Error)
    })
  })
}

function aMessage(n: number, valueBytes = 100): TransportRecord {
  return {
    key: `key-${n}`,
    // What hardly packs, so that sizes mean the same packed and unpacked.
    value: Buffer.from(Array.from({ length: valueBytes }, (_, i) => 33 + ((i * i + 7 * n) % 90))),
    headers: { 'spanseal-seq': `${n}`, 'content-type': 'application/json' },
    timestamp: 1_795_000_000_000 + n,
  }
}

function asFound(record: TransportRecord, partition: number, offset: number): FoundMessage {
  return {
    partition,
    offset: `${offset}`,
    key: String(record.key),
    value: Buffer.from(record.value).toString(),
    headers: record.headers as Readonly<Record<string, string>>,
    timestamp: record.timestamp,
  }
}

/** The keys without the second copies of pairs that stand there twice. */
function withoutRepeats(keys: readonly string[]): readonly string[] {
  return keys.filter((key, i) => keys.indexOf(key) === i)
}
