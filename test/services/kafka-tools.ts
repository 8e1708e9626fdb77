// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from './cache.ts'
import { runCommand } from './run-command.ts'

const POM = join(import.meta.dirname, 'kafka', 'tools-pom.xml')

export interface PerformanceRun {
  readonly brokers: readonly string[]
  readonly topic: string
  /** One record a line; they are sent in any order, each any number of times. */
  readonly payloadFile: string
  readonly recordCount: number
  /** Sent before and not counted: the machine that runs it compiles meanwhile. */
  readonly warmupCount: number
  /** Settings of Kafka's own producer. */
  readonly settings: Readonly<Record<string, string>>
}

/** Records a second that Kafka's own ProducerPerformance reaches. */
export async function producerPerformance(run: PerformanceRun): Promise<number> {
  const libs = await cached({
    name: 'kafka-tools',
    inputs: [readFileSync(POM, 'utf8')],
    build: fetchTools,
  })
  const settings = { 'bootstrap.servers': run.brokers.join(','), ...run.settings }
  const args = [
    ['-cp', `${libs}/*`, 'org.apache.kafka.tools.ProducerPerformance'],
    ['--topic', run.topic, '--payload-file', run.payloadFile, '--throughput', '-1'],
    ['--num-records', `${run.recordCount + run.warmupCount}`],
    ['--warmup-records', `${run.warmupCount}`, '--command-property'],
    Object.entries(settings).map(([name, value]) => `${name}=${value}`),
  ].flat()
  const { stdout } = await runCommand('java', args, { timeoutMillis: 300_000 })
  const rate = /steady state records sent, ([\d.]+) records\/sec/.exec(stdout)?.[1]
  if (rate === undefined) throw new Error(`ProducerPerformance said: ${stdout.slice(-500)}`)
  return Number(rate)
}

async function fetchTools(folder: string): Promise<void> {
  await copyFile(POM, join(folder, 'pom.xml'))
  const goal = ['-q', '-B', '-f', join(folder, 'pom.xml'), 'dependency:copy-dependencies']
  const settings = [`-DoutputDirectory=${folder}`, '-DincludeScope=runtime']
  await runCommand('mvn', [...goal, ...settings], { cwd: folder, timeoutMillis: 300_000 })
}
