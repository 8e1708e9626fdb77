// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Socket } from 'node:net'
import { connect as connectTcp, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { KafkaConnection } from './connection-options.ts'

const API_VERSIONS = 18
const CORRELATION_ID = 0x5ea1

/** ApiVersions, version 0: what every broker answers, also before any authentication. */
function question(): Buffer {
  const frame = Buffer.alloc(14)
  frame.writeInt32BE(frame.length - 4, 0)
  frame.writeInt16BE(API_VERSIONS, 4)
  frame.writeInt32BE(CORRELATION_ID, 8)
  // No client id.
  frame.writeInt16BE(-1, 12)
  return frame
}

/**
 * The bootstrap list with a broker first that has just answered a question of the protocol, the rest
 * shuffled.
 *
 * A new client begins with the first address. A frozen broker there accepts connections and answers
 * nothing, and clients stay with it for as long as it is frozen. Asking all of them at once costs one
 * connection each and one round trip to the fastest. Where nobody answers within the connection's
 * `connectTimeoutMillis` the list is only shuffled: the client will say what is wrong.
 *
 * Never rejects; keeps the process alive only where `background` is false.
 */
export async function aliveFirst(
  connection: KafkaConnection,
  background: boolean,
): Promise<readonly string[]> {
  const brokers = shuffled(connection.brokers)
  if (brokers.length < 2) return brokers
  const sockets = new Set<Socket>()
  const alive = brokers.map((broker) => answered(broker, { connection, background, sockets }))
  try {
    const first = await Promise.any(alive)
    return [first, ...brokers.filter((broker) => broker !== first)]
  } catch {
    return brokers
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

interface Probe {
  readonly connection: KafkaConnection
  readonly background: boolean
  /** Where the connection is kept, so that it can be ended. */
  readonly sockets: Set<Socket>
}

/** `broker` once it has answered; rejects when it does not in time. */
function answered(broker: string, { connection, background, sockets }: Probe): Promise<string> {
  return new Promise((resolve, reject) => {
    const colon = broker.lastIndexOf(':')
    const host = broker.slice(0, colon)
    const port = Number(broker.slice(colon + 1))
    const { ssl } = connection
    const ask = (): void => void socket.write(question())
    const socket = ssl
      ? connectTls(
          { host, port, ...(isIP(host) ? {} : { servername: host }), ...(ssl === true ? {} : ssl) },
          ask,
        )
      : connectTcp({ host, port }, ask)
    sockets.add(socket)
    if (background) socket.unref()
    const silent = (): void => reject(new Error(`${broker} does not answer`))
    const timer = setTimeout(silent, connection.connectTimeoutMillis)
    if (background) timer.unref()
    let answer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk])
      if (answer.length >= 8 && answer.readInt32BE(4) === CORRELATION_ID) resolve(broker)
    })
    socket.on('error', silent)
    socket.on('close', () => {
      clearTimeout(timer)
      silent()
    })
  })
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item)
}
