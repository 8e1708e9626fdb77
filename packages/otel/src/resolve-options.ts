// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { RecordSink } from '@spanseal/core'
import { assertLogName, defaultLogName } from '@spanseal/core'
import type { MasterKey } from '@spanseal/keys'
import {
  assertBoolean,
  assertCount,
  assertFunction,
  assertId,
  assertKnownKeys,
  assertMillis,
  assertOneOf,
  assertText,
  assertTexts,
  refuse,
} from './guards.ts'
import type { AuditOptions, AuditVaultOptions, OtlpEndpoint, ResolvedOptions } from './options.ts'
import { remoteSinkName, riskPolicies } from './risk-policies.ts'
import { assertAgent } from './task-options.ts'

const KEYS = [
  'service', 'agent', 'journal', 'keys', 'log', 'durability', 'risks', 'remoteSink',
  'remoteTimeoutMillis', 'budget', 'deployment', 'otlp', 'sinks',
  'authorize', 'errors', 'identities', 'commitments', 'vault', 'redaction', 'spanName', 'foreign',
  'toolFolders', 'retention', 'meterProvider', 'shutdownTimeoutMillis', 'now', 'monoNanos',
  'fs',
] as const satisfies readonly (keyof AuditOptions)[] // biome-ignore format: a table of names

/**
 * Checks the options once.
 *
 * @throws AuditError `INVALID_OPTION` naming the option, the value and what to do
 */
export function resolveOptions(options: AuditOptions): ResolvedOptions {
  assertKnownKeys('options', options, KEYS)
  const { service, journal, durability = 'interval', log, shutdownTimeoutMillis = 10_000 } = options
  checkNames(options)
  checkChoices(options)
  if (typeof journal !== 'string' || journal === '') {
    refuse('journal', journal, 'the folder that records are written to, for instance "./audit"')
  }
  assertMillis('shutdownTimeoutMillis', shutdownTimeoutMillis)
  const { remoteTimeoutMillis = 10_000 } = options
  assertMillis('remoteTimeoutMillis', remoteTimeoutMillis)
  checkBudget(options)
  const sinks = checkSinks(options.sinks ?? [])
  const remoteSink = remoteSinkName(options.remoteSink, sinks)
  return {
    ...options,
    agent: options.agent ?? { id: service.name },
    log: log === undefined ? defaultLogName(service.name) : assertLogName(log),
    durability,
    policies: riskPolicies(options),
    ...(remoteSink !== undefined && { remoteSink }),
    remoteTimeoutMillis,
    environment: options.deployment?.environment ?? 'unspecified',
    endpoints: endpointsOf(options.otlp),
    sinks,
    shutdownTimeoutMillis,
    now: checkClock(options.now ?? Date.now),
    monoNanos: options.monoNanos ?? (() => process.hrtime.bigint()),
  }
}

/** A clock that gives no time would make keys and epochs that nobody can read again. */
function checkClock(now: () => number): () => number {
  let millis: unknown
  try {
    millis = now()
  } catch (cause) {
    refuse('now', cause, 'a function that returns milliseconds since 1970')
  }
  if (typeof millis === 'number' && millis >= 0 && millis < EPOCH_MILLIS_MAX) return now
  return refuse('now', millis, 'a function that returns milliseconds since 1970')
}

/** An epoch id holds 48 bits of time (RFC 9562 §5.7). */
const EPOCH_MILLIS_MAX = 2 ** 48

/** What the writer takes: below, an epoch could not even be opened and closed. */
const BUDGET_BYTES_MIN = 1024 * 1024

function checkBudget({ budget, sinks: own = [] }: AuditOptions): void {
  if (budget === undefined) return
  assertKnownKeys('budget', budget, ['bytesMax', 'freeBytesMin', 'policy', 'sinks'])
  const { bytesMax, freeBytesMin, policy, sinks = [] } = budget
  if (bytesMax !== undefined) assertCount('budget.bytesMax', bytesMax, BUDGET_BYTES_MIN)
  if (freeBytesMin !== undefined) assertCount('budget.freeBytesMin', freeBytesMin, 0)
  assertChoice('budget.policy', policy, ['refuse', 'make-room'])
  assertTexts('budget.sinks', sinks, assertText)
  const wrong = sinks.find((name) => !SINK_NAME.test(name))
  if (wrong !== undefined) refuse('budget.sinks', wrong, 'names of a-z, 0-9 and "-"')
  if (policy === 'make-room' && own.length + sinks.length === 0) {
    const expected = '"refuse", or sinks: only what a sink has acknowledged is ever removed'
    refuse('budget.policy', policy, expected)
  }
}

function checkNames({ service, agent, deployment, retention, keys }: AuditOptions): void {
  assertKnownKeys('service', service, ['name', 'version', 'instance'])
  assertId('service.name', service.name)
  assertOptionalIds('service', service, ['version', 'instance'])
  if (agent !== undefined) assertAgent('agent', agent)
  if (deployment !== undefined) {
    assertKnownKeys('deployment', deployment, ['environment', 'version', 'cluster'])
    assertOptionalIds('deployment', deployment, ['environment', 'version', 'cluster'])
  }
  if (retention !== undefined) {
    assertKnownKeys('retention', retention, ['policy', 'policyRev'])
    assertId('retention.policy', retention.policy)
    const { policyRev } = retention
    if (policyRev !== undefined) assertCount('retention.policyRev', policyRev, 0)
  }
  if (keys !== undefined && (typeof keys !== 'string' || keys === '')) {
    refuse('keys', keys, 'the folder of the keyring')
  }
}

