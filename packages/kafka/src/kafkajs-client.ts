// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Socket } from 'node:net'
import { connect as connectTcp, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { AuditError } from '@spanseal/core'
import type * as KafkajsModule from 'kafkajs'
import type { ISocketFactory, Kafka, KafkaConfig, logCreator } from 'kafkajs'
import { aliveFirst } from './bootstrap-probe.ts'
import type { KafkaConnection } from './connection-options.ts'
import { repairKafkajs } from './kafkajs-repairs.ts'
import type { Compression } from './transport.ts'
import type { CodecTable } from './zstd-codec.ts'
import { registerZstd } from './zstd-codec.ts'

const KEEP_ALIVE_MILLIS = 60_000
/** kafkajs' compression types are numbers of the protocol. */
export const COMPRESSION_TYPES: Readonly<Record<Compression, number>> = {
  none: 0,
  gzip: 1,
  zstd: 4,
}

/** A kafkajs client of our own, which can be ended at once. */
export interface KafkajsClient {
  readonly kafka: Kafka
  /** Closes all connections, opens none any more and ends all retrying. */
  discard(): void
}

/**
 * Makes a client that begins with a broker that answers: kafkajs stays with the first address of its
 * list, also where that is a frozen broker, which accepts connections and never answers.
 *
 * @param mode `background`: connections do not keep the process alive
 * @throws AuditError `DELIVERY_REFUSED` when kafkajs is not installed
 */
export async function openKafkajs(
  connection: KafkaConnection,
  mode: 'background' | 'foreground',
): Promise<KafkajsClient> {
  const kafkajs = await loadKafkajs()
  const background = mode === 'background'
  registerZstd(kafkajs.CompressionCodecs as unknown as CodecTable)
  const sockets = new SocketPool(background)
  const brokers = await aliveFirst(connection, background)
  const kafka = new kafkajs.Kafka({
    ...clientConfig(connection),
    brokers: [...brokers],
    logLevel: connection.onLog ? kafkajs.logLevel.WARN : kafkajs.logLevel.NOTHING,
    logCreator: logTo(connection, sockets),
    socketFactory: sockets.open,
  })
  const endRetries = repairKafkajs(kafka, background)
  return {
    kafka,
    discard: () => {
      endRetries()
      sockets.destroy()
    },
  }
}

type Kafkajs = typeof KafkajsModule

async function loadKafkajs(): Promise<Kafkajs> {
  try {
    // A CommonJS module: Node finds some of its names for `import`, and all of them in `default`.
    const module = (await import('kafkajs')) as Kafkajs & { readonly default?: Kafkajs }
    return module.default ?? module
  } catch (cause) {
    throw new AuditError(
      'DELIVERY_REFUSED',
      'the package kafkajs cannot be loaded; install it: npm install kafkajs',
      { cause },
    )
  }
}

function clientConfig(connection: KafkaConnection): Omit<KafkaConfig, 'brokers'> {
  return {
    clientId: connection.clientId,
    ...(connection.ssl === undefined ? {} : { ssl: connection.ssl }),
    // kafkajs keeps an authenticator, password included, in the very object that it is given.
    ...(connection.sasl === undefined ? {} : { sasl: { ...connection.sasl } }),
    connectionTimeout: connection.connectTimeoutMillis,
    authenticationTimeout: connection.connectTimeoutMillis,
    requestTimeout: connection.requestTimeoutMillis,
    // For connecting, metadata and producer ids, where waiting long helps less than a new client.
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 500 },
  }
}

// Advice about retries, which for us end at a deadline and go on with a new client; and answers with
// an error code, which are retried or come back as an error.
const NOT_FOR_US = /^(Limiting retries for the idempotent producer|Response )/

function logTo({ onLog }: KafkaConnection, sockets: SocketPool): logCreator {
  return () =>
    ({ label, log }) => {
      if (sockets.ended || NOT_FOR_US.test(log.message)) return
      const broker: unknown = log['broker']
      onLog?.({
        level: label === 'ERROR' ? 'error' : 'warn',
        message: log.message,
        ...(typeof broker === 'string' ? { broker } : {}),
      })
    }
}

/** The connections of one client, as kafkajs opens them itself, but known, so that they can end. */
class SocketPool {
  readonly #background: boolean
  readonly #open = new Set<Socket>()
  #ended = false

  constructor(background: boolean) {
    this.#background = background
  }

  get ended(): boolean {
    return this.#ended
  }

  readonly open: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    if (this.#ended) throw new Error('this Kafka client was discarded')
    // The type says otherwise, but without TLS there is none; true means Node's defaults.
    const tls = ssl as KafkaConfig['ssl'] | null
    const socket = tls
      ? connectTls(
          { host, port, ...(isIP(host) ? {} : { servername: host }), ...(tls === true ? {} : tls) },
          onConnect,
        )
      : connectTcp({ host, port }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MILLIS)
    if (this.#background) socket.unref()
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
    return socket
  }

  destroy(): void {
    this.#ended = true
    for (const socket of this.#open) socket.destroy(new Error('this Kafka client was discarded'))
  }
}
