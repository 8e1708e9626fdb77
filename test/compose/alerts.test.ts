// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { AuditMetric } from '../../packages/otel/src/metrics-table.ts'
import { ATTR_LOG, AUDIT_METRICS } from '../../packages/otel/src/metrics-table.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const ALERTS = readFileSync(join(ROOT, 'collector-config', 'alerts.yaml'), 'utf8')
const PAGE = readFileSync(join(ROOT, 'docs', 'observability.md'), 'utf8')

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const { groups } = parse(ALERTS) as { groups: readonly { readonly rules: readonly Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)

/**
 * A metric's name in Prometheus, as the Collector's exporter makes it: letters, digits and `_`, the
 * unit in words unless the name has it, units in braces left out, `_total` for what only grows
 * (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#metric-metadata-1).
 */
function inPrometheus({ name, kind, unit }: AuditMetric): string {
  const words = name.split(/[^a-zA-Z0-9]+/)
  const inWords = new Map([
    ['s', 'seconds'],
    ['By', 'bytes'],
  ]).get(unit)
  if (inWords !== undefined && !words.includes(inWords)) words.push(inWords)
  return [...words, ...(kind === 'counter' ? ['total'] : [])].join('_')
}

/** Rows of the table of metrics: the cells of each. */
const rows = PAGE.split('\n')
  .filter((line) => line.startsWith('| `spanseal.'))
  .map((line) => line.split('|').map((cell) => cell.trim()))

const namesIn = (text: string): Set<string> => new Set(text.match(/\bSpanseal\w+/g))

describe('collector-config/alerts.yaml', () => {
  it('uses only metrics that exist, and every one of them', () => {
    const used = rules.flatMap(({ expr }) => expr.match(/\bspanseal_\w+/g) ?? [])
    expect(new Set(used)).toEqual(new Set(AUDIT_METRICS.map(inPrometheus)))
  })

  it('uses only labels that the metrics have', () => {
    const labels = (text: string): string[] => text.match(/\w+(?=!?=~?")|(?<=\$labels\.)\w+/g) ?? []
    const columns = new Map(rows.map(([, , , attributes = '', name = '']) => [name, attributes]))
    for (const { alert, expr, annotations } of rules) {
      const [metric = ''] = expr.match(/\bspanseal_\w+/) ?? []
      const has = columns.get(`\`${metric}\``)?.match(/\w+/g) ?? []
      for (const label of [...labels(expr), ...labels(annotations['summary'] ?? '')]) {
        expect([...has, ATTR_LOG], `${alert}: ${label}`).toContain(label)
      }
    }
  })

  it('gives each alert a name of its own, how grave it is, and a sentence', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
    for (const { alert, labels, annotations, ...rest } of rules) {
      expect(alert).toMatch(/^Spanseal[A-Z]\w+$/)
      expect(['warning', 'critical']).toContain(labels['severity'])
      expect(annotations['summary']).toMatch(/\w/)
      expect(rest.for ?? '1m').toMatch(/^\d+[mh]$/)
    }
  })
})

describe('docs/observability.md', () => {
  it('has every metric with its unit and its name in Prometheus, and no other', () => {
    const described = rows.map(([, name, unit, , prometheus]) => [name, unit, prometheus])
    const expected = AUDIT_METRICS.map((metric) => [
      `\`${metric.name}\``,
      metric.unit === '' ? '–' : `\`${metric.unit}\``,
      `\`${inPrometheus(metric)}\``,
    ])
    expect(new Set(described)).toEqual(new Set(expected))
    expect(described).toHaveLength(expected.length)
  })

  it('shows the rules as they are', () => {
    expect(PAGE).toContain(`\`\`\`yaml\n${ALERTS}\`\`\`\n`)
  })

  it('names for each metric the alerts that watch it, and says what to do about each', () => {
    const named = rows.map(([, name, , , , , , alerts = '']) => [name, namesIn(alerts)])
    const watching = rows.map(([, name, , , prometheus = '']) => {
      const metric = new RegExp(`\\b${prometheus.replaceAll('`', '')}\\b`)
      return [name, new Set(rules.filter(({ expr }) => metric.test(expr)).map((r) => r.alert))]
    })
    expect(Object.fromEntries(named)).toEqual(Object.fromEntries(watching))
    const [, advice = ''] = PAGE.split('What to do:')
    expect(namesIn(advice)).toEqual(new Set(rules.map(({ alert }) => alert)))
  })
})
