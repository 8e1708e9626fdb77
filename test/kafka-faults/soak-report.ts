// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpus, totalmem } from 'node:os'
import type { Found } from './compare.ts'

/** What one fault did. */
export interface SoakedFault {
  readonly title: string
  readonly longestStallMillis: number
}

export interface SoakResult {
  readonly command: string
  readonly client: string
  readonly startedAt: Date
  readonly minutes: number
  readonly faults: readonly SoakedFault[]
  /** Records a second, by the agents. */
  readonly rate: number
  /** Mebibytes of the agents and of the shipper, one pair a minute. */
  readonly memory: readonly (readonly [number, number])[]
  /** Failed deliveries that the shipper told of, by code. */
  readonly retries: ReadonlyMap<string, number>
  readonly unexpectedEnds: number
  readonly found: Found
}

export function holds({ found, unexpectedEnds }: SoakResult): boolean {
  const { forks, invented, lost, outOfOrder, verdict } = found
  const whole = lost.length + invented.length + forks.length + outOfOrder === 0
  return whole && verdict.ok && unexpectedEnds === 0
}

/** The report as Markdown. */
export function soakReport(result: SoakResult): string {
  const { command, client, found, minutes, startedAt } = result
  return `# Soak: a fault a minute

Agents write through the journal, \`spanseal ship --watch\` delivers it to three brokers as a process of its own, and every minute something goes wrong. Afterwards the topics are read as a consumer reads them, restored, held against the journal byte for byte, and verified. This page is what the last run wrote; run it with

\`\`\`sh
${command}
\`\`\`

| | |
|---|---|
| began | ${startedAt.toISOString()} |
| length | ${minutes.toFixed(1)} minutes under load |
| machine | ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB; brokers, agents and shipper together |
| versions | Apache Kafka 4.2.0 with quick fail-over, Node ${process.versions.node}, client ${client} |
| faults | ${result.faults.length} |
| load | ${Math.round(result.rate)} records a second |
| records in the journal | ${found.records} in ${found.epochs} epochs |
| **acknowledged and lost** | **${found.lost.length}** |
| in the topic and not in the journal | ${found.invented.length} |
| out of order within their epoch | ${found.outOfOrder} |
| twice, byte for byte the same | ${found.duplicates} |
| twice, with other bytes | ${found.forks.length} |
| verdict over what the consumer read | ${found.verdict.ok ? 'holds' : 'does not hold'} |
| processes that ended of themselves | ${result.unexpectedEnds} |
| failed deliveries, all tried again | ${counts(result.retries)} |
| memory of the shipper, MiB | ${range(result.memory.map(([, shipper]) => shipper))} |
| memory of the agents, MiB | ${range(result.memory.map(([agents]) => agents))} |

## How long nothing was acknowledged

From the fault until the next one; the agents went on all the time.

| fault | times | longest, s | median, s |
|---|---|---|---|
${stallRows(result.faults)}
${findings(found)}`
}

function stallRows(faults: readonly SoakedFault[]): string {
  return [...Map.groupBy(faults, ({ title }) => title)]
    .map(([title, all]) => {
      const stalls = all.map(({ longestStallMillis }) => longestStallMillis).sort((a, b) => a - b)
      const median = stalls[Math.floor(stalls.length / 2)] as number
      return `| ${title} | ${all.length} | ${seconds(stalls.at(-1) as number)} | ${seconds(median)} |`
    })
    .join('\n')
}

function findings({ verdict }: Found): string {
  if (verdict.findings.length === 0) return ''
  const kinds = Map.groupBy(verdict.findings, (finding) => finding.split(':')[0])
  const list = [...kinds].map(([code, all]) => `- ${all.length} × ${all[0] ?? code}`)
  const why = 'what was killed left epochs that the next ones name'
  return `\n## What the verdict notes\n\n${verdict.ok ? `No faults: ${why}.\n\n` : ''}${list.join('\n')}\n`
}

function counts(codes: ReadonlyMap<string, number>): string {
  const list = [...codes].map(([code, count]) => `${count} × ${code}`)
  return list.length === 0 ? 'none' : list.join(', ')
}

function range(values: readonly number[]): string {
  return `${Math.min(...values)} to ${Math.max(...values)}, at the end ${values.at(-1) ?? 0}`
}

function seconds(millis: number): string {
  return (millis / 1_000).toFixed(1)
}
