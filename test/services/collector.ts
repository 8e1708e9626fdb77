// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { answers, freePorts } from './free-ports.ts'
import { collectorBinary } from './go-binaries.ts'
import { removeScratchFolder, scratchFolder } from './guard.ts'
import { ServerProcess } from './server-process.ts'

/** The configuration that users get. */
export const COLLECTOR_CONFIG: string = join(
  import.meta.dirname,
  '../../collector-config/collector.yaml',
)

export interface CollectorOptions {
  /** Where the spans go: base addresses of OTLP over HTTP. */
  readonly targets: { readonly jaeger: string; readonly tempo: string }
  /** Read in this order, the later over the earlier. Default: `COLLECTOR_CONFIG`. */
  readonly configFiles?: readonly string[]
  /** More variables for the configuration. */
  readonly env?: Readonly<Record<string, string>>
}

/** A real Collector on 127.0.0.1; it keeps its ports and its queue over kill and restart. */
export interface Collector {
  /** Base address for OTLP over HTTP. */
  readonly otlpHttp: string
  /** `host:port` for OTLP over gRPC. */
  readonly otlpGrpc: string
  /** Its own metrics, in Prometheus' text format. */
  readonly metrics: string
  readonly queueFolder: string
  /** Sends the signal and waits for the end. Default: SIGKILL. */
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>
  /** Starts it again after `kill`; resolves when it is healthy. */
  readonly restart: () => Promise<void>
  readonly log: () => string
  /** Ends it and removes its queue. */
  readonly stop: () => Promise<void>
}

/** Resolves when the Collector is healthy; builds it first if nobody has before. */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const binary = await collectorBinary()
  const folder = scratchFolder('collector')
  const [http, grpc, health, metrics] = await freePorts(4)
  const queueFolder = join(folder, 'queue')
  const configFiles = options.configFiles ?? [COLLECTOR_CONFIG]
  const server = new ServerProcess({
    command: binary,
    args: configFiles.map((file) => `--config=${file}`),
    env: {
      SPANSEAL_OTLP_HTTP: `127.0.0.1:${http}`,
      SPANSEAL_OTLP_GRPC: `127.0.0.1:${grpc}`,
      SPANSEAL_HEALTH: `127.0.0.1:${health}`,
      SPANSEAL_METRICS_HOST: '127.0.0.1',
      SPANSEAL_METRICS_PORT: `${metrics}`,
      SPANSEAL_QUEUE_DIR: queueFolder,
      JAEGER_OTLP_ENDPOINT: options.targets.jaeger,
      TEMPO_OTLP_ENDPOINT: options.targets.tempo,
      ...options.env,
    },
    logFile: join(folder, 'collector.log'),
    ready: () => answers(`http://127.0.0.1:${health}/`),
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
    otlpHttp: `http://127.0.0.1:${http}`,
    otlpGrpc: `127.0.0.1:${grpc}`,
    metrics: `http://127.0.0.1:${metrics}/metrics`,
    queueFolder,
    kill: (signal = 'SIGKILL') => server.kill(signal),
    restart: () => server.start(),
    log: () => server.log(),
    stop,
  }
}
