// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { errno } from './journal.fixture.ts'
import type { JournalFs } from './journal-fs.ts'
import { nodeFs } from './journal-fs.ts'

export const ERRNOS = ['EIO', 'ENOSPC', 'EMFILE', 'EROFS'] as const

export interface DiskFault {
  readonly code: (typeof ERRNOS)[number]
  /** The first call that fails, from 1 on. */
  readonly from: number
  /** Whether the calls behind it fail, too, until {@link FaultyDisk.mend}; closing always works then. */
  readonly lasts: boolean
}

/**
 * A disk whose n-th call fails. A write that fails has written half, and a descriptor on which a
 * write or a sync failed may be closed and nothing else: whatever uses it is written down.
 */
export class FaultyDisk {
  /** Calls so far, and which they were. */
  readonly calls: string[] = []
  /** Uses of a failed descriptor. */
  readonly misuses: string[] = []
  readonly fs: JournalFs
  readonly #fault: DiskFault | undefined
  /** Descriptors that were opened here; the readers' own are no concern. */
  readonly #open = new Set<number>()
  readonly #failed = new Set<number>()
  #isMended = false

  constructor(fault?: DiskFault) {
    this.#fault = fault
    this.fs = {
      openSync: (path, flags, mode) => {
        this.#call('open')
        const fd = nodeFs.openSync(path, flags, mode)
        this.#open.add(fd)
        return fd
      },
      writeSync: (fd, bytes, offset, length) => {
        const half = (): number => nodeFs.writeSync(fd, bytes, offset, length >> 1)
        this.#use('write', fd, half)
        return nodeFs.writeSync(fd, bytes, offset, length)
      },
      // What is synced stays in the page cache here: only the order of calls matters.
      fdatasync: (fd, done) => {
        try {
          this.#use('fdatasync', fd)
          setImmediate(done, null)
        } catch (error) {
          setImmediate(done, error as Error)
        }
      },
      fdatasyncSync: (fd) => this.#use('fdatasync', fd),
      fsyncSync: (fd) => this.#use('fsync', fd),
      closeSync: (fd) => {
        this.#open.delete(fd)
        this.#failed.delete(fd)
        nodeFs.closeSync(fd) // close(2) lets go of the descriptor, whatever it answers
        if (this.#fault?.lasts === true) this.calls.push('close')
        else this.#call('close')
      },
      mkdirSync: (path, mode) => {
        this.#call('mkdir')
        nodeFs.mkdirSync(path, mode)
      },
      renameSync: (from, to) => {
        this.#call('rename')
        nodeFs.renameSync(from, to)
      },
    }
  }

  /** The fault was reached. */
  get hasFailed(): boolean {
    return this.calls.length >= (this.#fault?.from ?? Number.POSITIVE_INFINITY)
  }

  /** Nothing fails any more. */
  mend(): void {
    this.#isMended = true
  }

  #call(name: string): void {
    this.calls.push(name)
    if (this.#fault === undefined || this.#isMended) return
    const { code, from, lasts } = this.#fault
    const isDue = lasts ? this.calls.length >= from : this.calls.length === from
    if (isDue) throw errno(code)
  }

  #use(name: string, fd: number, before?: () => void): void {
    if (this.#failed.has(fd)) {
      this.misuses.push(`${name} on a descriptor that failed before`)
      throw errno('EBADF')
    }
    try {
      this.#call(name)
    } catch (error) {
      before?.()
      if (this.#open.has(fd)) this.#failed.add(fd)
      throw error
    }
  }
}
