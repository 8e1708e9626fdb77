// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { IncomingMessage, Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { afterAll } from 'vitest'

export interface RawRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * Takes OTLP over HTTP and keeps each request as it came. Below `/refusing` it answers 401 and says
 * back, as some do, what it was sent.
 */
export class RawOtlpReceiver {
  readonly requests: RawRequest[] = []
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#take(request).then(({ path, headers, body }) => {
        const refused = path.startsWith('/refusing')
        response.writeHead(refused ? 401 : 200, { 'content-type': 'application/json' })
        response.end(refused ? JSON.stringify({ message: 'not authorized', headers, body }) : '{}')
      })
    })
  }

  static async open(): Promise<RawOtlpReceiver> {
    const receiver = new RawOtlpReceiver()
    await new Promise<void>((resolve, reject) => {
      receiver.#server.once('error', reject)
      receiver.#server.listen(0, '127.0.0.1', resolve)
    })
    return receiver
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** What came since the last time. */
  taken(): RawRequest[] {
    return this.requests.splice(0)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #take(request: IncomingMessage): Promise<RawRequest> {
    const bytes = await buffer(request)
    const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes
    const raw = { path: request.url ?? '', headers: headersOf(request), body: plain.toString() }
    this.requests.push(raw)
    return raw
  }
}

/** One for all tests of a file. */
export async function openReceiver(): Promise<RawOtlpReceiver> {
  const receiver = await RawOtlpReceiver.open()
  afterAll(() => receiver.close())
  return receiver
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}
