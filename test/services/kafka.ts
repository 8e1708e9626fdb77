// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { needsKafkaArtifacts, startKafkaArtifacts } from './kafka-artifacts.ts'
import { dockerAnswers, startKafkaCompose } from './kafka-compose.ts'

/** One broker while its settings are written. */
export interface KafkaNode {
  /** 1, 2 or 3. */
  readonly id: number
  readonly port: number
  readonly controllerPort: number
  /** Absolute; holds `server.properties`, `broker.log` and `data`. */
  readonly folder: string
}

export type KafkaProperties = Readonly<Record<string, string>>

export interface KafkaOptions {
  /** Default: 1. Three give new topics three replicas, of which two must acknowledge. */
  readonly brokers?: 1 | 3
  /** Lines of server.properties that come last and win, or what makes them for each broker. */
  readonly properties?: KafkaProperties | ((node: KafkaNode) => KafkaProperties)
  /** More arguments for formatting the storage, such as `--add-scram` and its value. */
  readonly formatArgs?: readonly string[]
  /** True when the test kills or restarts brokers. Default: false. */
  readonly control?: boolean
}

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

/** A Kafka that a test may use. Topics are never created automatically. */
export interface KafkaCluster {
  /** Where it came from: `KAFKA_BROKERS`, docker-compose.yml, or Kafka's Java artifacts. */
  readonly origin: 'environment' | 'compose' | 'artifacts'
  /** Each broker as `host:port`. */
  readonly bootstrap: readonly string[]
  /** Holds a folder `broker-<id>` each; only for brokers made from the artifacts. */
  readonly folder?: string
  /**
   * Sends a signal to broker 1, 2 or 3 and waits for its end, except for SIGSTOP and SIGCONT.
   * Default: SIGKILL.
   */
  readonly kill: (id: number, signal?: NodeJS.Signals) => Promise<void>
  /** Starts a broker that has ended, on its old port and data; resolves when it serves. */
  readonly restart: (id: number) => Promise<void>
  /** What the broker has written; empty where it cannot be had. */
  readonly log: (id: number) => string
  /** Ends all brokers and removes their data; leaves brokers of `KAFKA_BROKERS` alone. */
  readonly stop: () => Promise<void>
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
  const special = (options.brokers ?? 1) > 1 || options.properties || options.formatArgs
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
    log: () => '',
    stop: () => Promise.resolve(),
  }
}
