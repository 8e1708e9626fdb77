// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'

const PRODUCE = 0

/** What happens to the answer to a Produce request. */
export type Fate = 'pass' | 'cut' | 'swallow'

/**
 * Stands before a broker and decides about every acknowledgement: passes it on, cuts the connection
 * instead, or swallows it. Everything else passes. The broker has done its work by then, so this is
 * what a network fault at the worst moment looks like.
 */
export class AcknowledgementProxy {
  readonly #fate: (acknowledgement: number) => Fate
  readonly #server = createServer((client) => this.#join(client))
  #acknowledgements = 0
  lost = 0

  /** @param fate given the number of the acknowledgement, from 1 on */
  constructor(fate: (acknowledgement: number) => Fate) {
    this.#fate = fate
  }

  brokerPort = 0

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1')
    await new Promise((resolve) => this.#server.once('listening', resolve))
  }

  close(): void {
    this.#server.close()
  }

  #join(client: Socket): void {
    const broker = connect(this.brokerPort, '127.0.0.1')
    const produced = new Set<number>()
    const end = (): void => {
      client.destroy()
      broker.destroy()
    }
    for (const socket of [client, broker]) socket.on('error', end).on('close', end).setNoDelay(true)
    client.on('data', (chunk: Buffer) => broker.write(chunk))
    client.on(
      'data',
      frames((frame) => {
        if (frame.readInt16BE(0) === PRODUCE) produced.add(frame.readInt32BE(4))
      }),
    )
    broker.on(
      'data',
      frames((frame) => {
        const fate = produced.delete(frame.readInt32BE(0)) ? this.#next() : 'pass'
        if (fate !== 'pass') this.lost++
        if (fate === 'cut') end()
        if (fate === 'pass') client.write(Buffer.concat([lengthOf(frame), frame]))
      }),
    )
  }

  #next(): Fate {
    this.#acknowledgements++
    return this.#fate(this.#acknowledgements)
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
