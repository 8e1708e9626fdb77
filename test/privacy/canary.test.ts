// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  NodeTracerProvider,
} from '@opentelemetry/sdk-trace-node'
import type { Audit, AuditOptions } from '@spanseal/otel'
import { agentSampler, createAudit } from '@spanseal/otel'
import { describe, expect, test } from 'vitest'
import type { CanaryRun } from './canary-run.ts'
import { canaryRun } from './canary-run.ts'
import { CLEAR_IDENTITIES, ClearIdentities } from './clear-identities.ts'
import { fieldsWithDigests, leaksIn } from './leaks.ts'
import { plantAll } from './plant-all.ts'
import { plantIdentities } from './plant-identities.ts'
import { deploymentRedaction, hasForm, secrets } from './planted-secrets.ts'
import type { PlantingRules } from './planting.ts'
import { planted } from './planting.ts'
import { openReceiver } from './raw-otlp-receiver.ts'

const receiver = await openReceiver()

/** Each value of each option with each of the others. */
const combinations = (['committed', 'redacted'] as const).flatMap((errors) =>
  (['pseudonym', 'clear'] as const).flatMap((identities) =>
    (['blinded', 'sha256'] as const).flatMap((commitments) =>
      (['gen_ai', 'tool'] as const).flatMap((spanName) =>
        (['none', 'interval', 'group', 'every'] as const).map((durability) => ({
          errors,
          identities,
          commitments,
          spanName,
          durability,
        })),
      ),
    ),
  ),
)
/** What `commitments: 'sha256'` makes findable by its plain digest. */
const CONTENTS = ['/invocation/input/c', '/invocation/output/c']
/** Between them every value of every option but `every`, which syncs each record. */
const ONE_BY_ONE = [1, 62]
const RULES: PlantingRules = { errors: 'committed', knows: hasForm }

/** That what was planted went every way out, so that there was something to look at. */
function expectEveryWayOut({ lines, messages, requests, health }: CanaryRun): void {
  const records = messages.filter(({ topic }) => topic === 'audit.records.v1')
  expect(records.map(({ value }) => Buffer.from(value).toString('latin1'))).toEqual(lines)
  expect(health.sinks.find(({ name }) => name === 'file')?.delivered).toBe(lines.length)
  expect(health.sinks.find(({ name }) => name === 'refusing')?.stopped).not.toBe(false)
  expect(health.journal).toMatchObject({ recordsFailed: 0, failedEpochs: 0 })
  expect(health.foreign.recorded).toBeGreaterThan(0)
  expect(requests.some(({ path }) => path === '/taking/v1/traces')).toBe(true)
  const [taking, refusing] = health.spans.endpoints
  expect(taking).toMatchObject({ failed: 0, pending: 0 })
  expect(refusing).toMatchObject({ exported: 0, failed: taking?.exported })
}

type Combination = (typeof combinations)[number]

function titled(options: readonly Combination[]): [string, Combination][] {
  return options.map((option) => [
    Object.entries(option)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    option,
  ])
}

/** What came out that should not, and the fields in which identities came out in clear. */
function lookAt(run: CanaryRun, identities: Combination['identities']) {
  const clear = new ClearIdentities(identities === 'clear' ? planted(secrets, RULES).ids : [])
  const leaks = leaksIn(run, clear)
  return { leaks, identities: [...clear.found].sort() }
}

const shownBy = { pseudonym: [], clear: CLEAR_IDENTITIES }

describe('planted all together, no secret is in anything that comes out', () => {
  test.each(titled(combinations))('%s', async (_, options) => {
    const i = combinations.indexOf(options)
    const all = planted(secrets, { ...RULES, errors: options.errors })
    const at = i % all.ids.length
    const sinkFault = planted(secrets.slice(i % secrets.length).slice(0, 1), RULES).redacted
    const run = await canaryRun({ receiver, options, sinkFault }, async (planter) => {
      await plantAll(planter, { ...all, ids: all.ids.slice(at, at + 1) })
      await plantIdentities(planter, all.ids)
    })
    expectEveryWayOut(run)
    const { identities } = options
    expect(lookAt(run, identities)).toEqual({ leaks: [], identities: shownBy[identities] })
  })
})

describe('planted one by one, no secret is in anything that comes out', () => {
  const some = combinations.filter((_, i) => ONE_BY_ONE.includes(i))
  test.each(titled(some))('%s', async (_, options) => {
    const rules = { ...RULES, errors: options.errors }
    const run = await canaryRun({ receiver, options }, async (planter) => {
      for (const secret of secrets) await plantAll(planter, planted([secret], rules))
      await plantIdentities(planter, planted(secrets, rules).ids)
    })
    expectEveryWayOut(run)
    const { identities } = options
    expect(lookAt(run, identities)).toEqual({ leaks: [], identities: shownBy[identities] })
    expect(fieldsWithDigests(run)).toEqual(options.commitments === 'sha256' ? CONTENTS : [])
    const isShown = run.lines.some((line) => line.includes('"message":"[REDACTED:'))
    expect(isShown).toBe(options.errors === 'redacted')
  })
})

test('with words and patterns of the deployment nothing of any secret is left', async () => {
  const options = { errors: 'redacted', redaction: deploymentRedaction } as const
  const rules = { errors: 'redacted', knows: () => true } as const
  const run = await canaryRun({ receiver, options }, async (planter) => {
    const rest = secrets.filter((secret) => !hasForm(secret))
    for (const secret of rest) await plantAll(planter, planted([secret], rules))
    await plantAll(planter, planted(secrets, rules))
  })
  expectEveryWayOut(run)
  expect(leaksIn(run)).toEqual([])
})

test('in a provider of the user nothing shows either, whatever its resource says', async () => {
  let provider: NodeTracerProvider | undefined
  const attributes: Record<string, string | string[]> = {}
  for (const [i, { find, text }] of secrets.filter(hasForm).entries()) {
    attributes[`acme.${i}.password`] = find
    attributes[`acme.${i}.note`] = text
    attributes[`process.${i}.command_args`] = ['node', '--password', find, text]
    attributes[`service.${text}`] = 'name'
  }
  const open = (options: AuditOptions): Audit => {
    const audit = createAudit(options)
    provider = new NodeTracerProvider({
      resource: resourceFromAttributes(attributes),
      sampler: agentSampler(new AlwaysOnSampler()),
      spanProcessors: [audit.processor, new BatchSpanProcessor(audit.exporter)],
    })
    provider.register()
    return audit
  }
  const run = await canaryRun({ receiver, options: {}, open }, async (planter) => {
    await plantAll(planter, planted(secrets, RULES))
    await provider?.shutdown()
  })
  expectEveryWayOut(run)
  expect(leaksIn(run)).toEqual([])
})
