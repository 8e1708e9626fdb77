// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { BatchObservableCallback, Meter, MeterProvider, Observable } from '@opentelemetry/api'
import { createNoopMeter, metrics } from '@opentelemetry/api'
import type { AuditHealth } from './health.ts'
import type { AuditMetric } from './metrics-table.ts'
import { ATTR_LOG, AUDIT_METRICS } from './metrics-table.ts'
import { SDK_VERSION } from './version.ts'

export interface AuditMetricsOptions {
  /** Default: the API's global one, as soon as there is one. */
  readonly provider: MeterProvider | undefined
  readonly log: string
  readonly health: () => AuditHealth
  /** Told when the provider threw: then there are no metrics. */
  readonly onFault: (error: unknown) => void
  /** How often to look for a global provider until there is one; default 5,000. */
  readonly lookMillis?: number
}

const METER_NAME = 'spanseal'

/**
 * The metrics of an audit: read from `health()` whenever a reader of the provider collects, at no cost
 * in between. The API gives no meter for a provider that comes later, so that one is looked for.
 */
export class AuditMetrics {
  readonly #options: AuditMetricsOptions
  readonly #looking: NodeJS.Timeout
  /** Absent while there is no provider. */
  #observed: Instruments | undefined
  /** The state at the end, which goes on being reported. */
  #last: AuditHealth | undefined

  constructor(options: AuditMetricsOptions) {
    this.#options = options
    this.#looking = setInterval(() => this.#attach(), options.lookMillis ?? 5_000).unref()
    this.#attach()
  }

  /** From now on reports how things were at the end; lets go of the audit. Idempotent. */
  close(): void {
    if (this.#last !== undefined) return
    this.#attach()
    clearInterval(this.#looking)
    this.#last = this.#options.health()
  }

  #attach(): void {
    if (this.#observed !== undefined) return
    try {
      const provider = this.#options.provider ?? metrics.getMeterProvider()
      const meter = provider.getMeter(METER_NAME, SDK_VERSION)
      if (meter === createNoopMeter()) return
      this.#observed = instrumentsOf(meter)
      meter.addBatchObservableCallback(this.#report, [...this.#observed.values()])
    } catch (error) {
      this.#observed ??= new Map()
      this.#options.onFault(error)
    }
    clearInterval(this.#looking)
  }

  readonly #report: BatchObservableCallback = (result) => {
    const health = this.#last ?? this.#options.health()
    for (const [{ read }, instrument] of this.#observed ?? []) {
      for (const { value, attributes } of read(health)) {
        result.observe(instrument, value, { ...attributes, [ATTR_LOG]: this.#options.log })
      }
    }
  }
}

type Instruments = ReadonlyMap<AuditMetric, Observable>

function instrumentsOf(meter: Meter): Instruments {
  return new Map(
    AUDIT_METRICS.map((metric) => {
      const { name, kind, unit, description } = metric
      const options = { unit, description }
      const instrument =
        kind === 'counter'
          ? meter.createObservableCounter(name, options)
          : meter.createObservableGauge(name, options)
      return [metric, instrument]
    }),
  )
}
