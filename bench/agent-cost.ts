// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { createTopics, kafkaSink } from '@spanseal/kafka'
import { createAudit } from '@spanseal/otel'
import { AcknowledgementProxy } from '../test/kafka/acknowledgement-proxy.ts'
import { freePorts } from '../test/services/free-ports.ts'
import type { KafkaCluster } from '../test/services/kafka.ts'
import { startKafka } from '../test/services/kafka.ts'

/**
 * What a call costs the agent while Kafka is up, slow (100 ms each way) and down, beside an agent that
 * ships nothing, which is there twice: what lies between the two is noise. One process each, in turns
 * within one run. An agent calls one tool after the other, `paced`, or without a pause, where it shares
 * its processor with its own shipping.
 *
 *     npm run bench -- agent-cost
 */

const ROUNDS = Number(process.env['ROUNDS'] ?? 5)
const PACED_CALLS = 200
const PACE_MILLIS = 3
const CALLS = 1_000
const DELAY_MILLIS = 100
const DRAIN_MILLIS = 20_000

const VARIANTS = ['no sink', 'no sink, again', 'Kafka up', 'Kafka slow', 'Kafka down'] as const
type Variant = (typeof VARIANTS)[number]
const BASE: Variant = 'no sink'

/** Of one round, in µs a call. */
interface Round {
  readonly paced: number
  readonly pacedLate: number
  readonly busy: number
  /** Records that the sink has not taken at the end. */
  readonly pending: number
}

const { input, output } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'reference-call.json'), 'utf8'),
) as { readonly input: object; readonly output: object }

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** The agent's process: a round for each message. */
function agent(journal: string, broker: string): void {
  const audit = createAudit({
    service: { name: 'bench' },
    journal,
    sinks: broker === '' ? [] : [kafkaSink({ brokers: [broker] })],
    shutdownTimeoutMillis: 1_000,
  })
  const tool = audit.tool({ name: 'refund_order', version: '2.1.0' }, async (_input: object) => {
    await nextTurn() // a real tool waits for something, too
    return output
  })
  const timed = async (): Promise<number> => {
    const start = process.hrtime.bigint()
    await tool(input)
    return Number(process.hrtime.bigint() - start) / 1_000
  }
  const round = async (): Promise<Round> => {
    const paced: number[] = []
    for (let i = 0; i < PACED_CALLS; i++) {
      await sleep(PACE_MILLIS)
      paced.push(await timed())
    }
    const start = process.hrtime.bigint()
    for (let i = 0; i < CALLS; i++) await tool(input)
    const busy = Number(process.hrtime.bigint() - start) / 1_000 / CALLS
    const deadline = performance.now() + DRAIN_MILLIS
    const pending = (): number => audit.health().sinks[0]?.pending ?? 0
    const isDown = broker.endsWith(':9')
    while (!isDown && pending() > 0 && performance.now() < deadline) await sleep(100)
    return {
      paced: quantile(paced, 0.5),
      pacedLate: quantile(paced, 0.99),
      busy,
      pending: pending(),
    }
  }
  const answer = async (): Promise<void> => {
    globalThis.gc?.()
    process.send?.(await round())
  }
  process.on('message', () => void answer())
  process.on('disconnect', () => void audit.shutdown())
}

async function roundOf(child: ChildProcess): Promise<Round> {
  child.send('round')
  const [round] = (await once(child, 'message')) as [Round]
  return round
}

/** One broker with a second way to it, on which everything takes its time. */
async function twoWays(): Promise<{
  readonly cluster: KafkaCluster
  readonly slow: string
  readonly close: () => Promise<void>
}> {
  const [port = 0] = await freePorts(1)
  const proxy = new AcknowledgementProxy(() => 'pass')
  proxy.delayMillis = DELAY_MILLIS
  await proxy.listen(port)
  const cluster = await startKafka({
    sparePorts: 1,
    properties: (node) => {
      const [spare = 0] = node.sparePorts
      proxy.brokerPort = spare
      return {
        listeners: `PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort},SLOW://127.0.0.1:${spare}`,
        'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port},SLOW://127.0.0.1:${port}`,
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SLOW:PLAINTEXT',
      }
    },
  })
  const close = async (): Promise<void> => {
    proxy.close()
    await cluster.stop()
  }
  return { cluster, slow: `127.0.0.1:${port}`, close }
}

function report(rounds: ReadonlyMap<Variant, readonly Round[]>): void {
  const of = (variant: Variant, key: keyof Round): number =>
    quantile(
      (rounds.get(variant) ?? []).map((round) => round[key]),
      0.5,
    )
  const ratio = (variant: Variant, key: keyof Round): string =>
    (of(variant, key) / of(BASE, key)).toFixed(2)
  console.table(
    VARIANTS.map((variant) => ({
      agent: variant,
      'paced, µs a call': of(variant, 'paced').toFixed(0),
      'of no sink': ratio(variant, 'paced'),
      'slowest of 100, µs': of(variant, 'pacedLate').toFixed(0),
      'of no sink ': ratio(variant, 'pacedLate'),
      'without a pause, µs': of(variant, 'busy').toFixed(0),
      'of no sink  ': ratio(variant, 'busy'),
      undelivered: Math.max(...(rounds.get(variant) ?? []).map(({ pending }) => pending)),
    })),
  )
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-agent-cost-'))
  const { cluster, slow, close } = await twoWays()
  const children = new Map<Variant, ChildProcess>()
  try {
    await createTopics({ brokers: cluster.bootstrap, partitions: 1 })
    const brokers = ['', '', cluster.bootstrap[0] ?? '', slow, '127.0.0.1:9']
    for (const [i, variant] of VARIANTS.entries()) {
      const args = ['agent', join(folder, `journal-${i}`), brokers[i] ?? '']
      children.set(variant, fork(import.meta.filename, args, { execArgv: process.execArgv }))
    }
    const rounds = new Map<Variant, Round[]>()
    for (let n = -1; n < ROUNDS; n++) {
      // Nobody is always first; the first round only warms up.
      const order = VARIANTS.map((_, i) => VARIANTS[(i + n + 1) % VARIANTS.length] as Variant)
      for (const variant of order) {
        const round = await roundOf(children.get(variant) as ChildProcess)
        if (n >= 0) rounds.set(variant, [...(rounds.get(variant) ?? []), round])
      }
    }
    console.log(
      `Medians of ${ROUNDS} rounds: ${PACED_CALLS} calls ${PACE_MILLIS} ms apart, then ${CALLS} without a pause ` +
        `(2 KB in and out, interval durability; Kafka ${cluster.origin}, one broker)`,
    )
    report(rounds)
  } finally {
    const ends = [...children.values()].map((child) => once(child, 'exit'))
    for (const child of children.values()) child.disconnect()
    await Promise.all(ends)
    await close()
    rmSync(folder, { recursive: true, force: true })
  }
}

if (process.argv[2] === 'agent') agent(process.argv[3] ?? '', process.argv[4] ?? '')
else await main()
