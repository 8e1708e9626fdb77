// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf, namesIn, syncFolder, unusable } from '../secret-file.ts'

const DESTROYED = '.destroyed'

/**
 * Destroys a secret file and every draft and half-destroyed copy of it that a crash left behind:
 * renamed first, so that nobody takes half a file for a key, overwritten, removed, the folder synced.
 * Idempotent.
 *
 * Overwriting is a best effort against undelete: copies in back-ups, snapshots and on worn flash are
 * out of reach.
 *
 * @param isDoomed whether the file at its own name is the one meant; drafts always are
 * @throws AuditError `KEYRING_UNUSABLE`
 */
export function destroyFile(path: string, isDoomed: boolean): void {
  const folder = dirname(path)
  const name = path.slice(folder.length + 1)
  try {
    if (isDoomed && isThere(path)) renameSync(path, path + DESTROYED)
    const remains = namesIn(folder).filter((one) => one.startsWith(`${name}.`))
    for (const one of remains) wipe(`${folder}/${one}`)
    if (remains.length > 0) syncFolder(folder)
  } catch (error) {
    throw unusable(path, error)
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

function wipe(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(statSync(path).size), { flag: 'r+', flush: true })
    rmSync(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error // another process was quicker
  }
}
