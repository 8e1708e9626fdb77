// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { answers, freePorts } from './free-ports.ts'
import { jaegerBinary } from './go-binaries.ts'
import { removeScratchFolder, scratchFolder } from './guard.ts'
import { ServerProcess } from './server-process.ts'

const CONFIG = join(import.meta.dirname, '../../collector-config/jaeger.yaml')

/** A real Jaeger on 127.0.0.1 with traces in memory: a restart forgets them. */
export interface Jaeger {
  /** Base address for OTLP over HTTP. */
  readonly otlpHttp: string
  /** Base address of the query API: `/api/v3/traces/{id}` and so on. */
  readonly query: string
  /** Sends the signal and waits for the end. Default: SIGKILL. */
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>
  /** Starts it again on its old ports; resolves when it is healthy. */
  readonly restart: () => Promise<void>
  readonly log: () => string
  readonly stop: () => Promise<void>
}

/** Resolves when Jaeger is healthy; builds it first (minutes) if nobody has before. */
export async function startJaeger(): Promise<Jaeger> {
  const binary = await jaegerBinary()
  const folder = scratchFolder('jaeger')
  const [otlp, query, queryGrpc, health] = await freePorts(4)
  const server = new ServerProcess({
    command: binary,
    args: [`--config=${CONFIG}`],
    env: {
      JAEGER_OTLP_HTTP: `127.0.0.1:${otlp}`,
      JAEGER_QUERY_HTTP: `127.0.0.1:${query}`,
      JAEGER_QUERY_GRPC: `127.0.0.1:${queryGrpc}`,
      JAEGER_HEALTH: `127.0.0.1:${health}`,
      // It traces itself otherwise, and takes seconds to end because of it.
      OTEL_TRACES_SAMPLER: 'always_off',
    },
    logFile: join(folder, 'jaeger.log'),
    ready: () => answers(`http://127.0.0.1:${health}/status`),
  })
  const stop = async (): Promise<void> => {
    await server.stop()
    removeScratchFolder(folder)
  }
  try {
    await server.start()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    otlpHttp: `http://127.0.0.1:${otlp}`,
    query: `http://127.0.0.1:${query}`,
    kill: (signal = 'SIGKILL') => server.kill(signal),
    restart: () => server.start(),
    log: () => server.log(),
    stop,
  }
}
