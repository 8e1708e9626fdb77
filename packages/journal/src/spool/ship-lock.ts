// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

export interface ShipLock {
  /** Whether this call got it, and still has it. */
  readonly held: boolean
  /** Who has it instead, as far as that can be read. */
  readonly owner?: { readonly pid: number; readonly host: string }
  /** Gives it back; idempotent, never throws. */
  release(): void
}

export interface ShipLockOptions {
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number
  /** How often the holder says that it lives; default 30,000. */
  readonly beatMillis?: number
}

/**
 * One shipper a sink and journal. A holder that is gone loses it: on this machine by its process, on
 * another host by a beat that is five minutes old. Nobody waits.
 *
 * It only saves work: two that ship at once deliver the same bytes twice.
 *
 * @throws AuditError `INVALID_OPTION` when `sinkName` cannot name a cursor
 * @throws AuditError `JOURNAL_UNUSABLE` when the lock cannot be written
 */
export function shipLock(
  _journal: string,
  _sinkName: string,
  _options: ShipLockOptions = {},
): ShipLock {
  throw new Error('unwritten')
}
