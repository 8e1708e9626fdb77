// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { once } from 'node:events'
import { createServer } from 'node:http'
import { AuditError } from '@spanseal/core'
import { journalStatus } from '@spanseal/journal'
import { failureOf } from '../failure.ts'
import { prometheusText } from '../prometheus-text.ts'
import { statusReport } from '../status-report.ts'
import type { Shipment } from './ship-delivery.ts'

export interface MetricsAddress {
  readonly host: string
  readonly port: number
}

const ADDRESS = /^(?:(?<host>\[[0-9a-f:.]+\]|[a-z0-9.-]+):)?(?<port>\d{1,5})$/i
const PORT_MAX = 65_535

/** Parses `9464`, `0.0.0.0:9464` or `[::]:9464`. */
export function metricsAddress(text: string): MetricsAddress {
  const { host = '127.0.0.1', port } = ADDRESS.exec(text)?.groups ?? {}
  if (port !== undefined && Number(port) <= PORT_MAX) {
    return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
  }
  throw new AuditError(
    'INVALID_OPTION',
    `--metrics: ${JSON.stringify(text)} is not usable; give a port, or host:port`,
    { details: { option: '--metrics' } },
  )
}

/** What answers at /metrics. */
export interface MetricsServer {
  readonly port: number
  close(): Promise<void>
}

/**
 * Answers `GET /metrics` in Prometheus' text format with how the journal and the delivery stand at
 * that moment; everything else with 404. Reads the folder anew for each answer.
 *
 * @throws AuditError `INVALID_OPTION` when the address cannot be listened on
 */
export async function serveMetrics(
  { host, port }: MetricsAddress,
  {
    folder,
    shipment,
    sink,
  }: { readonly folder: string; readonly shipment: Shipment; readonly sink: string },
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?', 1)[0] !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('see /metrics\n')
      return
    }
    try {
      const report = statusReport(journalStatus(folder, { sinks: [sink] }), {
        folder,
        lagMaxMillis: 0,
      })
      const text = prometheusText(report, { sink, ...shipment })
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text)
    } catch (error) {
      response.writeHead(503, { 'content-type': 'text/plain' }).end(`${failureOf(error).code}\n`)
    }
  })
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new AuditError(
      'INVALID_OPTION',
      `--metrics: ${host}:${port} cannot be listened on (${code}); give another port`,
      { cause, details: { option: '--metrics' } },
    )
  }
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
