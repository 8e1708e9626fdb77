// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ObservedParts } from './health.ts'
import { holesOf } from './otlp-leg.ts'

/** Of lists and texts, so that the whole stays far below what `writer.json` takes (16 KiB). */
const ENTRIES_MAX = 8
const TEXT_LENGTH_MAX = 120

/**
 * What a process leaves of its state in its epoch's `writer.json`, for `spanseal status`: what cannot
 * be told from the folder alone. Docs/observability.md says what it means. Never throws.
 */
export function auditVitals({
  runtime,
  shippings,
  exporter,
}: ObservedParts): Readonly<Record<string, unknown>> {
  const { counters, glass, recorder, vault, writer } = runtime
  const { endpoints } = exporter
  const breakglass = glass.health
  return {
    calls: {
      open: recorder.open.size,
      denied: counters.callsDenied,
      refused: counters.callsRefused,
      undurable: counters.callsUndurable,
    },
    gaps: writer.health().gaps,
    ...(breakglass !== undefined && { breakglass }),
    view: {
      holes: endpoints.reduce((sum, endpoint) => sum + holesOf(endpoint), 0),
      endpoints: endpoints.slice(0, ENTRIES_MAX).map(shortened),
    },
    sinks: shippings.slice(0, ENTRIES_MAX).map((shipping) => shortened(shipping.progress)),
    ...(vault !== undefined && {
      vault: { waiting: vault.health.waiting, lost: vault.health.dropped + vault.health.tooLarge },
    }),
    errors: counters.internalErrors,
  }
}

/** Texts cut, and what is undefined left out, as JSON does. */
function shortened(entry: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(entry).map(([key, value]: [string, unknown]) => [
      key,
      typeof value === 'string' ? value.slice(0, TEXT_LENGTH_MAX) : value,
    ]),
  )
}
