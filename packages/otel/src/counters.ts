// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { diag } from '@opentelemetry/api'
import { AuditError } from '@spanseal/core'
import type { Redactor } from './redact/redact.ts'

/** What went well and what did not; `health()` shows them. */
export class Counters {
  recordsWritten = 0
  /** Records that could not be written. */
  recordsFailed = 0
  /** Failed syncs, epochs given up, heads that could not be kept. */
  journalProblems = 0
  /** Faults of hooks and of our own code, caught before they could reach the agent. */
  internalErrors = 0
  foreignRecorded = 0
  foreignIgnored = 0
  /** Spans that came to the exporter. */
  spansExported = 0
  callsDenied = 0
  /** Calls that were not made because their intent could not be made durable. */
  callsRefused = 0
  /** Tools that ran although their intent could not be made durable: fail mode `open`, break-glass. */
  callsUndurable = 0
  readonly #redactor: Redactor
  readonly #warned = new Set<string>()

  constructor(redactor: Redactor) {
    this.#redactor = redactor
  }

  /** Says something once per kind through OpenTelemetry's `diag`; never the content of a call. */
  warnOnce(kind: string, message: string): void {
    if (this.#warned.has(kind)) return
    this.#warned.add(kind)
    diag.warn(`spanseal: ${message}`)
  }

  /** As {@link warnOnce} for what others report, whose messages may hold anything. */
  reportOnce(kind: string, what: string, error: unknown): string {
    const message = error instanceof Error ? error.message : typeof error
    const reason = this.#redactor.text(message).slice(0, REASON_LENGTH_MAX)
    this.warnOnce(kind, `${what}: ${reason}`)
    return reason
  }

  /** A fault in a hook of the user's, whose message may be content: only its type is said. */
  fault(where: string, error: unknown): void {
    this.internalErrors++
    this.warnOnce(where, `${where}: ${typeOf(error)}`)
  }
}

const REASON_LENGTH_MAX = 512

/** The message of an error of our own; of any other, which may hold content, its type. */
export function reasonOf(error: unknown): string {
  return error instanceof AuditError ? error.message : typeOf(error)
}

function typeOf(error: unknown): string {
  try {
    return error instanceof Error ? error.constructor.name : typeof error
  } catch {
    return 'Error' // one that throws when it is looked at
  }
}
