// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { AuditError, isEpochId } from '@spanseal/core'
import type { SegmentName } from '@spanseal/journal'
import { listSegments } from '@spanseal/journal'
import { existingFolder, existingLog } from '../option-values.ts'

/** A file to be handed over. */
export interface ExportFile {
  /** Where it lies. */
  readonly from: string
  /** Its path in the export, with `/` between folders. */
  readonly to: string
  /** No more than that is copied: it was all there was when the list was made. */
  readonly bytesMax?: number
  /** It is one: what lies there compressed is laid out as it was written. */
  readonly segment?: SegmentName
}

/** What is handed over of journals. */
export interface ExportPlan {
  readonly files: readonly ExportFile[]
  readonly epochs: number
  /** Some epochs stay behind. */
  readonly partial: boolean
}

/**
 * The epochs' files: segments, checkpoints and the stub, byte for byte as they were written. Not `writer.json`,
 * which names the host and its process and proves nothing, nor `leaves`, which follow from the
 * records, nor cursors and drafts.
 *
 * @param only ids of the epochs to be taken; empty for all
 * @throws AuditError `NOT_FOUND`, `JOURNAL_UNUSABLE`
 */
export function planJournals(journals: readonly string[], only: readonly string[]): ExportPlan {
  const sought = new Set(only)
  const files: ExportFile[] = []
  let epochs = 0
  let left = 0
  for (const [i, journal] of journals.entries()) {
    const home = journals.length === 1 ? 'journal' : `journal-${i + 1}`
    for (const folder of epochFolders(existingFolder(journal))) {
      const id = basename(folder)
      if (sought.size > 0 && !sought.has(id)) {
        left++
        continue
      }
      epochs++
      files.push(...filesOfEpoch(folder, `${home}/${id}`))
    }
  }
  for (const id of sought) {
    if (files.some(({ to }) => to.split('/')[1] === id)) continue
    throw new AuditError('NOT_FOUND', `--epoch: there is no epoch ${id}`)
  }
  if (epochs === 0) throw new AuditError('NOT_FOUND', `${journals.join(', ')}: there is no epoch`)
  // Who names single epochs knows of the others.
  const named = journals.some((journal) => isEpochId(basename(journal)))
  return { files, epochs, partial: left > 0 || named }
}

function epochFolders(journal: string): string[] {
  if (isEpochId(basename(journal))) return [journal]
  const names = readdirSync(journal).filter(isEpochId).sort()
  return names.map((name) => join(journal, name)).filter(isOwnFolder)
}

/** Whether it is a folder; a link could lead to anything. */
function isOwnFolder(path: string): boolean {
  const found = lstatSync(path)
  if (!found.isSymbolicLink()) return found.isDirectory()
  const message = `${path} is a link, which is not followed; lay there what it leads to`
  throw new AuditError('JOURNAL_UNUSABLE', message, { details: { file: path } })
}

function filesOfEpoch(folder: string, home: string): ExportFile[] {
  // Before the segments are listed and copied: so they hold all that the checkpoints cover.
  const checkpoints = join(folder, 'checkpoints')
  const bytesMax = existsSync(checkpoints) ? statSync(checkpoints).size : 0
  const names = readdirSync(folder).sort()
  const files = names
    .filter((name) => name === 'stub')
    .map((name): ExportFile => ({ from: join(folder, name), to: `${home}/${name}` }))
  for (const segment of listSegments(folder)) {
    const name = basename(segment.path).replace(/\.zst$/, '')
    files.push({ from: segment.path, to: `${home}/${name}`, segment })
  }
  if (!names.includes('checkpoints')) return files
  return [...files, { from: checkpoints, to: `${home}/checkpoints`, bytesMax }]
}

/**
 * What a tenant log serves: its checkpoint first, so that the tiles copied after it cover it.
 *
 * @throws AuditError `NOT_FOUND`, `LOG_UNUSABLE`
 */
export function planTenantLog(folder: string): ExportFile[] {
  const checkpoint = join(existingLog('--log', folder), 'checkpoint')
  const files: ExportFile[] = [{ from: checkpoint, to: 'log/checkpoint' }]
  for (const part of ['tile', 'timestamps']) {
    const inner = join(folder, part)
    if (!existsSync(inner) || !isOwnFolder(inner)) continue
    for (const path of filesUnder(inner)) {
      if (!path.endsWith('.tmp')) files.push({ from: join(inner, path), to: `log/${part}/${path}` })
    }
  }
  return files
}

/** Paths of files, sorted, with `/`; Node's own recursive listing goes through links. */
function filesUnder(folder: string): string[] {
  const found = readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return isOwnFolder(path) ? filesUnder(path).map((below) => `${name}/${below}`) : [name]
  })
  return found.sort()
}
