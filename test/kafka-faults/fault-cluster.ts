// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createTopics, topicNames } from '@spanseal/kafka'
import type { Admin } from 'kafkajs'
import kafkajs from 'kafkajs'
import { AcknowledgementProxy } from '../kafka/acknowledgement-proxy.ts'
import { freePorts } from '../services/free-ports.ts'
import type { KafkaCluster, KafkaNode, KafkaOptions } from '../services/kafka.ts'
import { FAST_FAILOVER, startKafka } from '../services/kafka.ts'
import { until } from './until.ts'

/** Who has to ask for rights at the listener with passwords; everybody else may do all. */
export const AGENT = { mechanism: 'plain', username: 'agent', password: 'agent-secret' } as const

export interface FaultClusterOptions {
  /** A listener with passwords and access control beside the others; default false. */
  readonly guarded?: boolean
  readonly launch?: KafkaOptions['launch']
}

/**
 * Three brokers, each behind a proxy of its own besides its plain port, and all that a fault needs:
 * who leads, who is down, and everything whole again afterwards.
 */
export class FaultCluster {
  readonly #cluster: KafkaCluster
  readonly #proxies: ReadonlyMap<number, AcknowledgementProxy>
  readonly #proxyPorts: readonly number[]
  readonly #guarded: readonly number[]
  readonly #down = new Set<number>()
  readonly #frozen = new Set<number>()

  private constructor(
    cluster: KafkaCluster,
    proxies: ReadonlyMap<number, AcknowledgementProxy>,
    ports: { readonly proxies: readonly number[]; readonly guarded: readonly number[] },
  ) {
    this.#cluster = cluster
    this.#proxies = proxies
    this.#proxyPorts = ports.proxies
    this.#guarded = ports.guarded
  }

  static async start(options: FaultClusterOptions = {}): Promise<FaultCluster> {
    const proxyPorts = await freePorts(3)
    const proxies = new Map<number, AcknowledgementProxy>()
    for (const [i, port] of proxyPorts.entries()) {
      const proxy = new AcknowledgementProxy(() => 'pass')
      await proxy.listen(port)
      proxies.set(i + 1, proxy)
    }
    const guardedPorts: number[] = []
    try {
      const cluster = await startKafka({
        brokers: 3,
        control: true,
        sparePorts: 2,
        ...(options.launch === undefined ? {} : { launch: options.launch }),
        properties: (node) => {
          const [behindProxy = 0, guarded = 0] = node.sparePorts
          const proxy = proxies.get(node.id) as AcknowledgementProxy
          proxy.brokerPort = behindProxy
          guardedPorts[node.id - 1] = guarded
          const ports = { behindProxy, proxy: proxyPorts[node.id - 1] as number, guarded }
          return { ...FAST_FAILOVER, ...listeners(node, ports, options.guarded === true) }
        },
      })
      return new FaultCluster(cluster, proxies, { proxies: proxyPorts, guarded: guardedPorts })
    } catch (error) {
      for (const proxy of proxies.values()) proxy.close()
      throw error
    }
  }

  get bootstrap(): readonly string[] {
    return this.#cluster.bootstrap
  }

  /** Reach every broker through its proxy, and nothing else. */
  get bootstrapThroughProxies(): readonly string[] {
    return this.#proxyPorts.map((port) => `127.0.0.1:${port}`)
  }

  /** Where `AGENT` has to say his password; only of a cluster started `guarded`. */
  get bootstrapGuarded(): readonly string[] {
    return this.#guarded.map((port) => `127.0.0.1:${port}`)
  }

