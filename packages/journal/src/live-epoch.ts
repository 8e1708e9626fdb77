// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import type { Ed25519PrivateKey, EpochChain, Frame } from '@spanseal/core'
import { formatCheckpoint, signNoteSync } from '@spanseal/core'
import type { JournalFs } from './journal-fs.ts'
import { syncFolder, writeAll } from './journal-fs.ts'
import { segmentName } from './journal-layout.ts'
import type { OpenSegment } from './open-segment.ts'
import { closeQuietly, createSegment, isSegmentInPlace, releaseSegment } from './open-segment.ts'

/** What a live epoch is made of once its folder is there. */
export interface LiveEpochParts {
  readonly fs: JournalFs
  readonly folder: string
  readonly chain: EpochChain
  readonly key: Ed25519PrivateKey
  readonly vkey: string
  /** The segment that takes the next record. */
  readonly segment: OpenSegment
  /** Descriptor of the `checkpoints` file. */
  readonly checkpoints: number
  /** Bytes in segments so far. */
  readonly bytes: number
  readonly segmentBytesMax: number
  /** Sync rotated segments' folder entries; false under durability `none`. */
  readonly durable: boolean
  /** Reading of the monotonic clock at `epoch.open`. */
  readonly originNanos: bigint
}

/** A chain's head at some moment, to be signed once its records are synced. */
interface Head {
  readonly size: number
  readonly root: string
}

/**
 * The files of the epoch that is being written. Any error of a write or a sync leaves it unusable:
 * after a failed fsync Linux may mark pages clean, so that the next one lies, and after a short write
 * the file ends in the middle of a record. Nothing is cut off or tried again; the owner gives the
 * epoch up and opens another.
 */
export class LiveEpoch {
  readonly chain: EpochChain
  readonly folder: string
  /** Bytes in segments. */
  bytes: number
  /** Records known to be on disk. */
  syncedSize = 1
  /** Records under the newest checkpoint. */
  checkpointedSize = 1
  // Ages are plain numbers, nanoseconds since `epoch.open`: exact for 104 days, and cheap to compare.
  /** When the newest checkpoint was taken. */
  checkpointedAtNanos = 0
  /** When the oldest record not yet synced was written. */
  unsyncedSinceNanos = 0
  /** A checkpoint shall be taken with the next sync. */
  checkpointDue = false
  readonly #parts: LiveEpochParts
  readonly #checkpointsFd: number
  #segment: OpenSegment
  #segmentBytes = 0
  /** Full segments that are not synced yet. */
  #retired: OpenSegment[] = []
  /** Asynchronous syncs under way: their descriptors must stay open. */
  #syncsRunning = 0
  /** What a synchronous sync reached while an asynchronous one ran, whose result is still to come. */
  #heldSize = 0
  #closed = false

  constructor(parts: LiveEpochParts) {
    this.#parts = parts
    this.chain = parts.chain
    this.folder = parts.folder
    this.bytes = parts.bytes
    this.#segment = parts.segment
    this.#checkpointsFd = parts.checkpoints
  }

