// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { diag } from '@opentelemetry/api'

/** What went well and what did not; `health()` shows them. */
export class Counters {
  recordsWritten = 0
  /** Records that could not be written. */
  recordsFailed = 0
  /** Failed syncs, epochs given up, heads that could not be kept. */
  journalProblems = 0
  /** Faults of our own code, caught before they could reach the agent. */
  internalErrors = 0
  foreignRecorded = 0
  foreignIgnored = 0
  spansExported = 0
  spansFailed = 0
  callsDenied = 0
  readonly #warned = new Set<string>()

  /** Says something once per kind through OpenTelemetry's `diag`; never the content of a call. */
  warnOnce(kind: string, message: string): void {
    if (this.#warned.has(kind)) return
    this.#warned.add(kind)
    diag.warn(`spanseal: ${message}`)
  }
}

/** The message of an error, or its type where it has none: safe to log for errors of our own. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : typeof error
}