  get proxies(): readonly AcknowledgementProxy[] {
    return [...this.#proxies.values()]
  }

  proxyOf(broker: number): AcknowledgementProxy {
    return this.#proxies.get(broker) as AcknowledgementProxy
  }

  /** What the brokers wrote last, for an error. */
  logs(): string {
    return [1, 2, 3].map((id) => `broker ${id}:\n${this.#cluster.log(id).slice(-2_000)}`).join('\n')
  }

  async kill(broker: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#cluster.kill(broker, signal)
    if (signal === 'SIGSTOP') this.#frozen.add(broker)
    else if (signal === 'SIGCONT') this.#frozen.delete(broker)
    else this.#down.add(broker)
  }

  async restart(broker: number): Promise<void> {
    await this.#cluster.restart(broker)
    this.#down.delete(broker)
  }

  /** Whether a broker has ended by itself. */
  hasEnded(broker: number): boolean {
    if (this.#cluster.running(broker)) return false
    this.#down.add(broker)
    return true
  }

  /** Runs nothing but questions and orders of an operator, with a client that is ended after it. */
  async admin<T>(run: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new kafkajs.Kafka({
      brokers: [...this.bootstrap],
      connectionTimeout: 1_000,
      requestTimeout: 10_000,
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 500 },
    }).admin()
    try {
      await admin.connect()
      return await run(admin)
    } finally {
      await admin.disconnect()
    }
  }

  /** The topics of an audit trail, in three copies, on all brokers. */
  async makeTopics(topicPrefix: string, partitions: number): Promise<void> {
    const copies = { replicationFactor: 3, minInsyncReplicas: 2 }
    // On a busy machine a broker may seem to be gone for a moment.
    await until(`topics ${topicPrefix} in three copies`, async () => {
      await createTopics({ brokers: this.bootstrap, topicPrefix, partitions, ...copies })
      return true
    })
    await this.inSync(topicNames(topicPrefix).records)
  }

  /** The broker that leads the partition. */
  async leader(topic: string, partition = 0): Promise<number> {
    let leader = -1
    await until(`a leader of ${topic}/${partition}`, async () => {
      const { topics } = await this.admin((admin) => admin.fetchTopicMetadata({ topics: [topic] }))
      const found = topics[0]?.partitions.find(({ partitionId }) => partitionId === partition)
      leader = found?.leader ?? -1
      return leader > 0
    })
    return leader
  }

  /** Resolves when all three have all of the topic. */
  async inSync(topic: string): Promise<void> {
    await until(`${topic} in sync`, async () => {
      const { topics } = await this.admin((admin) => admin.fetchTopicMetadata({ topics: [topic] }))
      const [found] = topics
      return found !== undefined && found.partitions.every(({ isr }) => isr.length === 3)
    })
  }

  /** Takes back every fault. */
  async heal(): Promise<void> {
    for (const proxy of this.proxies) {
      proxy.fate = () => 'pass'
      proxy.delayMillis = 0
    }
    for (const broker of [...this.#frozen]) await this.kill(broker, 'SIGCONT')
    await Promise.all([...this.#down].map((broker) => this.restart(broker)))
  }

  async stop(): Promise<void> {
    for (const proxy of this.proxies) proxy.close()
    for (const broker of [...this.#frozen]) await this.kill(broker, 'SIGCONT')
    await this.#cluster.stop()
  }
}

interface ListenerPorts {
  readonly behindProxy: number
  readonly proxy: number
  readonly guarded: number
}

/** Brokers talk to each other at the plain port, so that replication never passes a proxy. */
function listeners(
  { port, controllerPort }: KafkaNode,
  ports: ListenerPorts,
  guarded: boolean,
): Record<string, string> {
  const at = (name: string, number: number): string => `${name}://127.0.0.1:${number}`
  const own = [
    at('PLAINTEXT', port),
    at('CONTROLLER', controllerPort),
    at('PROXIED', ports.behindProxy),
  ]
  const advertised = [at('PLAINTEXT', port), at('PROXIED', ports.proxy)]
  const protocols = ['PLAINTEXT:PLAINTEXT', 'CONTROLLER:PLAINTEXT', 'PROXIED:PLAINTEXT']
  if (guarded) {
    own.push(at('GUARDED', ports.guarded))
    advertised.push(at('GUARDED', ports.guarded))
    protocols.push('GUARDED:SASL_PLAINTEXT')
  }
  return {
    listeners: own.join(','),
    'advertised.listeners': advertised.join(','),
    'listener.security.protocol.map': protocols.join(','),
    ...(guarded ? GUARDED_SETTINGS : {}),
  }
}

const GUARDED_SETTINGS = {
  'sasl.enabled.mechanisms': 'PLAIN',
  'listener.name.guarded.plain.sasl.jaas.config':
    'org.apache.kafka.common.security.plain.PlainLoginModule required ' +
    `user_${AGENT.username}="${AGENT.password}";`,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
}
