// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Tracer } from '@opentelemetry/api'
import type { Authorization, CommitPlace, FreeText, PseudonymKind } from '@spanseal/core'
import { block, UNATTRIBUTED } from '@spanseal/core'
import type { EpochWriter } from '@spanseal/journal'
import type { Keyring } from '@spanseal/keys'
import type { AuthorizationDecision } from './authorize.ts'
import { authorizationOf } from './authorize.ts'
import type { Committer } from './commitments.ts'
import type { Counters } from './counters.ts'
import { reasonOf } from './counters.ts'
import type { ResolvedOptions } from './options.ts'
import type { Recorder } from './recorder.ts'
import type { AuditScope } from './scope.ts'
import type { AuditSpanProcessor } from './span-processor.ts'
import { genAiSpanName } from './tool-calls.ts'
import type { RegisteredTool } from './tool-definition.ts'

/** What tools and tasks share while an audit is open. */
export class Runtime {
  readonly options: ResolvedOptions
  readonly writer: EpochWriter
  readonly keyring: Keyring
  readonly recorder: Recorder
  readonly processor: AuditSpanProcessor
  readonly counters: Counters
  readonly committer: Committer
  /** Outside every task. */
  readonly rootScope: AuditScope
  /** Set once a provider is there; without one, records have synthetic ids. */
  tracer: Tracer | undefined

  constructor(
    parts: Pick<Runtime, 'options' | 'writer' | 'keyring' | 'processor' | 'counters' | 'committer'>,
  ) {
    this.options = parts.options
    this.writer = parts.writer
    this.keyring = parts.keyring
    this.processor = parts.processor
    this.recorder = parts.processor.recorder
    this.counters = parts.counters
    this.committer = parts.committer
    this.rootScope = rootScope(parts.options)
  }

  toolSpanName(tool: string): string {
    return this.options.spanName === 'tool' ? `tool.${tool}` : genAiSpanName(tool)
  }

  /** The decision as records have it; approvers are pseudonyms. */
  authorizationBlock(decision: AuthorizationDecision, tool: RegisteredTool): Authorization {
    const approver = (id: string): string => this.ref('approver', id)
    try {
      return authorizationOf(decision, tool.permissions, approver)
    } catch (error) {
      this.fault('authorize', error)
      return authorizationOf({ decision: decision.decision }, tool.permissions, approver)
    }
  }

  /** A person as records name them. */
  personRef(id: string): string {
    return this.options.identities === 'clear' ? id : this.keyring.personRef(id)
  }

  /** A session, conversation, address or approver as records name them. */
  ref(kind: PseudonymKind, id: string): string {
    return this.options.identities === 'clear' ? id : this.keyring.pseudonym(kind, id)
  }

  /** Text that people wrote, as it stands in a record. */
  freeText(text: string, place: CommitPlace, subjects: readonly string[]): FreeText {
    return this.committer.freeText(text, place, this.committer.keysFor(subjects))
  }

  needsSync(tool: RegisteredTool): boolean {
    const { durability } = this.options
    return (
      durability === 'group' || (tool.durable && durability !== 'none' && durability !== 'every')
    )
  }

  /** Resolves when all that was appended is on disk; a failing disk is counted, not thrown. */
  async synced(): Promise<void> {
    try {
      await this.writer.synced()
    } catch (error) {
      this.counters.recordsFailed++
      this.counters.warnOnce('sync', `records could not be synced: ${reasonOf(error)}`)
    }
  }

  syncNow(): void {
    try {
      this.writer.syncNow()
    } catch (error) {
      this.counters.recordsFailed++
      this.counters.warnOnce('sync', `records could not be synced: ${reasonOf(error)}`)
    }
  }

  /** A fault in the user's hooks or our own code: counted, said once, never thrown. */
  fault(where: string, error: unknown): void {
    this.counters.internalErrors++
    this.counters.warnOnce(where, `${where}: ${error instanceof Error ? error.name : typeof error}`)
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
