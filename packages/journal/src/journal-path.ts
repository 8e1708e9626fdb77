// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { AuditError } from '@spanseal/core'
import { errnoOf } from './journal-fs.ts'
import { makeFolder } from './make-folder.ts'

/**
 * Makes the journal folder and returns its real path.
 *
 * @param refuseInside folders that the agent's own tools may write to: the journal may neither lie
 * in one, nor hold one; symbolic links are followed first
 * @throws AuditError `INVALID_OPTION` when the path is no path, or lies in or around such a folder
 * @throws AuditError `JOURNAL_UNUSABLE` when it is a file, a loop of links, or cannot be made
 */
export function openJournalFolder(journal: string, refuseInside: readonly string[] = []): string {
  if (typeof journal !== 'string' || journal === '' || journal.includes('\0')) {
    throw new AuditError('INVALID_OPTION', 'journal: expected the path of a folder', {
      details: { option: 'journal' },
    })
  }
  const path = realTarget(journal)
  for (const folder of refuseInside) refuseOverlap({ journal, path, folder })
  try {
    makeFolder(path)
    return path
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'EEXIST') throw unusable(journal, 'is a file, not a folder', error)
    const why = code === 'ENOENT' ? ': its file system takes no folders' : ''
    throw unusable(journal, `cannot be made or read (${code ?? 'unknown'})${why}`, error)
  }
}

function refuseOverlap(paths: { journal: string; path: string; folder: string }): void {
  const { journal, path, folder } = paths
  const real = realTarget(folder)
  const inside = isWithin(path, real)
  if (!inside && !isWithin(real, path)) return
  const how = inside ? 'lies inside' : 'contains'
  throw new AuditError(
    'INVALID_OPTION',
    `journal: ${journal} ${how} ${folder}, which the agent's own tools may write to; ` +
      'choose a folder that they cannot reach',
    { details: { option: 'journal', file: folder } },
  )
}

/** An unusable journal, said for people. */
export function unusable(journal: string, why: string, cause?: unknown): AuditError {
  return new AuditError(
    'JOURNAL_UNUSABLE',
    `journal: ${journal} ${why}; name a folder that this process may write to`,
    { cause, details: { option: 'journal', file: journal } },
  )
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}

// The real path of what exists, and the rest as it stands: what creating `path` would create.
function realTarget(path: string): string {
  const full = resolve(path)
  try {
    return realpathSync(full)
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ELOOP') throw unusable(path, 'is a loop of symbolic links', error)
    if (code === 'ENOTDIR') throw unusable(path, 'leads through a file', error)
    if (code !== 'ENOENT') throw unusable(path, `cannot be read (${code ?? 'unknown'})`, error)
    const parent = dirname(full)
    return parent === full ? full : join(realTarget(parent), basename(full))
  }
}
