// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { trace } from '@opentelemetry/api'
import type { PlantedSecret } from './planted-secrets.ts'
import type { Planter } from './planting.ts'

/** Something that shows by design, why, and in which ways out. */
export interface InClear {
  readonly what: string
  readonly why: string
  readonly plant: (planter: Planter, secret: PlantedSecret) => Promise<void>
  readonly where: readonly string[]
}

const RECORDS = ['Kafka audit.records.v1', 'copies/records.jsonl', 'journal']
/** The second is what OpenTelemetry's exporter says of each batch at debug level. */
const SPANS = ['OTLP body', 'diag']

/**
 * All that is left out of the other tests, since it cannot be kept back. A test plants it and sees it
 * where it says, so that nothing stays on this list longer than it has to.
 */
export const inClear: readonly InClear[] = [
  {
    what: 'names that the program itself gives its tasks and tools',
    why: 'names are what a record is read by (spec/record.md); nobody else chooses them',
    plant: async ({ audit }, { find }) => {
      await audit.task({ name: find }, () => audit.tool({ name: find }, async () => 'done')())
    },
    where: [...RECORDS, ...SPANS],
  },
  {
    what: 'the name under which an instrumentation of others makes its spans',
    why: 'filters and dashboards go by it; it is a constant of that package',
    plant: async (_, { find }) => trace.getTracer(find).startSpan('GET').end(),
    where: SPANS,
  },
  {
    what: 'words without any form, where a foreign span has them outside its content attributes',
    why: 'patterns know forms, not meaning (SECURITY.md); a deployment adds its own',
    plant: async (_, { find }) => {
      trace
        .getTracer('acme')
        .startSpan(find, { attributes: { 'acme.note': find } })
        .end()
    },
    where: SPANS,
  },
  {
    what: 'words without any form in a field of a result that its tool names in `summary`',
    why: 'the tool asked for that field to be readable',
    plant: async ({ audit }, { find }) => {
      await audit.tool({ name: 'give', summary: ['note'] }, async () => ({ note: find }))()
    },
    where: RECORDS,
  },
]

/** A bare word as the name of an error is taken for the name of a type, whatever it means. */
export const inClearAsErrorType: InClear = {
  what: 'a single word as the name of an error',
  why: 'it has the form of the name of a type, which is in clear so that errors can be counted',
  plant: async ({ audit }, { find }) => {
    const error = Object.assign(new Error('failed'), { name: find })
    await audit
      .tool({ name: 'fail' }, () => Promise.reject(error))()
      .catch(() => {})
  },
  where: [...RECORDS, ...SPANS],
}
