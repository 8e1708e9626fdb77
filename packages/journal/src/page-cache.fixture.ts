// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { fstatSync } from 'node:fs'
import { errno } from './journal.fixture.ts'
import type { JournalFs } from './journal-fs.ts'
import { nodeFs } from './journal-fs.ts'

/**
 * Errors of writing back as Linux tells them since 4.13: pages that could not be written back are
 * clean from then on, and the error is told once to each open file description of the file.
 */
export class PageCache {
  /** The next pages that are written back are lost. */
  losesNext = false
  readonly fs: JournalFs
  /** Open file descriptions, by descriptor. */
  readonly #open = new Map<number, { readonly inode: number; error: boolean }>()
  readonly #dirty = new Set<number>()
  readonly #held: (() => void)[] = []

  constructor() {
    this.fs = {
      ...nodeFs,
      openSync: (path, flags, mode) => {
        const fd = nodeFs.openSync(path, flags, mode)
        this.#open.set(fd, { inode: fstatSync(fd).ino, error: false })
        return fd
      },
      closeSync: (fd) => {
        this.#open.delete(fd)
        nodeFs.closeSync(fd)
      },
      writeSync: (fd, bytes, offset, length) => {
        this.#dirty.add(fstatSync(fd).ino)
        return nodeFs.writeSync(fd, bytes, offset, length)
      },
      // The thread has its answer at once; the event loop hears of it when it is let.
      fdatasync: (fd, done) => {
        const answer = this.#sync(fd)
        this.#held.push(() => done(answer))
      },
      fdatasyncSync: (fd) => {
        const error = this.#sync(fd)
        if (error !== null) throw error
      },
    }
  }

  /** Asynchronous syncs that have ended and were not told yet. */
  get held(): number {
    return this.#held.length
  }

  /** Tells them. */
  tell(): void {
    for (const done of this.#held.splice(0)) done()
  }

  #sync(fd: number): Error | null {
    const inode = fstatSync(fd).ino
    if (this.#dirty.delete(inode) && this.losesNext) {
      this.losesNext = false
      for (const one of this.#open.values()) if (one.inode === inode) one.error = true
    }
    const description = this.#open.get(fd)
    if (description?.error !== true) return null
    description.error = false
    return errno('EIO')
  }
}
