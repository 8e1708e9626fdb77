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

/** Where a keyring must not lie, and whether it may be made. */
interface FolderRules {
  readonly journal?: string
  readonly refuseInside?: readonly string[]
  readonly create?: boolean
}

/**
 * Makes the folder on first use and returns its real path.
 *
 * @throws AuditError `KEYRING_UNSAFE` when group or others have a right to it, or it lies in `journal`
 * or in or around a folder of `refuseInside`
 * @throws AuditError `KEYRING_UNUSABLE` when it cannot be made or read
 * @throws AuditError `NOT_FOUND` when it may not be made and is missing
 */
export function openKeyringFolder(folder: string, rules: FolderRules): string {
  const { journal, refuseInside = [], create = true } = rules
  const path = realTarget(folder)
  if (journal !== undefined && isWithin(path, realTarget(journal))) {
    const why = `inside the journal ${journal}: whoever gets the journal would get the keys`
    throw misplaced(folder, `${why}; put it beside, for instance ${defaultKeyringFolder(journal)}`)
  }
  for (const tools of refuseInside) {
    const real = realTarget(tools)
    if (!isWithin(path, real) && !isWithin(real, path)) continue
    throw misplaced(folder, `in or around ${tools}, which the agent's own tools may write to`)
  }
  if (create) makePrivateFolder(path)
  try {
    assertPrivate(path, statSync(path).mode)
    readdirSync(path)
    return path
  } catch (error) {
    if (create || errnoOf(error) !== 'ENOENT') throw unusable(path, error)
    throw new AuditError('NOT_FOUND', `keyring: there is none at ${folder}`, {
      cause: error,
      details: { option: 'keys', file: folder },
    })
  }
}

function misplaced(folder: string, where: string): AuditError {
  return new AuditError('KEYRING_UNSAFE', `keyring: ${folder} lies ${where}`, {
    details: { option: 'keys', file: folder },
  })
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
