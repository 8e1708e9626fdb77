// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import { kafkaSink } from './kafka-sink.ts'
import { kafkaSource } from './kafka-source.ts'
import type { KafkaSinkOptions } from './sink-options.ts'
import type { KafkaSourceOptions } from './source-options.ts'
import { topicNames } from './topic-names.ts'
import { createTopics } from './topics.ts'

const brokers = ['localhost:9092']

/** What a program in JavaScript can give. */
type Anything = Readonly<Record<string, unknown>>

function refusal(option: string): object {
  const message: unknown = expect.stringMatching(/^\S+: .+ is not usable; give .+/)
  return expect.objectContaining({ code: 'INVALID_OPTION', details: { option }, message }) as object
}

describe('kafkaSink refuses at construction', () => {
  const refused: readonly [string, Anything][] = [
    ['brokers', { brokers: [] }],
    ['brokers', { brokers: 'localhost:9092' }],
    ['brokers', {}],
    ['brokers', { brokers: ['localhost'] }],
    ['brokers', { brokers: ['localhost:99999'] }],
    ['brokers', { brokers: ['http://localhost:9092'] }],
    ['brokers', { brokers: ['[::1]:9092'] }],
    ['broker', { brokers, broker: 'x' }],
    ['clientId', { brokers, clientId: '' }],
    ['ssl', { brokers, ssl: 'yes' }],
    ['sasl', { brokers, sasl: { username: 'u', password: 'p' } }],
    ['sasl', { brokers, sasl: null }],
    ['requestTimeoutMillis', { brokers, requestTimeoutMillis: 0 }],
    ['connectTimeoutMillis', { brokers, connectTimeoutMillis: 1.5 }],
    ['onLog', { brokers, onLog: true }],
    ['name', { brokers, name: 'Kafka 1' }],
    ['client', { brokers, client: 'librdkafka' }],
    ['sasl.mechanism', { brokers, client: 'platformatic', sasl: { mechanism: 'aws' } }],
    ['onDeadLetter', { brokers, onDeadLetter: 'tell' }],
    ['compression', { brokers, compression: 'lz4' }],
    ['compression', { brokers, compression: 'toString' }],
    ['attemptTimeoutMillis', { brokers, attemptTimeoutMillis: 6_000 }],
    ['recordCountMax', { brokers, recordCountMax: 0 }],
    ['requestBytesMax', { brokers, requestBytesMax: Number.NaN }],
  ]
  for (const [option, options] of refused) {
    test(`${option} ${JSON.stringify(options)}`, () => {
      const make = (): unknown => kafkaSink(options as unknown as KafkaSinkOptions)
      expect(make).toThrow(refusal(`kafkaSink.${option}`))
    })
  }

  test('and never prints credentials', () => {
    const sasl = { username: 'u', password: 'hunter2' }
    const make = (): unknown => kafkaSink({ brokers, sasl } as unknown as KafkaSinkOptions)
    expect(make).toThrow(expect.not.objectContaining({ message: /hunter2/ }))
  })
})

test('kafkaSink takes what it should', () => {
  const sasl = { mechanism: 'scram-sha-512', username: 'u', password: 'p' } as const
  const sink = kafkaSink({ brokers, ssl: true, sasl, name: 'kafka-2', topicPrefix: 'acme.' })
  expect(sink.name).toBe('kafka-2')
  expect(kafkaSink({ brokers, requestTimeoutMillis: 30_000 }).name).toBe('kafka')
})

describe('kafkaSource refuses at construction', () => {
  const refused: readonly [string, Anything][] = [
    ['brokers', { brokers: [] }],
    ['groups', { brokers, groups: 'x' }],
    ['group', { brokers, group: 'with space' }],
    ['partitions', { brokers, partitions: [] }],
    ['partitions', { brokers, partitions: [-1] }],
    ['partitions', { brokers, partitions: [0], group: 'x' }],
    ['from', { brokers, from: 'latest' }],
    ['from', { brokers, from: null }],
    ['from', { brokers, from: {} }],
    ['from', { brokers, from: { place: 1 } }],
    ['from', { brokers, from: { offset: '7' } }],
    ['from', { brokers, from: { offset: { 0: '7' }, time: 7 } }],
    ['from', { brokers, from: { offset: { 0: '7' } }, group: 'x' }],
    ['from', { brokers, from: { time: 7 }, group: 'x' }],
    ['from.time', { brokers, from: { time: new Date('never') } }],
    ['from.time', { brokers, from: { time: -1 } }],
    ['from.offset', { brokers, from: { offset: {} } }],
    ['from.offset', { brokers, from: { offset: { 0: 7 } } }],
    ['from.offset', { brokers, from: { offset: { 0: '-7' } } }],
    ['from.offset', { brokers, from: { offset: { '-1': '7' } } }],
    ['from.offset', { brokers, from: { offset: { 'payments/0': '7' } } }],
    ['from.offset', { brokers, from: { offset: { 'audit.records.v1/00': '7' } } }],
    ['logs', { brokers, logs: [] }],
    ['logs', { brokers, logs: ['../up'] }],
    ['logs', { brokers, logs: [7] }],
    ['sessionTimeoutMillis', { brokers, sessionTimeoutMillis: 1 }],
    ['onMalformed', { brokers, onMalformed: 'skip' }],
    ['onFork', { brokers, onFork: 'alarm' }],
    ['seenRecordsMax', { brokers, seenRecordsMax: -1 }],
    ['bufferBytesMax', { brokers, bufferBytesMax: 0 }],
  ]
  for (const [option, options] of refused) {
    test(`${option} ${JSON.stringify(options)}`, () => {
      const make = (): unknown => kafkaSource(options as unknown as KafkaSourceOptions)
      expect(make).toThrow(refusal(`kafkaSource.${option}`))
    })
  }
})

test('createTopics refuses before it connects', async () => {
  await expect(createTopics({ brokers, partitions: 0 })).rejects.toThrow(
    refusal('createTopics.partitions'),
  )
  await expect(
    createTopics({ brokers, replicationFactor: 2, minInsyncReplicas: 3 }),
  ).rejects.toThrow(refusal('createTopics.minInsyncReplicas'))
})

test('topic names stand behind the prefix, which is checked', () => {
  expect(topicNames()).toEqual({
    records: 'audit.records.v1',
    checkpoints: 'audit.checkpoints.v1',
    deadLetters: 'audit.dead-letters.v1',
  })
  expect(topicNames('acme.').records).toBe('acme.audit.records.v1')
  expect(() => topicNames('a/b')).toThrow(refusal('topicPrefix'))
})
