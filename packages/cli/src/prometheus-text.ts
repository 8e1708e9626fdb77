// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { StatusReport } from './status-report.ts'

/** What a shipping process counts of itself. */
export interface ShipperCounts {
  readonly sink: string
  readonly retries: number
  readonly deadLetters: number
}

interface Family {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[]
}

/**
 * A journal's state in Prometheus' text format 0.0.4, under the names that the agent's own metrics
 * have once a Collector hands them to Prometheus (`docs/observability.md`).
 */
export function prometheusText(report: StatusReport, shipper?: ShipperCounts): string {
  return families(report, shipper)
    .filter(({ samples }) => samples.length > 0)
    .map(familyText)
    .join('')
}

function families(report: StatusReport, shipper?: ShipperCounts): Family[] {
  const { gaps, lag, lagAgeMillis = 0, orphans, spool, watermarks } = report
  const bySink = (counts: Readonly<Record<string, number>>): Family['samples'] =>
    Object.entries(counts).map(([sink, count]) => [{ sink }, count])
  const own = shipper === undefined ? [] : [shipper]
  return [
    counter('spanseal_journal_records_total', 'Records appended, and those known to be on disk.', [
      [{ watermark: 'produced' }, watermarks.produced],
      [{ watermark: 'durable' }, watermarks.durable],
    ]),
    counter('spanseal_records_lost_total', 'Records that could not be written.', [
      [{}, gaps.records + gaps.pending + gaps.untold],
    ]),
    counter('spanseal_calls_refused_total', 'Calls that were not made for that.', [
      [{}, gaps.refused],
    ]),
    counter(
      'spanseal_sink_acknowledged_total',
      'Records that the sink has.',
      bySink(watermarks.acknowledged),
    ),
    gauge('spanseal_sink_lag', 'Records that the sink has not.', bySink(lag)),
    gauge('spanseal_sink_lag_age_seconds', 'Age of the oldest record that some sink has not.', [
      [{}, lagAgeMillis / 1_000],
    ]),
    gauge('spanseal_spool_bytes', 'Bytes of the journal on disk.', [[{}, spool.bytes]]),
    gauge('spanseal_spool_orphans', 'Undelivered epochs of processes that are gone.', [
      [{}, orphans.length],
    ]),
    counter(
      'spanseal_sink_retries_total',
      'Deliveries that were made again.',
      own.map(({ retries, sink }) => [{ sink }, retries]),
    ),
    counter(
      'spanseal_sink_dead_letters_total',
      'Records that were put aside.',
      own.map(({ deadLetters, sink }) => [{ sink }, deadLetters]),
    ),
  ]
}

function gauge(name: string, help: string, samples: Family['samples']): Family {
  return { name, type: 'gauge', help, samples }
}

function counter(name: string, help: string, samples: Family['samples']): Family {
  return { name, type: 'counter', help, samples }
}

function familyText({ help, name, samples, type }: Family): string {
  const lines = samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}`)
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** Prometheus exposition format: backslash, double quote and line feed. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
