// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { needsKafka, startKafka } from './kafka.ts'

describe('the choice of a Kafka', () => {
  const empty = mkdtempSync(join(tmpdir(), 'spanseal-path-'))
  afterAll(() => rmdirSync(empty))

  it('hands out the brokers of KAFKA_BROKERS and does not touch them', async () => {
    vi.stubEnv('KAFKA_BROKERS', 'one:9092,two:9092')
    const cluster = await startKafka()
    expect(cluster).toMatchObject({ origin: 'environment', bootstrap: ['one:9092', 'two:9092'] })
    await expect(cluster.kill(1)).rejects.toThrow(/not ours/)
    await cluster.stop()
  })

  it.each([
    [
      {},
      'needs Apache Kafka: install Java 17 or later and Maven, or start Docker, or set KAFKA_BROKERS=host:port',
    ],
    [{ brokers: 3 }, 'needs Apache Kafka: install Java 17 or later and Maven'],
    [{ control: true }, 'needs Apache Kafka: install Java 17 or later and Maven, or start Docker'],
  ] as const)('says what is missing for %j', async (options, sentence) => {
    vi.stubEnv('KAFKA_BROKERS', '')
    vi.stubEnv('PATH', empty)
    expect(await needsKafka(options)).toBe(sentence)
    await expect(startKafka(options)).rejects.toThrow(sentence)
  })

  it('does not take brokers of KAFKA_BROKERS for a test that kills some', async () => {
    vi.stubEnv('KAFKA_BROKERS', 'one:9092')
    vi.stubEnv('PATH', empty)
    expect(await needsKafka()).toBeUndefined()
    expect(await needsKafka({ control: true })).toMatch(/^needs Apache Kafka/)
  })
})
