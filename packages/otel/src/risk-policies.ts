// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { RecordSink } from '@spanseal/core'
import { assertKnownKeys, assertOneOf, refuse } from './guards.ts'
import type { AuditOptions } from './options.ts'

/** What a tool may do: `write` has side effects, those of `critical` cannot be taken back. */
export type RiskClass = 'read' | 'write' | 'critical'

/** What a class of tools does when an intent cannot be made durable, and what durable means for it. */
export interface RiskPolicy {
  /**
   * `closed`: the tool does not run, and its caller gets `INTENT_NOT_DURABLE`; `open`: it runs, and
   * the log says afterwards what it misses.
   */
  readonly failMode?: 'open' | 'closed'
  /**
   * Before the tool runs its intent is, at least, `interval`: written, which survives the end of the
   * process; `group`: on disk; `remote`: on disk, and acknowledged by `remoteSink`.
   */
  readonly durability?: 'interval' | 'group' | 'remote'
}

/** A class's policy with its defaults, and what they come to under the audit's durability. */
export interface ResolvedRisk extends Required<RiskPolicy> {
  /** The tool waits until its intent is on disk. */
  readonly waitsForDisk: boolean
  /** The tool waits until a sink has its intent. */
  readonly waitsForSink: boolean
}

export type RiskPolicies = Readonly<Record<RiskClass, ResolvedRisk>>

export const RISK_CLASSES: readonly RiskClass[] = ['read', 'write', 'critical']

const DEFAULTS: Readonly<Record<RiskClass, Required<RiskPolicy>>> = {
  read: { failMode: 'open', durability: 'interval' },
  write: { failMode: 'closed', durability: 'group' },
  critical: { failMode: 'closed', durability: 'group' },
}

/**
 * The policies of all classes.
 *
 * @throws AuditError `INVALID_OPTION` for words that are none, and for what the other options
 * contradict: `group` where nothing is ever synced, `remote` where there is no sink
 */
export function riskPolicies(
  options: Pick<AuditOptions, 'risks' | 'durability' | 'sinks'>,
): RiskPolicies {
  const { risks = {} } = options
  assertKnownKeys('risks', risks, RISK_CLASSES)
  return {
    read: resolvedRisk('read', options),
    write: resolvedRisk('write', options),
    critical: resolvedRisk('critical', options),
  }
}

function resolvedRisk(
  risk: RiskClass,
  { risks, durability: general = 'interval', sinks = [] }: Parameters<typeof riskPolicies>[0],
): ResolvedRisk {
  const option = `risks.${risk}`
  const { [risk]: given = {} } = risks ?? {}
  assertKnownKeys(option, given, ['failMode', 'durability'])
  const { failMode = DEFAULTS[risk].failMode } = given
  const { durability = general === 'none' ? 'interval' : DEFAULTS[risk].durability } = given
  assertOneOf(`${option}.failMode`, failMode, ['open', 'closed'])
  assertOneOf(`${option}.durability`, durability, ['interval', 'group', 'remote'])
  if (durability === 'group' && general === 'none') {
    const expected =
      '"interval": under durability "none" nothing is ever synced; or another durability'
    refuse(`${option}.durability`, durability, expected)
  }
  if (durability === 'remote' && sinks.length === 0) {
    const expected = '"group", or a sink in sinks that acknowledges, for instance kafkaSink({ … })'
    refuse(`${option}.durability`, durability, expected)
  }
  return {
    failMode,
    durability,
    // Under `every` the append itself syncs, under `none` nothing does.
    waitsForDisk: general === 'group' || (general === 'interval' && durability !== 'interval'),
    waitsForSink: durability === 'remote',
  }
}

/**
 * The sink that `remote` waits for: the one that is named, else the first.
 *
 * @throws AuditError `INVALID_OPTION` for a name that no sink has
 */
export function remoteSinkName(
  remoteSink: string | undefined,
  sinks: readonly RecordSink[],
): string | undefined {
  if (remoteSink === undefined) return sinks[0]?.name
  if (sinks.some(({ name }) => name === remoteSink)) return remoteSink
  const names = sinks.map(({ name }) => name).join(', ')
  return refuse(
    'remoteSink',
    remoteSink,
    `the name of one of the sinks: ${names || 'there are none'}`,
  )
}

/** Classes of which `is` holds, as `epoch.open` lists them. */
export function classesWhere(
  policies: RiskPolicies,
  is: (risk: ResolvedRisk) => boolean,
): RiskClass[] {
  return RISK_CLASSES.filter((risk) => is(policies[risk]))
}
