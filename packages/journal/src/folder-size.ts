// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { listEpochs } from './journal-layout.ts'

/** Whose folder did not change for this long has no writer: a beat replaces a file in it. */
const QUIET_MILLIS = 600_000

interface KnownEpoch {
  readonly changedMillis: number
  readonly bytes: number
}

/** Bytes in the files of a journal's epochs; quiet epochs cost one call each after the first time. */
export class FolderSize {
  readonly #journal: string
  #known = new Map<string, KnownEpoch>()

  constructor(journal: string) {
    this.#journal = journal
  }

  /** Looks; never throws: what cannot be read counts nothing. */
  bytes(): number {
    const known = new Map<string, KnownEpoch>()
    let bytes = 0
    for (const epoch of this.#epochs()) {
      const seen = this.#look(epoch)
      if (seen === undefined) continue
      known.set(epoch, seen)
      bytes += seen.bytes
    }
    this.#known = known
    return bytes
  }

  #epochs(): readonly string[] {
    try {
      return listEpochs(this.#journal)
    } catch {
      return []
    }
  }

  #look(epoch: string): KnownEpoch | undefined {
    const folder = join(this.#journal, epoch)
    try {
      const changedMillis = statSync(folder).mtimeMs
      const known = this.#known.get(epoch)
      // The file system's time, so not the writer's clock.
      const isQuiet = Date.now() - changedMillis > QUIET_MILLIS
      if (known !== undefined && isQuiet && known.changedMillis === changedMillis) return known
      return { changedMillis, bytes: bytesIn(folder) }
    } catch {
      return undefined // removed meanwhile
    }
  }
}

function bytesIn(folder: string): number {
  let bytes = 0
  for (const name of readdirSync(folder)) {
    bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}
