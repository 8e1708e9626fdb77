// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Attributes } from '@opentelemetry/api'
import type { AuditHealth } from './health.ts'
import type { ExporterHealth } from './otlp-leg.ts'
import type { SinkHealth } from './shipping.ts'

/** One value of a metric, with the attributes that tell it from its others. */
export interface Reading {
  readonly value: number
  readonly attributes?: Attributes
}

/** A metric, read from `health()`: so the two cannot disagree. */
export interface AuditMetric {
  readonly name: string
  /** `counter`: only grows while the audit is open. */
  readonly kind: 'counter' | 'gauge'
  /** UCUM; in braces what is counted, empty for 0 and 1 as no and yes. */
  readonly unit: string
  readonly description: string
  readonly read: (health: AuditHealth) => readonly Reading[]
}

const ATTR_WATERMARK = 'watermark'
const ATTR_SINK = 'sink'
const ATTR_ENDPOINT = 'endpoint'
const ATTR_OUTCOME = 'outcome'
/** On every value: the name of the log, for processes that keep several. */
export const ATTR_LOG = 'log'

/** What becomes of a span at an endpoint; what still waits is in none of them. */
const OUTCOMES = [
  'exported',
  'failed',
  'rejected',
  'dropped',
] as const satisfies readonly (keyof ExporterHealth)[]

const one = (value: number): readonly Reading[] => [{ value }]
const yesNo = (is: boolean): number => (is ? 1 : 0)

function bySink(read: (sink: SinkHealth) => number): AuditMetric['read'] {
  return ({ sinks }) =>
    sinks.map((sink) => ({ value: read(sink), attributes: { [ATTR_SINK]: sink.name } }))
}

/** Every metric of an audit; `docs/observability.md` says what to do about each. */
export const AUDIT_METRICS: readonly AuditMetric[] = [
  {
    name: 'spanseal.journal.records',
    kind: 'counter',
    unit: '{record}',
    description: 'Records appended to the journal, and of those known to be on disk.',
    read: ({ journal }) => [
      { value: journal.produced, attributes: { [ATTR_WATERMARK]: 'produced' } },
      { value: journal.durable, attributes: { [ATTR_WATERMARK]: 'durable' } },
    ],
  },
  {
    name: 'spanseal.journal.epochs.failed',
    kind: 'counter',
    unit: '{epoch}',
    description: 'Epochs given up after a failed write or sync.',
    read: ({ journal }) => one(journal.failedEpochs),
  },
  {
    name: 'spanseal.journal.full',
    kind: 'gauge',
    unit: '',
    description: '1 while the budget of the journal is used up.',
    read: ({ journal }) => one(yesNo(journal.full)),
  },
  {
    name: 'spanseal.spool.bytes',
    kind: 'gauge',
    unit: 'By',
    description: 'Bytes of all epochs in the journal folder.',
    read: ({ journal }) => one(journal.spoolBytes),
  },
  {
    name: 'spanseal.records.lost',
    kind: 'counter',
    unit: '{record}',
    description: 'Records that could not be written, whether or not a gap says so yet.',
    read: ({ journal: { gap, gaps } }) => one(gaps.records + (gap?.records ?? 0)),
  },
  {
    name: 'spanseal.calls.refused',
    kind: 'counter',
    unit: '{call}',
    description: 'Calls that were not made, because their intent could not be made durable.',
    read: ({ calls }) => one(calls.refused),
  },
  {
    name: 'spanseal.calls.undurable',
    kind: 'counter',
    unit: '{call}',
    description: 'Calls that were made although their intent could not be made durable.',
    read: ({ calls }) => one(calls.undurable),
  },
  {
    name: 'spanseal.breakglass.open',
    kind: 'gauge',
    unit: '',
    description: '1 while a break-glass period is open.',
    read: ({ breakglass }) => one(yesNo(breakglass !== undefined)),
  },
  {
    name: 'spanseal.sink.acknowledged',
    kind: 'counter',
    unit: '{record}',
    description: 'Records that the sink has acknowledged.',
    read: bySink(({ delivered }) => delivered),
  },
  {
    name: 'spanseal.sink.lag',
    kind: 'gauge',
    unit: '{record}',
    description: 'Records that the sink has not acknowledged yet.',
    read: bySink(({ pending }) => pending),
  },
  {
    name: 'spanseal.sink.lag.age',
    kind: 'gauge',
    unit: 's',
    description:
      'Age of the oldest record that is being delivered to the sink, or how long an epoch is stuck.',
    read: bySink(({ lagMillis }) => lagMillis / 1_000),
  },
  {
    name: 'spanseal.sink.retries',
    kind: 'counter',
    unit: '{delivery}',
    description: 'Deliveries that were doubtful, and made again.',
    read: bySink(({ retries }) => retries),
  },
  {
    name: 'spanseal.sink.dead_letters',
    kind: 'counter',
    unit: '{record}',
    description: 'Records that went to the dead letters of the sink instead of where they belong.',
    read: bySink(({ deadLetters }) => deadLetters),
  },
  {
    name: 'spanseal.sink.stopped',
    kind: 'gauge',
    unit: '',
    description: '1 once the sink has refused for good.',
    read: bySink(({ stopped }) => yesNo(stopped)),
  },
  {
    name: 'spanseal.sink.epochs.stuck',
    kind: 'gauge',
    unit: '{epoch}',
    description: 'Epochs that cannot be delivered on, because they were damaged.',
    read: bySink(({ stuckEpochs }) => stuckEpochs),
  },
  {
    name: 'spanseal.view.spans',
    kind: 'counter',
    unit: '{span}',
    description: 'Spans by what became of them at each OTLP endpoint.',
    read: ({ spans }) =>
      spans.endpoints.flatMap((endpoint) =>
        OUTCOMES.map((outcome) => ({
          value: endpoint[outcome],
          attributes: { [ATTR_ENDPOINT]: endpoint.name, [ATTR_OUTCOME]: outcome },
        })),
      ),
  },
  {
    name: 'spanseal.vault.values.lost',
    kind: 'counter',
    unit: '{value}',
    description: 'Values that did not reach the vault; their records stand.',
    read: ({ vault }) => (vault === undefined ? [] : one(vault.dropped + vault.tooLarge)),
  },
  {
    name: 'spanseal.errors',
    kind: 'counter',
    unit: '{error}',
    description: 'Faults of hooks and of the library itself that were kept from the agent.',
    read: ({ internalErrors }) => one(internalErrors),
  },
  {
    name: 'spanseal.ok',
    kind: 'gauge',
    unit: '',
    description: '1 while no evidence was lost, refused or put aside.',
    read: ({ ok }) => one(yesNo(ok)),
  },
]
