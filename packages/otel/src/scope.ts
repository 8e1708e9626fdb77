// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Actor, Block, CallContext, TraceRef } from '@spanseal/core'

/**
 * Who is acting, on what task, below which span. Travels in an `AsyncLocalStorage` of its own, so
 * that evidence keeps its context where OpenTelemetry is suppressed, disabled or has no manager.
 */
export interface AuditScope {
  readonly actor: Block<Actor>
  readonly context: Block<CallContext>
  readonly taskId: string
  /** The ids of the record above: parent of what is recorded below. */
  readonly trace: TraceRef | undefined
  /** Who the task is for, as the caller named them; never leaves in clear. */
  readonly user: string | undefined
  /** Data subjects named for the whole task. */
  readonly subjects: readonly string[]
}

const storage = new AsyncLocalStorage<AuditScope>()

/** The scope of the running code, or undefined outside every task. */
export function currentScope(): AuditScope | undefined {
  return storage.getStore()
}

/** Runs `run` below `scope`. */
export function withScope<T>(scope: AuditScope, run: () => T): T {
  return storage.run(scope, run)
}
