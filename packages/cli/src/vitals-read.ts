// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EpochStatus } from '@spanseal/journal'

/** What left for one OTLP endpoint did not arrive there, as far as the agents know; counts of spans. */
export interface EndpointState {
  readonly name: string
  readonly exported: number
  readonly failed: number
  readonly rejected: number
  readonly dropped: number
}

/** The OTLP side of the agents that write to a journal. */
export interface ViewState {
  /** Spans that no endpoint shows although they were made. */
  readonly holes: number
  readonly endpoints: readonly EndpointState[]
}

/** What the processes of a journal last said of themselves. */
export interface Vitals {
  readonly view: ViewState
  readonly lost: { readonly records: number; readonly refused: number }
  readonly breakGlassUntil: string | undefined
}

const ENDPOINTS_MAX = 64
const NAME_MAX = 256

/**
 * Adds up the vitals of the epochs. They come from files that any process of that user can write, so
 * everything is checked and what does not fit is left out. A process with several epochs told the
 * same in each: the newest counts. Never throws.
 */
export function readVitals(epochs: readonly EpochStatus[]): Vitals {
  const newest = new Map<string, EpochStatus>()
  for (const epoch of epochs) {
    if (epoch.vitals === undefined) continue
    newest.set(`${epoch.host} ${epoch.pid} ${textOf(epoch.vitals['writer'])}`, epoch)
  }
  const endpoints = new Map<string, EndpointState>()
  let holes = 0
  let records = 0
  let refused = 0
  let breakGlassUntil: string | undefined
  for (const { state, vitals = {} } of newest.values()) {
    const view = objectOf(vitals['view'])
    holes += countOf(view['holes'])
    for (const endpoint of listOf(view['endpoints'])) addEndpoint(endpoints, objectOf(endpoint))
    records += countOf(objectOf(vitals['gaps'])['records'])
    refused += countOf(objectOf(vitals['calls'])['refused'])
    const until = objectOf(vitals['breakglass'])['until']
    if (state === 'live' && typeof until === 'string') breakGlassUntil = until.slice(0, 32)
  }
  return {
    view: { holes, endpoints: [...endpoints.values()] },
    lost: { records, refused },
    breakGlassUntil,
  }
}

function addEndpoint(
  endpoints: Map<string, EndpointState>,
  told: Readonly<Record<string, unknown>>,
): void {
  const name = textOf(told['name'])
  const before = endpoints.get(name)
  if (before === undefined && endpoints.size >= ENDPOINTS_MAX) return
  endpoints.set(name, {
    name,
    exported: (before?.exported ?? 0) + countOf(told['exported']),
    failed: (before?.failed ?? 0) + countOf(told['failed']),
    rejected: (before?.rejected ?? 0) + countOf(told['rejected']),
    dropped: (before?.dropped ?? 0) + countOf(told['dropped']),
  })
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, ENDPOINTS_MAX) : []
}

function countOf(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, NAME_MAX) : ''
}
