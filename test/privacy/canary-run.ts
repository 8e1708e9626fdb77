// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { context, propagation, trace } from '@opentelemetry/api'
import type { Batch, RecordSink } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import { fileSink } from '@spanseal/journal'
import { kafkaSink } from '@spanseal/kafka'
import type { Audit, AuditHealth, AuditOptions, ShutdownReport } from '@spanseal/otel'
import { register } from '@spanseal/otel'
import { CapturedOutput } from './captured-output.ts'
import type { Planter } from './planting.ts'
import { leakyHook } from './planting.ts'
import type { RawOtlpReceiver, RawRequest } from './raw-otlp-receiver.ts'
import { RecordingTransport } from './recording-transport.ts'
import type { WrittenFiles } from './written-files.ts'
import { named, writtenIn } from './written-files.ts'

/** A run and everything that came out of it. */
export interface CanaryRun extends WrittenFiles {
  readonly requests: readonly RawRequest[]
  readonly health: AuditHealth
  readonly report: ShutdownReport
  readonly messages: RecordingTransport['messages']
}

export interface CanaryOptions {
  readonly receiver: RawOtlpReceiver
  readonly options: Partial<AuditOptions>
  /** Headers of every OTLP request. */
  readonly headers?: Readonly<Record<string, string>>
  /** What a sink that refuses for good says. */
  readonly sinkFault?: string
  /** Default `register`. */
  readonly open?: (options: AuditOptions) => Audit
}

/** Opens an audit with every way out, lets `plant` work, shuts down, and gathers what came out. */
export async function canaryRun(
  { receiver, options, headers = {}, sinkFault, open = register }: CanaryOptions,
  plant: (planter: Planter, base: AuditOptions) => Promise<void>,
): Promise<CanaryRun> {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-privacy-'))
  const output = new CapturedOutput()
  const transport = new RecordingTransport()
  const broker = { brokers: ['127.0.0.1:9092'], transport: transport.open }
  const sinks = [
    kafkaSink(broker),
    fileSink({ path: join(folder, 'copies', 'records.jsonl'), name: 'file' }),
    ...(sinkFault === undefined ? [] : [refusingSink(sinkFault)]),
  ]
  const otlp = [
    { url: `${receiver.url}/taking`, headers },
    { url: `${receiver.url}/refusing`, headers },
  ]
  const base: AuditOptions = {
    service: { name: 'canary-agent', version: '1.0.0' },
    journal: join(folder, 'journal'),
    // All must come out, however busy the machine is.
    shutdownTimeoutMillis: 60_000,
    authorize: leakyHook,
    ...options,
  }
  try {
    const audit = open({ ...base, otlp, sinks })
    const said: string[] = []
    await plant({ audit, said }, { ...base, journal: join(folder, 'refused') })
    const before = JSON.stringify(audit.health())
    const report = await audit.shutdown()
    const health = audit.health()
    output.end()
    const { lines, others } = writtenIn(folder)
    const told = [before, JSON.stringify(health), JSON.stringify(report), ...said]
    return {
      lines,
      requests: receiver.taken(),
      others: [
        ...others,
        ...transport.messages.flatMap(partsOfMessage),
        ...named('console', output.console),
        ...named('diag', output.diag),
        ...named('warning', output.warnings),
        ...named('told', told),
      ],
      health,
      report,
      messages: transport.messages,
    }
  } finally {
    output.end()
    trace.disable()
    context.disable()
    propagation.disable()
    rmSync(folder, { recursive: true, force: true })
  }
}

function refusingSink(message: string): RecordSink {
  return {
    name: 'refusing',
    deliver: async (_batch: Batch) => {
      throw new AuditError('DELIVERY_REFUSED', message)
    },
    close: async () => {},
  }
}

/** The value by itself, since it is a line of the journal as well. */
function partsOfMessage({ topic, key, headers, value }: RecordingTransport['messages'][number]) {
  const head = JSON.stringify([topic, String(key), headers])
  return [...named(`Kafka ${topic} head`, [head]), ...named(`Kafka ${topic}`, [latin1(value)])]
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
