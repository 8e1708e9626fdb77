// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { onTestFinished } from 'vitest'

export interface OtlpReceiver {
  readonly url: string
  /** Request bodies as they came, unpacked. */
  readonly bodies: string[]
  readonly headers: IncomingMessage['headers'][]
  readonly paths: string[]
  /** Names of all spans that came. */
  spanNames(): string[]
}

export type Answer = (response: ServerResponse) => void

const accepted: Answer = (response) => void response.writeHead(200).end('{}')

/** An OTLP/HTTP endpoint of the test's own on 127.0.0.1. */
export async function anOtlpReceiver(answer: Answer = accepted): Promise<OtlpReceiver> {
  const bodies: string[] = []
  const headers: IncomingMessage['headers'][] = []
  const paths: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const zipped = request.headers['content-encoding'] === 'gzip'
      bodies.push((zipped ? gunzipSync(body) : body).toString('utf8'))
      headers.push(request.headers)
      paths.push(request.url ?? '')
      answer(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    bodies,
    headers,
    paths,
    spanNames: () =>
      [...bodies.join('').matchAll(/"name":"([^"]+)","kind"/g)].map(([, name]) => name as string),
  }
}
