// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { DelayLine } from './delay-line.ts'

const PRODUCE = 0

/** What happens to the answer to a Produce request. */
export type Fate = 'pass' | 'cut' | 'swallow'

/**
 * Stands before a broker and decides about every acknowledgement: passes it on, cuts the connection
 * instead, or swallows it. Everything else passes. The broker has done its work by then, so this is
 * what a network fault at the worst moment looks like.
 */
export class AcknowledgementProxy {
  /** Given the number of the acknowledgement, from 1 on. */
  fate: (acknowledgement: number) => Fate
  /** How long everything is under way, each way; default 0. */
  delayMillis = 0
  brokerPort = 0
  lost = 0
  /** The last Produce request that was passed on, without its length. */
  lastProduce: Buffer | undefined
  readonly #server = createServer((client) => this.#join(client))
  readonly #sockets = new Set<Socket>()
  #acknowledgements = 0

  constructor(fate: (acknowledgement: number) => Fate) {
    this.fate = fate
  }

  /** Ends of connections that are open, on both sides. */
  get openSockets(): number {
    return this.#sockets.size
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1')
    await new Promise((resolve, reject) => {
      this.#server.once('listening', resolve)
      this.#server.once('error', reject)
    })
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #join(client: Socket): void {
    const broker = connect(this.brokerPort, '127.0.0.1')
    const produced = new Set<number>()
    const end = (): void => {
      client.destroy()
      broker.destroy()
    }
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      socket.on('error', end).on('close', end).setNoDelay(true)
    }
    const toBroker = new DelayLine(broker, () => this.delayMillis)
    const toClient = new DelayLine(client, () => this.delayMillis)
    client.on('data', (chunk: Buffer) => toBroker.write(chunk))
    client.on(
      'data',
      frames((frame) => {
        if (frame.readInt16BE(0) !== PRODUCE) return
        produced.add(frame.readInt32BE(4))
        this.lastProduce = Buffer.from(frame)
      }),
    )
    broker.on(
      'data',
      frames((frame) => {
        const fate = produced.delete(frame.readInt32BE(0)) ? this.#next() : 'pass'
        if (fate !== 'pass') this.lost++
        if (fate === 'cut') end()
        if (fate === 'pass') toClient.write(Buffer.concat([lengthOf(frame), frame]))
      }),
    )
  }

  #next(): Fate {
    this.#acknowledgements++
    return this.fate(this.#acknowledgements)
  }
}

function lengthOf(frame: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(frame.length)
  return length
}

/** Kafka's frames: a length of four bytes, then as many bytes. */
function frames(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0)
      take(rest.subarray(4, end))
      rest = rest.subarray(end)
    }
  }
}
