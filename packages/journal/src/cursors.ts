// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isEpochId } from '@spanseal/core'
import type { EpochPosition } from './epoch-reader.ts'
import { START } from './epoch-reader.ts'
import { FILE_MODE, FOLDER_MODE } from './journal-fs.ts'

const DONE = '.done'

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

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE })
  }

  done(): Set<string> {
    const names = readdirSync(this.#folder).filter((name) => name.endsWith(DONE))
    return new Set(names.map((name) => name.slice(0, -DONE.length)).filter(isEpochId))
  }

  load(epoch: string): EpochPosition {
    try {
      return parsePosition(readFileSync(join(this.#folder, `${epoch}.json`), 'utf8'))
    } catch {
      return START // none, or unreadable: then everything comes again
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
