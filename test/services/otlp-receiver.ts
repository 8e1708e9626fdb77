// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { IncomingMessage, Server } from 'node:http'
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { freePorts } from './free-ports.ts'

/** A span as it stands in OTLP's JSON; only what the tests look at. */
export interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind?: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes?: readonly OtlpAttribute[]
  readonly status?: { readonly code?: number; readonly message?: string }
}

export interface OtlpAttribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface OtlpScopeSpans {
  readonly scope?: { readonly name?: string }
  readonly spans?: readonly OtlpSpan[]
}

interface OtlpResourceSpans {
  readonly resource?: { readonly attributes?: readonly OtlpAttribute[] }
  readonly scopeSpans?: readonly OtlpScopeSpans[]
}

export interface OtlpTraces {
  readonly resourceSpans?: readonly OtlpResourceSpans[]
}

/**
 * Takes OTLP over HTTP in its JSON encoding and keeps what it took. It listens only between
 * `open` and `close`, always on the same port: closed, it is a target that is down.
 */
export class OtlpReceiver {
  readonly url: string
  readonly requests: OtlpTraces[] = []
  /** A slow target: it takes a request after this time, if the sender is still there. */
  answerAfterMillis = 0
  readonly #port: number
  #server: Server | undefined

  private constructor(port: number) {
    this.#port = port
    this.url = `http://127.0.0.1:${port}`
  }

  static async create(): Promise<OtlpReceiver> {
    const [port] = await freePorts(1)
    return new OtlpReceiver(port as number)
  }

  async open(): Promise<void> {
    const server = createServer((request, response) => {
      void this.#take(request).then(
        () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
        (error: unknown) => response.writeHead(400).end(String(error)),
      )
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, '127.0.0.1', resolve)
    })
    this.#server = server
  }

  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }

  /** All spans taken so far, in the order of arrival, twice if they came twice. */
  spans(): OtlpSpan[] {
    return this.requests.flatMap(spansOf)
  }

  /** The first span of each id once all of them are there, in the order of arrival. */
  async spansWithIds(ids: Iterable<string>, timeoutMillis = 180_000): Promise<OtlpSpan[]> {
    const wanted = new Set(ids)
    for (const end = Date.now() + timeoutMillis; ; await sleep(50)) {
      const found = new Map<string, OtlpSpan>()
      for (const span of this.spans()) {
        if (wanted.has(span.spanId) && !found.has(span.spanId)) found.set(span.spanId, span)
      }
      if (found.size === wanted.size) return [...found.values()]
      if (Date.now() > end) throw new Error(`only ${found.size} of ${wanted.size} spans arrived`)
    }
  }

  async #take(request: IncomingMessage): Promise<void> {
    const body = await buffer(request)
    const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
    if (this.answerAfterMillis > 0) await sleep(this.answerAfterMillis)
    if (request.socket.destroyed || request.url !== '/v1/traces') return
    this.requests.push(JSON.parse(bytes.toString()) as OtlpTraces)
  }
}

/** All spans of a request or of an answer of Jaeger's `/api/v3`. */
export function spansOf(traces: OtlpTraces): OtlpSpan[] {
  const scopes = (traces.resourceSpans ?? []).flatMap((resource) => resource.scopeSpans ?? [])
  return scopes.flatMap((scope) => scope.spans ?? [])
}

/**
 * Attributes by key, each value as OTLP's JSON has it. Those that Jaeger adds by itself
 * (`@jaeger@…`) are left out.
 */
export function attributesOf(span: OtlpSpan): Record<string, Readonly<Record<string, unknown>>> {
  const own = (span.attributes ?? []).filter((attribute) => !attribute.key.startsWith('@jaeger@'))
  return Object.fromEntries(own.map((attribute) => [attribute.key, attribute.value]))
}
