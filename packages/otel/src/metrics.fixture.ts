// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { DataPointType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { onTestFinished } from 'vitest'

/** A reader that collects when it is asked. */
class AskedReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve()
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve()
  }
}

export interface Collected {
  readonly kind: 'counter' | 'gauge' | 'other'
  readonly unit: string
  readonly description: string
  /** Values by their attributes as JSON, keys ascending. */
  readonly values: Readonly<Record<string, number>>
}

export interface TestMeters {
  readonly provider: MeterProvider
  /** What a reader of the provider sees now, by metric. */
  readonly collect: () => Promise<Readonly<Record<string, Collected>>>
}

/** A provider of the SDK with a reader of the test's own. */
export function someMeters(): TestMeters {
  const reader = new AskedReader()
  const provider = new MeterProvider({ readers: [reader] })
  onTestFinished(() => provider.shutdown())
  return {
    provider,
    async collect() {
      const { resourceMetrics, errors } = await reader.collect()
      if (errors.length > 0) throw errors[0]
      const all: Record<string, Collected> = {}
      for (const { descriptor, dataPoints, ...data } of resourceMetrics.scopeMetrics.flatMap(
        ({ metrics }) => metrics,
      )) {
        const { name, unit, description } = descriptor
        const values: Record<string, number> = {}
        for (const { attributes, value } of dataPoints) {
          const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))
          values[JSON.stringify(Object.fromEntries(sorted))] = value as number
        }
        all[name] = { kind: kindOf(data), unit, description, values }
      }
      return all
    },
  }
}

function kindOf(data: {
  readonly dataPointType: DataPointType
  readonly isMonotonic?: boolean
}): Collected['kind'] {
  if (data.dataPointType === DataPointType.GAUGE) return 'gauge'
  return data.dataPointType === DataPointType.SUM && data.isMonotonic === true ? 'counter' : 'other'
}