  /** Nanoseconds from `epoch.open` to a reading of the monotonic clock. */
  ageNanos(nowNanos: bigint): number {
    return Math.max(0, Number(nowNanos - this.#parts.originNanos))
  }

  /** Writes a framed record and takes it into the chain. */
  write(frame: Frame): void {
    const { fs, segmentBytesMax } = this.#parts
    const { length } = frame.bytes
    if (this.#segmentBytes > 0 && this.#segmentBytes + length > segmentBytesMax) this.#rotate()
    writeAll(fs, this.#segment.fd, frame.bytes)
    this.#segmentBytes += length
    this.bytes += length
    this.chain.advance(frame.leaf)
  }

  #rotate(): void {
    const { fs, folder, durable } = this.#parts
    const next = createSegment(fs, join(folder, segmentName(this.chain.size)))
    this.#retired.push(this.#segment)
    this.#segment = next
    this.#segmentBytes = 0
    if (durable) syncFolder(fs, folder)
  }

  /**
   * Syncs everything written so far, and takes a checkpoint if one is due. What it reached counts as
   * synced once no asynchronous sync is under way that began before and may still fail.
   *
   * @param isLast nothing follows that could wait for that one: this sync's own word is enough
   * @throws what the sync throws, or an error when the segment is not in its place any more
   */
  sync(isLast = false): string | undefined {
    const head = this.#headIfDue()
    const { size } = this.chain
    for (const { syncFd } of [...this.#retired, this.#segment]) {
      this.#parts.fs.fdatasyncSync(syncFd)
    }
    this.#assertInPlace()
    if (this.#syncsRunning > 0 && !isLast) {
      this.#heldSize = size
      if (head !== undefined) this.checkpointDue = true
      return undefined
    }
    return this.#synced(size, head, this.#retired.length)
  }

  /**
   * Syncs everything written so far without blocking, and takes a checkpoint if one is due.
   *
   * @param done gets the checkpoint's note where one was taken
   */
  startSync(done: (error: unknown, note?: string) => void): void {
    const head = this.#headIfDue()
    const { size } = this.chain
    const segments = [...this.#retired, this.#segment]
    const retired = this.#retired.length
    this.#syncsRunning++
    const next = (index: number): void => {
      const segment = segments[index]
      if (segment === undefined) return end(undefined)
      this.#parts.fs.fdatasync(segment.fd, (error) =>
        error === null ? next(index + 1) : end(error),
      )
    }
    const end = (error: unknown): void => {
      this.#syncsRunning--
      let note: string | undefined
      let failure = error
      try {
        if (error === undefined && !this.#closed) note = this.#asyncSynced(size, head, retired)
      } catch (thrown) {
        failure = thrown
      }
      if (this.#closed) this.#release()
      done(failure, note)
    }
    next(0)
  }

  #asyncSynced(size: number, head: Head | undefined, retired: number): string | undefined {
    this.#assertInPlace()
    return this.#synced(Math.max(size, this.#heldSize), head, retired)
  }

  // A sync of a file that was removed succeeds, and nobody will ever read what it made durable.
  #assertInPlace(): void {
    if (!this.isInPlace()) throw new Error('its file was removed, cut or replaced')
  }

  /** Takes a checkpoint over records that nothing syncs (durability `none`). */
  checkpointUnsynced(): string | undefined {
    const head = this.#headIfDue()
    return head === undefined ? undefined : this.#sign(head)
  }

  #headIfDue(): Head | undefined {
    if (!this.checkpointDue || this.chain.size === this.checkpointedSize) {
      this.checkpointDue = false
      return undefined
    }
    this.checkpointDue = false
    return { size: this.chain.size, root: this.chain.root() }
  }

  #synced(size: number, head: Head | undefined, retired: number): string | undefined {
    this.syncedSize = Math.max(size, this.syncedSize)
    // An asynchronous sync under way may hold them; the next sync then closes them.
    if (this.#syncsRunning === 0) {
      for (const { fd, syncFd } of this.#retired.splice(0, retired)) {
        this.#parts.fs.closeSync(syncFd)
        this.#parts.fs.closeSync(fd)
      }
    }
    return head === undefined ? undefined : this.#sign(head)
  }

  #sign(head: Head): string | undefined {
    if (this.#closed || head.size <= this.checkpointedSize) return undefined
    const { fs, key, vkey, chain } = this.#parts
    const text = formatCheckpoint({ origin: `${chain.log}/${chain.epoch}`, ...head })
    const note = signNoteSync(text, { vkey, sign: (message) => key.sign(message) })
    writeAll(fs, this.#checkpointsFd, Buffer.from(`${Buffer.byteLength(note)}\n${note}`))
    this.checkpointedSize = head.size
    return note
  }

  /** Whether the segment is still the file of its name, with all that was written to it. */
  isInPlace(): boolean {
    return isSegmentInPlace(this.#segment, this.#segmentBytes)
  }

  /** Nothing is written to it any more. */
  get released(): boolean {
    return this.#closed
  }

  /** Syncs the checkpoints file. */
  syncCheckpoints(): void {
    this.#parts.fs.fdatasyncSync(this.#checkpointsFd)
  }

  /** Closes the descriptors, those in use by a sync once it ends. Idempotent; never throws. */
  release(): void {
    if (this.#closed) return
    this.#closed = true
    this.#release()
  }

  #release(): void {
    if (this.#syncsRunning > 0) return
    const { fs } = this.#parts
    for (const segment of [...this.#retired, this.#segment]) releaseSegment(fs, segment)
    closeQuietly(fs, this.#checkpointsFd)
    this.#retired = []
  }
}
