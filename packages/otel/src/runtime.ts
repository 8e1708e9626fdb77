// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Tracer } from '@opentelemetry/api'
import type { CallContext, CommitPlace, FreeText, PseudonymKind } from '@spanseal/core'
import { block, LIST_CAPS, OPERATION_EXECUTE_TOOL, UNATTRIBUTED } from '@spanseal/core'
import type { EpochWriter, RecordPlace } from '@spanseal/journal'
import type { Keyring } from '@spanseal/keys'
import { BreakGlass } from './break-glass.ts'
import type { Committer } from './commitments.ts'
import type { Counters } from './counters.ts'
import { reasonOf } from './counters.ts'
import { DurableIntents } from './durable-intents.ts'
import type { ResolvedOptions } from './options.ts'
import type { OutsideNames } from './outside-names.ts'
import { mendedId } from './outside-names.ts'
import type { RecordWriter } from './record-writer.ts'
import type { Recorder } from './recorder.ts'
import type { Redactor } from './redact/redact.ts'
import type { AuditScope, Scopes } from './scope.ts'
import type { AuditSpanProcessor } from './span-processor.ts'
import type { RegisteredTool } from './tool-definition.ts'
import type { VaultIntake } from './vault-intake.ts'

export interface RuntimeParts {
  readonly options: ResolvedOptions
  readonly writer: EpochWriter
  readonly keyring: Keyring
  readonly vault: VaultIntake | undefined
  readonly processor: AuditSpanProcessor
  readonly counters: Counters
  readonly committer: Committer
  readonly redactor: Redactor
  readonly names: OutsideNames
  readonly scopes: Scopes
  readonly records: RecordWriter
}

/** What tools and tasks share while an audit is open. */
export class Runtime {
  readonly options: ResolvedOptions
  readonly writer: EpochWriter
  readonly recorder: Recorder
  readonly processor: AuditSpanProcessor
  readonly counters: Counters
  readonly redactor: Redactor
  readonly names: OutsideNames
  readonly scopes: Scopes
  readonly keyring: Keyring
  readonly vault: VaultIntake | undefined
  readonly glass: BreakGlass
  readonly intents: DurableIntents
  readonly records: RecordWriter
  /** Tools that returned a promise: what refuses them later is a rejection. */
  readonly promising: WeakSet<RegisteredTool> = new WeakSet()
  /** Set once a provider is there; without a tracer records have synthetic ids. */
  tracerOf: () => Tracer | undefined = () => undefined
  readonly #committer: Committer

  constructor(parts: RuntimeParts) {
    this.options = parts.options
    this.writer = parts.writer
    this.processor = parts.processor
    this.recorder = parts.processor.recorder
    this.counters = parts.counters
    this.redactor = parts.redactor
    this.names = parts.names
    this.scopes = parts.scopes
    this.keyring = parts.keyring
    this.vault = parts.vault
    this.#committer = parts.committer
    this.records = parts.records
    const { options, records, writer, counters } = parts
    this.glass = new BreakGlass({
      records,
      now: options.now,
      monoNanos: options.monoNanos,
      freeText: (text, at) => this.freeText(text, { ...at, pointer: '/detail/reason' }, []),
      personRef: (id) => this.personRef(id),
    })
    this.intents = new DurableIntents({
      writer,
      policies: options.policies,
      glass: this.glass,
      counters,
    })
  }

  get tracer(): Tracer | undefined {
    return this.tracerOf()
  }

  toolSpanName(tool: string): string {
    return this.options.spanName === 'tool' ? `tool.${tool}` : `${OPERATION_EXECUTE_TOOL} ${tool}`
  }

  /** A person as records name them. Never throws: without a key nobody is named. */
  personRef(id: string): string {
    return this.#named(id, () => this.keyring.personRef(id))
  }

  /** A session, conversation, address or approver as records name them. */
  ref(kind: PseudonymKind, id: string): string {
    return this.#named(id, () => this.keyring.pseudonym(kind, id))
  }

  #named(id: string, pseudonym: () => string): string {
    if (this.options.identities === 'clear') return mendedId(id)
    try {
      return pseudonym()
    } catch (error) {
      this.counters.internalErrors++
      this.counters.warnOnce('keyring', `nobody can be named: ${reasonOf(error)}`)
      return UNATTRIBUTED
    }
  }

  /** Data subjects as records name them: how many, and who of the first 16. */
  subjectRefs(subjects: readonly string[]): NonNullable<CallContext['subjects']> {
    const people = [...new Set(subjects)]
    const more = people.length - LIST_CAPS.subjects
    return {
      count: people.length,
      refs: people.slice(0, LIST_CAPS.subjects).map((id) => this.personRef(id)),
      ...(more > 0 && { refs_more: more }),
    }
  }

  /**
   * Text that people wrote, as it stands in a record; undefined where no key can be had to commit it
   * under: the record is then written without it. Never throws.
   */
  freeText(text: string, place: CommitPlace, subjects: readonly string[]): FreeText | undefined {
    const keys = this.recorder.keysFor(subjects)
    return keys && this.#committer.freeText(text, place, keys)
  }

  /** Whether no tool may run now because its values could not be kept. */
  get mustRefuse(): boolean {
    const { vault } = this.options
    const onFailure = typeof vault === 'object' ? vault.onFailure : undefined
    return onFailure === 'refuse' && this.vault?.isFailing === true
  }

  /** Resolves when the record is on disk; a failing disk is counted, not thrown. */
  async synced(record?: RecordPlace): Promise<void> {
    try {
      await this.writer.synced(record)
    } catch (error) {
      this.counters.recordsFailed++
      this.counters.warnOnce('sync', `records could not be synced: ${reasonOf(error)}`)
    }
  }
}

/** What stands for code outside every task. */
export function rootScope({ agent, environment }: ResolvedOptions): AuditScope {
  return {
    actor: block({ agent, user: { ref: UNATTRIBUTED } }),
    context: block({ data_classifications: [], environment, task_id: UNATTRIBUTED }),
    taskId: UNATTRIBUTED,
    trace: undefined,
    user: undefined,
    subjects: [],
  }
}
