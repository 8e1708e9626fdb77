// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { MeterProvider } from '@opentelemetry/api'
import type { RecordSink } from '@spanseal/core'
import type { JournalFs } from '@spanseal/journal'
import type { MasterKey } from '@spanseal/keys'
import type { AuthorizeHook } from './authorize.ts'
import type { RedactionOptions } from './redact/redaction-options.ts'
import type { RiskPolicies, RiskPolicy } from './risk-policies.ts'

/** One OTLP/HTTP endpoint. */
export interface OtlpEndpoint {
  /** Base address, for instance `http://localhost:4318`; `/v1/traces` is added where it is missing. */
  readonly url: string
  /** The address is used as it stands; default false. */
  readonly exact?: boolean
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
  /**
   * When appended records are on disk; default `interval` (500 ms). What a tool waits for before it
   * runs is the more of this and of what its class says in `risks`.
   */
  readonly durability?: 'none' | 'interval' | 'group' | 'every'
  /**
   * What each class of tools does when the intent of a call cannot be made durable. Default: `read`
   * `open` and `interval`, `write` and `critical` `closed` and `group` (`interval` under durability
   * `none`). The table is in `docs/fail-modes.md`.
   */
  readonly risks?: { readonly [Risk in 'read' | 'write' | 'critical']?: RiskPolicy }
  /** Whose acknowledgement durability `remote` waits for; default the first of `sinks`. */
  readonly remoteSink?: string
  /** How long it waits; default 10,000. */
  readonly remoteTimeoutMillis?: number
  /** What the journal may take of the disk. */
  readonly budget?: AuditBudget
  readonly deployment?: {
    readonly environment?: string
    readonly version?: string
    readonly cluster?: string
  }
  /** Jaeger, Tempo or a Collector. */
  readonly otlp?: string | OtlpEndpoint | readonly (string | OtlpEndpoint)[]
  /** Takes the audit's own metrics (docs/observability.md); default: the API's global one. */
  readonly meterProvider?: MeterProvider
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
  /**
   * Keeps what is committed, before any redaction, in encrypted files beside the journal, so that it
   * can be read again by its commitment until its key is destroyed; default: not kept.
   */
  readonly vault?: boolean | AuditVaultOptions
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
  /** Monotonic clock in nanoseconds; default `process.hrtime.bigint`. */
  readonly monoNanos?: () => bigint
  /** How records reach the disk; default `node:fs`. */
  readonly fs?: JournalFs
}

/** The room of a journal. */
export interface AuditBudget {
  /** Bytes of the journal folder, all epochs together; at least 1 MiB, default: no limit. */
  readonly bytesMax?: number
  /** Bytes that stay free on its file system; default 64 MiB, or a twentieth of it if that is less. */
  readonly freeBytesMin?: number
  /**
   * What happens when it is used up. `refuse` (default): nothing more is written, and fail modes
   * decide; `make-room`: segments that every sink has acknowledged are removed first, oldest first.
   */
  readonly policy?: 'refuse' | 'make-room'
  /** For `make-room`: sinks beside those of `sinks`, which `spanseal ship` serves, by name. */
  readonly sinks?: readonly string[]
}

/** The vault of an audit. */
export interface AuditVaultOptions {
  /** Default `<journal>.vault` beside the journal. */
  readonly folder?: string
  /** Who wraps the data keys; default: key files in the keyring. `commandMasterKey` for a KMS. */
  readonly master?: MasterKey
  /** Larger values are not kept; default 16 MiB, at most 64 MiB. */
  readonly valueBytesMax?: number
  /** Bytes of values that may wait in memory while the vault is slow or fails; default 64 MiB. */
  readonly queueBytesMax?: number
  /** `refuse`: while the vault fails no tool runs; default `continue`: it is counted and said. */
  readonly onFailure?: 'continue' | 'refuse'
  /** After a failure, how long until it is tried again; default 1,000. */
  readonly retryMillis?: number
}

/** Which foreign spans are recorded. */
export interface ForeignOptions {
  /** Default true: spans whose `gen_ai.operation.name` is `execute_tool` or `invoke_agent`. */
  readonly genAi?: boolean
  /** Instrumentation scopes all of whose spans are recorded as tool calls. */
  readonly scopes?: readonly string[]
}

/** Options with every default filled in. */
export interface ResolvedOptions extends AuditOptions {
  readonly agent: NonNullable<AuditOptions['agent']>
  readonly log: string
  readonly durability: NonNullable<AuditOptions['durability']>
  readonly policies: RiskPolicies
  readonly remoteTimeoutMillis: number
  readonly environment: string
  readonly endpoints: readonly OtlpEndpoint[]
  readonly sinks: readonly RecordSink[]
  readonly shutdownTimeoutMillis: number
  readonly now: () => number
  readonly monoNanos: () => bigint
}