function checkChoices(options: AuditOptions): void {
  const { durability, errors, identities, commitments, spanName } = options
  assertChoice('durability', durability, ['none', 'interval', 'group', 'every'])
  assertChoice('errors', errors, ['committed', 'redacted'])
  assertChoice('identities', identities, ['pseudonym', 'clear'])
  assertChoice('commitments', commitments, ['blinded', 'sha256'])
  assertChoice('spanName', spanName, ['gen_ai', 'tool'])
  if (options.authorize !== undefined) assertFunction('authorize', options.authorize)
  if (options.now !== undefined) assertFunction('now', options.now)
  if (options.monoNanos !== undefined) assertFunction('monoNanos', options.monoNanos)
  if (options.meterProvider !== undefined) {
    assertFunction(
      'meterProvider.getMeter',
      (options.meterProvider as { readonly getMeter?: unknown } | null)?.getMeter,
    )
  }
  checkVault(options.vault)
  const { foreign, toolFolders } = options
  if (foreign !== undefined) {
    assertKnownKeys('foreign', foreign, ['genAi', 'scopes'])
    if (foreign.genAi !== undefined) assertBoolean('foreign.genAi', foreign.genAi)
    if (foreign.scopes !== undefined) assertTexts('foreign.scopes', foreign.scopes, assertText)
  }
  if (toolFolders !== undefined) assertTexts('toolFolders', toolFolders, assertText)
}

function checkVault(vault: unknown): void {
  if (vault === undefined || typeof vault === 'boolean') return
  if (typeof vault !== 'object' || vault === null) refuse('vault', vault, 'true, or its options')
  const keys = ['folder', 'master', 'valueBytesMax', 'queueBytesMax', 'onFailure', 'retryMillis']
  assertKnownKeys('vault', vault, keys)
  const options = vault as AuditVaultOptions
  const { folder, master, onFailure, ...numbers } = options
  if (folder !== undefined && (typeof folder !== 'string' || folder === '')) {
    refuse('vault.folder', folder, 'the folder of the vault')
  }
  if (master !== undefined) {
    assertFunction('vault.master.wrap', (master as Partial<MasterKey>).wrap)
    assertFunction('vault.master.unwrap', (master as Partial<MasterKey>).unwrap)
  }
  assertChoice('vault.onFailure', onFailure, ['continue', 'refuse'])
  for (const [name, count] of Object.entries(numbers)) {
    if (count !== undefined) assertCount(`vault.${name}`, count, 1)
  }
}

function assertChoice<T extends string>(
  option: string,
  value: T | undefined,
  words: readonly T[],
): void {
  if (value !== undefined) assertOneOf(option, value, words)
}

function assertOptionalIds<T extends object>(
  option: string,
  value: T,
  keys: readonly (keyof T & string)[],
): void {
  for (const key of keys) {
    const id: unknown = value[key]
    if (id !== undefined) assertId(`${option}.${key}`, id as string)
  }
}

function endpointsOf(otlp: AuditOptions['otlp']): OtlpEndpoint[] {
  if (otlp === undefined) return []
  const list = Array.isArray(otlp) ? (otlp as readonly unknown[]) : [otlp]
  return list.map((entry) => {
    const endpoint = (typeof entry === 'string' ? { url: entry } : entry) as OtlpEndpoint
    assertKnownKeys('otlp', endpoint, ['url', 'exact', 'headers'])
    if (!URL.canParse(endpoint.url) || !/^https?:$/.test(new URL(endpoint.url).protocol)) {
      // The address is not shown: it may hold a password.
      refuse('otlp', 'this address', 'an http or https address such as "http://localhost:4318"')
    }
    if (endpoint.exact !== undefined) assertBoolean('otlp.exact', endpoint.exact)
    for (const [name, value] of Object.entries(endpoint.headers ?? {})) {
      if (typeof value !== 'string') refuse(`otlp.headers.${name}`, typeof value, 'a text')
    }
    return endpoint
  })
}

const SINK_NAME = /^[a-z0-9-]{1,64}$/

function checkSinks(sinks: readonly RecordSink[]): readonly RecordSink[] {
  if (!Array.isArray(sinks))
    refuse('sinks', sinks, 'a list of sinks, for instance [kafkaSink({ … })]')
  const names = new Set<string>()
  for (const sink of sinks as readonly (Partial<RecordSink> | undefined)[]) {
    const name = sink?.name ?? ''
    if (
      typeof sink?.deliver !== 'function' ||
      typeof sink.close !== 'function' ||
      !SINK_NAME.test(name)
    ) {
      refuse('sinks', name, 'sinks with deliver(), close() and a name of a-z, 0-9 and "-"')
    }
    if (names.has(name))
      refuse('sinks', name, 'sinks with different names: the name keys the cursor')
    names.add(name)
  }
  return sinks as readonly RecordSink[]
}
