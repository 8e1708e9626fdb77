// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, writeFileSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isEpochId } from '@spanseal/core'
import { openRegular, readRange } from './byte-file.ts'
import type { EpochPosition } from './epoch-reader.ts'
import { START } from './epoch-reader.ts'
import { FILE_MODE, isShortage } from './journal-fs.ts'
import { CURSORS_FOLDER, SINK_NAME } from './journal-layout.ts'
import { makeFolder } from './make-folder.ts'

const DONE = '.done'
const CURSOR = /^([^.]+)\.(?:json|done)$/
const CURSOR_BYTES_MAX = 64 * 1024

/** How far a sink has acknowledged an epoch. */
export interface Acknowledged {
  readonly position: EpochPosition
  /** Everything: nothing can be added any more. */
  readonly done: boolean
}

/** The same for whoever only looks; undefined where there is no cursor that can be read. */
export function readCursor(journal: string, sink: string, epoch: string): Acknowledged | undefined {
  const folder = join(journal, CURSORS_FOLDER, sink)
  const done = positionIn(join(folder, `${epoch}${DONE}`))
  if (done !== undefined) return { position: done, done: true }
  const position = positionIn(join(folder, `${epoch}.json`))
  return position === undefined ? undefined : { position, done: false }
}

/** The sinks that have a cursor, by name: a folder without one is nobody's. */
export function sinksOf(journal: string): string[] {
  const folder = join(journal, CURSORS_FOLDER)
  return namesIn(folder)
    .filter((name) => SINK_NAME.test(name) && hasCursor(join(folder, name)))
    .sort()
}

function hasCursor(folder: string): boolean {
  return namesIn(folder).some((name) => {
    const [, epoch = ''] = CURSOR.exec(name) ?? []
    return isEpochId(epoch) && positionIn(join(folder, name)) !== undefined
  })
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (isShortage(error)) throw error
    return []
  }
}

/** Where the positions of one sink are kept. */
export interface Cursors {
  /** Epochs of which everything was delivered. */
  done(): Set<string>
  load(epoch: string): EpochPosition
  save(epoch: string, position: EpochPosition): Promise<void>
  finish(epoch: string, position: EpochPosition): Promise<void>
}

/** Cursors of a reader that begins anew every time. */
export function memoryCursors(): Cursors {
  return {
    done: () => new Set(),
    load: () => START,
    save: () => Promise.resolve(),
    finish: () => Promise.resolve(),
  }
}

/**
 * Cursors in files, `<epoch>.json` while an epoch is under way and `<epoch>.done` afterwards, each
 * replaced in one step after its bytes are synced: a cursor may lag, which brings duplicates, and
 * never leads.
 */
export class FileCursors implements Cursors {
  readonly #folder: string
  #begun = false

  constructor(folder: string) {
    this.#folder = folder
    makeFolder(folder)
  }

  done(): Set<string> {
    const names = readdirSync(this.#folder).filter((name) => name.endsWith(DONE))
    return new Set(names.map((name) => name.slice(0, -DONE.length)).filter(isEpochId))
  }

  load(epoch: string): EpochPosition {
    const path = join(this.#folder, `${epoch}.json`)
    const position = positionIn(path)
    if (position !== undefined) return position
    this.#begin(path)
    return START // none, or unreadable: then everything comes again
  }

  /** A sink that waits for its first acknowledgement is one: nothing may be removed before it. */
  #begin(path: string): void {
    if (this.#begun) return
    this.#begun = true
    try {
      writeFileSync(path, JSON.stringify(START), { mode: FILE_MODE, flag: 'wx' })
    } catch (error) {
      if (isShortage(error)) throw error
      // There is one that cannot be read; or no room, and then nothing is delivered either.
    }
  }

  save(epoch: string, position: EpochPosition): Promise<void> {
    return this.#replace(`${epoch}.json`, position)
  }

  async finish(epoch: string, position: EpochPosition): Promise<void> {
    await this.#replace(`${epoch}${DONE}`, position)
    await rm(join(this.#folder, `${epoch}.json`), { force: true })
  }

  async #replace(name: string, position: EpochPosition): Promise<void> {
    const path = join(this.#folder, name)
    // Two shippers may run at once, so that the draft's name must be nobody else's.
    const draft = `${path}.${process.pid}-${Math.random().toString(36).slice(2)}.tmp`
    const handle = await open(draft, 'wx', FILE_MODE)
    try {
      await handle.writeFile(JSON.stringify(position))
      await handle.datasync()
    } finally {
      await handle.close()
    }
    await rename(draft, path)
  }
}

function positionIn(path: string): EpochPosition | undefined {
  try {
    const file = openRegular(path)
    try {
      if (file.size > CURSOR_BYTES_MAX) return undefined
      return parsePosition(readRange(file, 0, file.size).toString('utf8'))
    } finally {
      file.close()
    }
  } catch (error) {
    if (isShortage(error)) throw error
    return undefined
  }
}

function parsePosition(text: string): EpochPosition {
  const value = JSON.parse(text) as Partial<EpochPosition> | null
  const counts = [
    value?.seq,
    value?.segment,
    value?.offset,
    value?.checkpointBytes,
    value?.checkpointSize,
  ]
  const wellFormed =
    counts.every((count) => Number.isSafeInteger(count) && (count as number) >= 0) &&
    typeof value?.leaf === 'string' &&
    typeof value.log === 'string' &&
    typeof value.closed === 'boolean'
  if (wellFormed) return value as EpochPosition
  throw new Error('not a cursor')
}
