// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '../errors.ts'
import type { Witnesses } from './tenant-log-check.ts'

/**
 * Asks that `k of n` can be met at all.
 *
 * @throws AuditError `INVALID_OPTION` for a threshold that is not 1 to n, and without a tenant log
 */
export function checkWitnesses(witnesses: Witnesses | undefined, hasTenantLog: boolean): void {
  if (witnesses === undefined) return
  const { keys, threshold } = witnesses
  const n = new Set(keys.map(({ publicKey }) => Buffer.from(publicKey).toString('hex'))).size
  const refuse = (why: string): never => {
    throw new AuditError('INVALID_OPTION', `witnesses: ${why}`, {
      details: { option: 'witnesses' },
    })
  }
  if (!hasTenantLog) refuse('they cosign a tenant log; give that log too')
  if (!Number.isSafeInteger(threshold) || threshold < 1 || threshold > n) {
    refuse(`${threshold} of ${n} different keys cannot be asked for; expected 1 to ${n}`)
  }
}
