// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { JournalFs } from '@spanseal/journal'
import { aFileSystem } from './audit.fixture.ts'

/** The calls of a disk that can be made to fail. */
export type DiskCall = 'open' | 'write' | 'sync'

interface Fault {
  readonly code: string
  left: number
}

const MEBIBYTE = 1024 * 1024
const TOTAL_BYTES = 1_024 * MEBIBYTE
/** Of 1 GiB a twentieth stays free by default; what is above that is the journal's. */
const KEPT_FREE_BYTES = TOTAL_BYTES / 20
const LITTLE_ROOM_BYTES = 32 * 1024

/** The real file system, in front of which a test puts faults. */
export class FaultyDisk {
  readonly #faults = new Map<DiskCall, Fault>()
  /** What the file system says is left: enough for some records, then it has to be looked again. */
  freeBytes: number = KEPT_FREE_BYTES + LITTLE_ROOM_BYTES

  /** From now on, or for so many times, a call fails. */
  fail(call: DiskCall, code: string, times: number = Number.POSITIVE_INFINITY): void {
    this.#faults.set(call, { code, left: times })
  }

  mend(): void {
    this.#faults.clear()
    this.freeBytes = TOTAL_BYTES
  }

  /** What an audit is given as `fs`. */
  get fs(): JournalFs {
    const real = aFileSystem()
    return {
      ...real,
      openSync: (path, flags, mode) => {
        // Reading folders in order to sync them stays possible.
        if (flags !== 'r') this.#check('open')
        return real.openSync(path, flags, mode)
      },
      writeSync: (...args) => {
        this.#check('write')
        return real.writeSync(...args)
      },
      fdatasync: (fd, done) => {
        try {
          this.#check('sync')
        } catch (error) {
          setImmediate(done, error as Error)
          return
        }
        real.fdatasync(fd, done)
      },
      fdatasyncSync: (fd) => {
        this.#check('sync')
        real.fdatasyncSync(fd)
      },
      fsyncSync: (fd) => {
        this.#check('sync')
        real.fsyncSync(fd)
      },
      freeSpace: () => ({ freeBytes: this.freeBytes, totalBytes: TOTAL_BYTES }),
    }
  }

  #check(call: DiskCall): void {
    const fault = this.#faults.get(call)
    if (fault === undefined || fault.left <= 0) return
    fault.left--
    throw Object.assign(new Error(`${fault.code}: ${call}`), { code: fault.code })
  }
}

/** Clocks that stand still until the test moves them. */
export class TestClock {
  #millis = Date.UTC(2026, 10, 21, 9, 30)
  #nanos = 1_000_000_000n

  readonly now = (): number => this.#millis
  readonly monoNanos = (): bigint => this.#nanos

  /** Time passes on both. */
  pass(millis: number): void {
    this.#millis += millis
    this.#nanos += BigInt(millis) * 1_000_000n
  }

  /** Somebody sets the wall clock. */
  set(millis: number): void {
    this.#millis = millis
  }
}
