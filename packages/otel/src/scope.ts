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

/** Where the scope of the running code is kept: one an audit, so that no log sees another's people. */
export class Scopes {
  readonly #storage = new AsyncLocalStorage<AuditScope>()
  /** Outside every task. */
  readonly root: AuditScope

  constructor(root: AuditScope) {
    this.root = root
  }

  /** The scope of the running code. */
  get current(): AuditScope {
    return this.#storage.getStore() ?? this.root
  }

  /** As {@link current}, undefined outside every task. */
  get enclosing(): AuditScope | undefined {
    return this.#storage.getStore()
  }

  /** Runs `run` below `scope`. */
  run<T>(scope: AuditScope, run: () => T): T {
    return this.#storage.run(scope, run)
  }
}

/** `scope` with another span above what comes. */
export function below(scope: AuditScope, trace: TraceRef): AuditScope {
  const { actor, context, taskId, user, subjects } = scope
  return { actor, context, taskId, trace, user, subjects }
}
