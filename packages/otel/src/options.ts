// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { RecordSink } from '@spanseal/core'
import { assertLogName, defaultLogName } from '@spanseal/core'
import type { AuthorizeHook } from './authorize.ts'
import { assertId, assertKnownKeys, assertName, assertOneOf, refuse } from './guards.ts'
import type { RedactionOptions } from './redact/redaction-options.ts'

/** One OTLP/HTTP endpoint. */
export interface OtlpEndpoint {
  /** Base address, for instance `http://localhost:4318`; `/v1/traces` is added. */
  readonly url: string
  /** Sent with each request; never logged. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Options of `register()` and `createAudit()`. */
export interface AuditOptions {
  readonly service: { readonly name: string; readonly version?: string; readonly instance?: string }
  /** Default: the service. */
  readonly agent?: { readonly id: string; readonly name?: string; readonly version?: string }
  /** Folder of the journal; made where it is missing. */
  readonly journal: string
  /** Folder of the keyring; default `<journal>.keys` beside the journal. */
  readonly keys?: string
  /** Name of the log; default `localhost/<slug of the service>`. */
  readonly log?: string
  /** When appended records are on disk; default `interval` (500 ms). Writing tools never wait less than `group`, unless this is `none`. */
  readonly durability?: 'none' | 'interval' | 'group' | 'every'
  readonly deployment?: {
    readonly environment?: string
    readonly version?: string
    readonly cluster?: string
  }
  /** Jaeger, Tempo or a Collector. */
  readonly otlp?: string | OtlpEndpoint | readonly (string | OtlpEndpoint)[]
  /** Where records are shipped to. */
  readonly sinks?: readonly RecordSink[]
  /** Asked before each tool call. */
  readonly authorize?: AuthorizeHook
  /** `redacted`: error messages stand in clear after redaction; default `committed`. */
  readonly errors?: 'committed' | 'redacted'
  /** `clear`: user, session and conversation ids stand in clear; default `pseudonym`. */
  readonly identities?: 'pseudonym' | 'clear'
  /** `sha256`: contents are committed as plain digests, findable by hash; default `blinded`. */
  readonly commitments?: 'blinded' | 'sha256'
  readonly redaction?: RedactionOptions
  /** `gen_ai`: `execute_tool <name>` (default); `tool`: `tool.<name>`. */
  readonly spanName?: 'gen_ai' | 'tool'
  /** Which spans of others become records. */
  readonly foreign?: ForeignOptions
  /** Folders that the agent's own tools may write to: a journal inside one is refused. */
  readonly toolFolders?: readonly string[]
  readonly retention?: { readonly policy: string; readonly policyRev?: number }
  /** How long `shutdown()` may take; default 10,000. */
  readonly shutdownTimeoutMillis?: number
  /** Wall clock in milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number
}

/** Which foreign spans are recorded. */
export interface ForeignOptions {
  /** Default true: spans whose `gen_ai.operation.name` is `execute_tool` or `invoke_agent`. */
  readonly genAi?: boolean
  /** Instrumentation scopes all of whose spans are recorded as tool calls. */
  readonly scopes?: readonly string[]
}

const KEYS = [
  'service', 'agent', 'journal', 'keys', 'log', 'durability', 'deployment', 'otlp', 'sinks',
  'authorize', 'errors', 'identities', 'commitments', 'redaction', 'spanName', 'foreign',
  'toolFolders', 'retention', 'shutdownTimeoutMillis', 'now',
] as const satisfies readonly (keyof AuditOptions)[] // biome-ignore format: a table of names

/** Options with every default filled in. */
export interface ResolvedOptions extends AuditOptions {
  readonly agent: NonNullable<AuditOptions['agent']>
  readonly log: string
  readonly durability: NonNullable<AuditOptions['durability']>
  readonly environment: string
  readonly endpoints: readonly OtlpEndpoint[]
  readonly sinks: readonly RecordSink[]
  readonly shutdownTimeoutMillis: number
  readonly now: () => number
}

/**
 * Checks the options once.
 *
 * @throws AuditError `INVALID_OPTION` naming the option, the value and what to do
 */
export function resolveOptions(options: AuditOptions): ResolvedOptions {
  assertKnownKeys('options', options, KEYS)
  checkService(options)
  if (typeof options.journal !== 'string' || options.journal === '') {
    refuse(
      'journal',
      options.journal,
      'the folder that records are written to, for instance "./audit"',
    )
  }
  assertOneOf('durability', options.durability ?? 'interval', [
    'none',
    'interval',
    'group',
    'every',
  ])
  assertOneOf('errors', options.errors ?? 'committed', ['committed', 'redacted'])
  assertOneOf('identities', options.identities ?? 'pseudonym', ['pseudonym', 'clear'])
  assertOneOf('commitments', options.commitments ?? 'blinded', ['blinded', 'sha256'])
  assertOneOf('spanName', options.spanName ?? 'gen_ai', ['gen_ai', 'tool'])
  if (options.authorize !== undefined && typeof options.authorize !== 'function') {
    refuse('authorize', options.authorize, 'a function')
  }
  const { shutdownTimeoutMillis = 10_000 } = options
  if (!(shutdownTimeoutMillis > 0)) {
    refuse('shutdownTimeoutMillis', shutdownTimeoutMillis, 'a number of milliseconds above 0')
  }
  const environment = options.deployment?.environment
  return {
    ...options,
    agent: options.agent ?? { id: options.service.name },
    log:
      options.log === undefined ? defaultLogName(options.service.name) : assertLogName(options.log),
    durability: options.durability ?? 'interval',
    environment:
      environment === undefined ? 'unspecified' : assertId('deployment.environment', environment),
    endpoints: endpointsOf(options.otlp),
    sinks: checkSinks(options.sinks ?? []),
    shutdownTimeoutMillis,
    now: options.now ?? Date.now,
  }
}

function checkService({ service, agent, deployment, retention }: AuditOptions): void {
  assertKnownKeys('service', service, ['name', 'version', 'instance'])
  assertId('service.name', service.name)
  if (service.version !== undefined) assertId('service.version', service.version)
  if (service.instance !== undefined) assertId('service.instance', service.instance)
  if (agent !== undefined) {
    assertKnownKeys('agent', agent, ['id', 'name', 'version'])
    assertId('agent.id', agent.id)
    if (agent.name !== undefined) assertName('agent.name', agent.name)
    if (agent.version !== undefined) assertId('agent.version', agent.version)
  }
  if (deployment !== undefined) {
    assertKnownKeys('deployment', deployment, ['environment', 'version', 'cluster'])
    if (deployment.version !== undefined) assertId('deployment.version', deployment.version)
    if (deployment.cluster !== undefined) assertId('deployment.cluster', deployment.cluster)
  }
  if (retention !== undefined) {
    assertKnownKeys('retention', retention, ['policy', 'policyRev'])
    assertId('retention.policy', retention.policy)
  }
}

function endpointsOf(otlp: AuditOptions['otlp']): OtlpEndpoint[] {
  const list =
    otlp === undefined ? [] : Array.isArray(otlp) ? otlp : [otlp as string | OtlpEndpoint]
  return list.map((entry: string | OtlpEndpoint) => {
    const endpoint = typeof entry === 'string' ? { url: entry } : entry
    assertKnownKeys('otlp', endpoint, ['url', 'headers'])
    if (!URL.canParse(endpoint.url) || !/^https?:$/.test(new URL(endpoint.url).protocol)) {
      refuse('otlp', 'this address', 'an http or https address such as "http://localhost:4318"')
    }
    return endpoint
  })
}

function checkSinks(sinks: readonly RecordSink[]): readonly RecordSink[] {
  if (!Array.isArray(sinks))
    refuse('sinks', sinks, 'a list of sinks, for instance [kafkaSink({ … })]')
  for (const sink of sinks) {
    if (typeof sink?.deliver !== 'function' || !/^[a-z0-9-]{1,64}$/.test(sink.name)) {
      refuse('sinks', sink?.name ?? sink, 'sinks with a name of a-z, 0-9 and "-"')
    }
  }
  const names = sinks.map((sink) => sink.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined)
    refuse('sinks', twice, 'sinks with different names: the name keys the cursor')
  return sinks
}
