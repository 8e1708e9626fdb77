// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Socket } from 'node:net'
import type * as PlatformaticModule from '@platformatic/kafka'
import type { Base, BaseOptions, Connection, SASLOptions } from '@platformatic/kafka'
import { AuditError } from '@spanseal/core'
import { aliveFirst } from './bootstrap-probe.ts'
import type { KafkaConnection } from './connection-options.ts'
import { refuse } from './option-guards.ts'

export type Platformatic = typeof PlatformaticModule

/** What producers, consumers and admins of @platformatic/kafka are made with, and how they end. */
export interface PlatformaticClient {
  readonly module: Platformatic
  /** For the constructors. */
  readonly options: BaseOptions
  /** Knows the connections of what was made with these options, from the first one on. */
  watch(made: Base): void
  /** Destroys all connections, and at once those that are still opened. */
  discard(): void
}

// As kafkajs' cap: waits of a second or more stretch a failover, and 100 ms wait for no leader.
const RETRIES = 60
export const RETRY_MILLIS = 100
export const RETRY_MILLIS_MAX = 250
/** Errors make the client ask again; asking every 5 s, its default, meets frozen brokers for nothing. */
const METADATA_AGE_MILLIS = 300_000

/**
 * Loads the client and puts a broker that answers first in its bootstrap list: it asks the first one
 * again and again.
 *
 * @param mode `background`: connections do not keep the process alive
 * @throws AuditError `DELIVERY_REFUSED` when @platformatic/kafka is not installed
 */
export async function openPlatformatic(
  connection: KafkaConnection,
  mode: 'background' | 'foreground',
): Promise<PlatformaticClient> {
  const background = mode === 'background'
  const module = await loadPlatformatic()
  const bootstrapBrokers = [...(await aliveFirst(connection, background))]
  const connections = new Connections(background)
  return {
    module,
    options: { ...baseOptions(connection), bootstrapBrokers },
    watch: (made) => {
      connections.watch(made)
      made.on('client:broker:failed', ({ broker }) => {
        if (connections.ended) return
        const address = `${broker.host}:${broker.port}`
        connection.onLog?.({ level: 'warn', message: 'Connection failed', broker: address })
      })
    },
    discard: () => connections.destroy(),
  }
}

async function loadPlatformatic(): Promise<Platformatic> {
  try {
    return await import('@platformatic/kafka')
  } catch (cause) {
    throw new AuditError(
      'DELIVERY_REFUSED',
      'the package @platformatic/kafka cannot be loaded; install it: npm install @platformatic/kafka',
      { cause },
    )
  }
}

function baseOptions(connection: KafkaConnection): Omit<BaseOptions, 'bootstrapBrokers'> {
  const { clientId, ssl, sasl, connectTimeoutMillis, requestTimeoutMillis } = connection
  return {
    clientId,
    connectTimeout: connectTimeoutMillis,
    requestTimeout: requestTimeoutMillis,
    // How long the broker may wait for the replicas.
    timeout: requestTimeoutMillis,
    retries: RETRIES,
    retryDelay: (made, _operation, attempt) => {
      // It renews what it knows of leaders after a broken connection, and not after each "I am not
      // the leader": then it would ask the same broker until the knowledge has aged.
      ;(made as Base).clearMetadata()
      return Math.min(RETRY_MILLIS * 2 ** (attempt - 1), RETRY_MILLIS_MAX)
    },
    metadataMaxAge: METADATA_AGE_MILLIS,
    autocreateTopics: false,
    ...(ssl === undefined || ssl === false ? {} : { tls: ssl === true ? {} : ssl }),
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
  }
}

type KafkajsSasl = NonNullable<KafkaConnection['sasl']>

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer']

/** @throws AuditError `INVALID_OPTION` where only kafkajs can take the settings */
export function checkPlatformaticConnection(label: string, { sasl }: KafkaConnection): void {
  if (sasl === undefined || MECHANISMS.includes(sasl.mechanism)) return
  refuse(`${label}.sasl.mechanism`, 'this one', `one of ${MECHANISMS.join(', ')}, or use kafkajs`)
}

function saslOptions(sasl: KafkajsSasl): SASLOptions {
  const mechanism = sasl.mechanism.toUpperCase() as SASLOptions['mechanism']
  if ('oauthBearerProvider' in sasl) {
    const { oauthBearerProvider } = sasl
    return { mechanism, token: async () => (await oauthBearerProvider()).value }
  }
  const { username, password } = sasl as { readonly username: string; readonly password: string }
  return { mechanism, username, password }
}

/** The connections of one client, so that they can be ended at once. */
class Connections {
  readonly #background: boolean
  readonly #open = new Set<Connection>()
  #ended = false

  constructor(background: boolean) {
    this.#background = background
  }

  get ended(): boolean {
    return this.#ended
  }

  watch(made: Base): void {
    made.connections.on('connecting', ({ connection }) => {
      // Without a listener its second error would end the process.
      connection.on('error', () => undefined)
      this.#open.add(connection)
      connection.once('close', () => this.#open.delete(connection))
      // It is told just before the connection has a socket.
      queueMicrotask(() => this.#onSocket(connection.socket))
    })
  }

  #onSocket(socket: Socket | undefined): void {
    socket?.on('error', () => undefined)
    if (this.#background) socket?.unref()
    if (this.#ended) socket?.destroy()
  }

  destroy(): void {
    this.#ended = true
    for (const { socket } of this.#open) socket?.destroy()
    this.#open.clear()
  }
}
