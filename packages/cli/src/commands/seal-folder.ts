// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, readdirSync, statSync } from 'node:fs'
import { AuditError, isEpochId } from '@spanseal/core'
import { isWithin } from '../is-within.ts'

/** What is sealed, and by whom, as the command line names it. */
export interface SealPlaces {
  readonly journals: readonly string[]
  readonly tenantKey?: string | undefined
  /** Journals may come to be later. */
  readonly watch: boolean
}

/**
 * Looks before anything is made. The folder of a tenant log is served as it is, so that it must not
 * hold records or keys, nor lie where records are.
 *
 * @throws AuditError `INVALID_OPTION`, `NOT_FOUND`
 */
export function assertSealPlaces(logDir: string, places: SealPlaces): void {
  const refuse = (why: string): never => {
    throw new AuditError(
      'INVALID_OPTION',
      `--log-dir: ${logDir === '' ? 'the name' : logDir} ${why}`,
      {
        details: { option: '--log-dir', file: logDir },
      },
    )
  }
  if (logDir === '') return refuse('is empty; name a folder')
  if (existsSync(logDir)) {
    if (!statSync(logDir).isDirectory()) return refuse('is not a folder')
    if (readdirSync(logDir).some(isEpochId)) return refuse('is a journal; name a folder beside it')
  }
  const served = 'is served as it is; name a folder beside it'
  for (const journal of places.journals) {
    if (isWithin(logDir, journal)) return refuse(`lies in the journal ${journal}, and ${served}`)
    if (isWithin(journal, logDir)) return refuse(`holds the journal ${journal}, and ${served}`)
    if (!places.watch && !existsSync(journal)) {
      const message = `${journal} does not exist; name a journal folder, or wait for it with --watch`
      throw new AuditError('NOT_FOUND', message, { details: { file: journal } })
    }
  }
  const { tenantKey } = places
  if (tenantKey !== undefined && isWithin(tenantKey, logDir)) {
    return refuse(`holds the tenant key ${tenantKey}, and ${served}`)
  }
}
