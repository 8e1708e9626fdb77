// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { AuditError } from '@spanseal/core'
import { assertPrivate, errnoOf, makePrivateFolder, unusable } from './secret-file.ts'

/** Where a journal's keyring lies unless an option says otherwise. */
export function defaultKeyringFolder(journal: string): string {
  return `${resolve(journal)}.keys`
}

/**
 * Makes the folder on first use and returns its real path.
 *
 * @throws AuditError `KEYRING_UNSAFE` when group or others have a right to it, or it lies in `journal`
 * @throws AuditError `KEYRING_UNUSABLE` when it cannot be made, read or written
 */
export function openKeyringFolder(folder: string, journal: string | undefined): string {
  const path = realTarget(folder)
  if (journal !== undefined && isWithin(path, realTarget(journal))) {
    throw new AuditError(
      'KEYRING_UNSAFE',
      `keyring: ${folder} lies inside the journal ${journal}: whoever gets the journal would get the ` +
        `keys; put it beside, for instance ${defaultKeyringFolder(journal)}`,
      { details: { option: 'keys', file: folder } },
    )
  }
  makePrivateFolder(path)
  try {
    const stat = statSync(path)
    assertPrivate(path, stat.mode)
    readdirSync(path)
    return path
  } catch (error) {
    throw unusable(path, error)
  }
}

/** Whether `path` is `folder` or below it; both real paths. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}

/** The real path of what exists, and the rest as it stands: what creating `path` would create. */
export function realTarget(path: string): string {
  const full = resolve(path)
  try {
    return realpathSync(full)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw unusable(path, error)
    const parent = dirname(full)
    return parent === full ? full : join(realTarget(parent), basename(full))
  }
}
