// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { needsKafkaArtifacts, startKafkaArtifacts } from './kafka-artifacts.ts'
import type { KafkaCluster, KafkaOptions, KafkaProperties } from './kafka-cluster.ts'
import { dockerAnswers, startKafkaCompose } from './kafka-compose.ts'

export type { KafkaCluster, KafkaNode, KafkaOptions, KafkaProperties } from './kafka-cluster.ts'

/**
 * A dead broker is noticed after 1.5 s instead of 9 s, also when it comes back after SIGKILL: one
 * fault takes about 8 s on three brokers. For tests only.
 */
export const FAST_FAILOVER: KafkaProperties = {
  'broker.session.timeout.ms': '1500',
  'broker.heartbeat.interval.ms': '300',
  'controller.quorum.fetch.timeout.ms': '1000',
  'controller.quorum.election.timeout.ms': '500',
  'controller.quorum.election.backoff.max.ms': '300',
  'replica.lag.time.max.ms': '2000',
  'replica.fetch.wait.max.ms': '200',
}

/**
 * Starts a Kafka, or hands out the one that is there, in this order: the brokers named by the
 * environment variable `KAFKA_BROKERS` (comma-separated); the service of docker-compose.yml, if a
 * Docker engine answers; Apache Kafka's own server from its Java artifacts. A test that needs
 * three brokers, settings of its own or control over them gets the first that can offer it.
 * All ends with this process, whatever ends it.
 * @throws Error saying what to install when nothing of this can be had.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const way = await findWay(options)
  if (way.kind === 'environment') return fromEnvironment(way.brokers)
  if (way.kind === 'compose') return startKafkaCompose()
  if (way.kind === 'artifacts') return startKafkaArtifacts(options)
  throw new Error(way.sentence)
}

/** Undefined when `startKafka` with these options will work here, else how to make it work. */
export async function needsKafka(options: KafkaOptions = {}): Promise<string | undefined> {
  const way = await findWay(options)
  return way.kind === 'none' ? way.sentence : undefined
}

type Way =
  | { readonly kind: 'environment'; readonly brokers: readonly string[] }
  | { readonly kind: 'compose' }
  | { readonly kind: 'artifacts' }
  | { readonly kind: 'none'; readonly sentence: string }

async function findWay(options: KafkaOptions): Promise<Way> {
  const named = (process.env['KAFKA_BROKERS'] ?? '').split(',').filter((broker) => broker !== '')
  const special =
    (options.brokers ?? 1) > 1 || options.properties || options.formatArgs || options.launch
  if (named.length > 0 && !special && !options.control)
    return { kind: 'environment', brokers: named }
  if (!special && (await dockerAnswers())) return { kind: 'compose' }
  const missing = await needsKafkaArtifacts()
  if (missing === undefined) return { kind: 'artifacts' }
  const otherwise = special ? '' : ', or start Docker'
  const brokers = special || options.control ? '' : ', or set KAFKA_BROKERS=host:port'
  return { kind: 'none', sentence: `needs Apache Kafka: ${missing}${otherwise}${brokers}` }
}

function fromEnvironment(bootstrap: readonly string[]): KafkaCluster {
  const refuse = (): Promise<never> =>
    Promise.reject(new Error('the brokers of KAFKA_BROKERS are not ours to stop or start'))
  return {
    origin: 'environment',
    bootstrap,
    kill: refuse,
    restart: refuse,
    running: () => true,
    log: () => '',
    stop: () => Promise.resolve(),
  }
}
