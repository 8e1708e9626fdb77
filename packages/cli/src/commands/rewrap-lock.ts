// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError, fileSafeLogName } from '@spanseal/core'
import type { Keyring } from '@spanseal/keys'

/**
 * Runs what rotates the master key of a log alone: of two at once, one would destroy the master key
 * under which the other has just wrapped, and with it every value.
 *
 * @throws AuditError `VAULT_UNUSABLE` while another one is at it, or where one was killed
 */
export async function withRewrapLock<T>(
  { folder, log }: Pick<Keyring, 'folder' | 'log'>,
  work: () => Promise<T>,
): Promise<T> {
  const path = join(folder, fileSafeLogName(log), 'rewrap.lock')
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new AuditError(
      'VAULT_UNUSABLE',
      `vault: process ${holderOf(path)} rotates the master key; one does at a time. ` +
        `Remove ${path} if it is surely gone, and run it again`,
      { cause, details: { file: path } },
    )
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

function holderOf(path: string): string {
  try {
    const text = readFileSync(path, 'utf8').trim()
    return /^\d{1,10}$/.test(text) ? text : 'unknown'
  } catch {
    return 'unknown'
  }
}
