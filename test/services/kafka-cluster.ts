// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** One broker while its settings are written. */
export interface KafkaNode {
  /** 1, 2 or 3. */
  readonly id: number
  readonly port: number
  readonly controllerPort: number
  /** As many as `sparePorts` asked for. */
  readonly sparePorts: readonly number[]
  /** Absolute; holds `server.properties`, `broker.log` and `data`. */
  readonly folder: string
}

export type KafkaProperties = Readonly<Record<string, string>>

export interface KafkaOptions {
  /** Default: 1. Three give new topics three replicas, of which two must acknowledge. */
  readonly brokers?: 1 | 3
  /** Lines of server.properties that come last and win, or what makes them for each broker. */
  readonly properties?: KafkaProperties | ((node: KafkaNode) => KafkaProperties)
  /** True: `properties` are all there is; nothing is added to them. Default: false. */
  readonly bare?: boolean
  /** More arguments for formatting the storage, such as `--add-scram` and its value. */
  readonly formatArgs?: readonly string[]
  /** More free ports for each broker, for listeners of the test's own. Default: 0. */
  readonly sparePorts?: number
  /**
   * What to run instead of a command of a broker, its formatting and its start, for instance the same
   * behind `nsenter`. Default: the command as it is.
   */
  readonly launch?: (node: KafkaNode, command: readonly string[]) => Promise<readonly string[]>
  /** True when the test kills or restarts brokers. Default: false. */
  readonly control?: boolean
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
  /** Whether the broker's process is there; a frozen one is. */
  readonly running: (id: number) => boolean
  /** What the broker has written; empty where it cannot be had. */
  readonly log: (id: number) => string
  /** Ends all brokers and removes their data; leaves brokers of `KAFKA_BROKERS` alone. */
  readonly stop: () => Promise<void>
}
