// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { EpochOpenDetail, ObservedEpoch } from '@spanseal/core'
import {
  Ed25519PrivateKey,
  EpochChain,
  epochId,
  formatCheckpoint,
  formatVkey,
  recordLine,
  signNoteSync,
} from '@spanseal/core'
import type { JournalFs } from './journal-fs.ts'
import { FILE_MODE, FOLDER_MODE, syncFolder, writeAll } from './journal-fs.ts'
import { CHECKPOINTS_FILE, DRAFT_PREFIX, segmentName } from './journal-layout.ts'
import { LiveEpoch } from './live-epoch.ts'
import { ownProcess, saveWriterState } from './liveness.ts'
import type { OpenSegment } from './open-segment.ts'
import { closeQuietly, createSegment, releaseSegment } from './open-segment.ts'

/** What the journal needs of a keyring; `@spanseal/keys` has one. */
export interface JournalKeys {
  readonly issuer: {
    /** The certificate by the tenant key, where there is one. */
    readonly certificate?: string
    readonly certifyEpoch: (claim: {
      readonly vkey: string
      readonly notBefore: string
      readonly notAfter: string
    }) => string
  }
  readonly heads: HeadStore
}

/** The newest checkpoints, kept where those who can write to the journal cannot. */
export interface HeadStore {
  epochs(): readonly string[]
  read(epoch: string): string | undefined
  save(epoch: string, note: string): void
  /** Epochs that a durable observation names in a state that cannot change. */
  settled(): ReadonlySet<string>
  settle(epochs: readonly string[]): void
}

export interface Clock {
  /** Unix milliseconds. */
  readonly wallMillis: () => number
  /** Nanoseconds of a clock that never goes back. */
  readonly monoNanos: () => bigint
}

/** What every epoch of a writer says of it in `epoch.open`. */
export interface EpochProfile {
  readonly service: EpochOpenDetail['service']
  readonly deployment: EpochOpenDetail['deployment']
  readonly audit: EpochOpenDetail['audit']
}

export interface CreateEpochOptions {
  readonly fs: JournalFs
  readonly journal: string
  readonly log: string
  readonly keys: JournalKeys
  readonly profile: EpochProfile
  readonly clock: Clock
  readonly segmentBytesMax: number
  /** How long an epoch lasts at most; its certificate holds as long. */
  readonly epochMillisMax: number
  readonly durable: boolean
  /** At most 64. */
  readonly observed: readonly ObservedEpoch[]
  /** Told as soon as others can see the epoch, whether or not it can be used. */
  readonly onPublished?: (epoch: string) => void
}

export interface CreatedEpoch {
  readonly live: LiveEpoch
  /** The checkpoint at size 1. */
  readonly note: string
}

/** A key certified a moment later than its epoch opens must not look expired. */
const CERTIFICATE_SLACK_MILLIS = 60_000

/**
 * Creates an epoch: a new key, its folder with `epoch.open` and the checkpoint over it. The folder
 * is built as a draft, synced and then renamed, so that no other process ever sees an epoch without
 * its first record; a crash before leaves a draft in which nothing was acknowledged.
 */
export function createEpoch(options: CreateEpochOptions): CreatedEpoch {
  const { fs, journal, log, clock } = options
  const key = Ed25519PrivateKey.generate()
  const wallMillis = clock.wallMillis()
  const originNanos = clock.monoNanos()
  const epoch = epochId(key.publicKey, wallMillis)
  const vkey = formatVkey(`${log}/${epoch}`, key.publicKey)
  const chain = new EpochChain(log, epoch)
  const detail = openDetail(options, vkey, wallMillis)
  const at = new Date(wallMillis).toISOString()
  const line = recordLine(
    { type: 'epoch.open', severity: 'info', detail },
    { log, epoch, seq: 0, prev: chain.prev },
    { at, mono_ns: '0' },
  )
  const frame = chain.frame(line)
  const bytes = frame.bytes.length
  const draft = join(journal, `${DRAFT_PREFIX}${epoch}`)
  const folder = join(journal, epoch)
  const opened: number[] = []
  let segment: OpenSegment | undefined
  let published = false
  const create = (name: string): number => {
    const fd = fs.openSync(join(draft, name), 'ax', FILE_MODE)
    opened.push(fd)
    return fd
  }
  try {
    fs.mkdirSync(draft, FOLDER_MODE)
    saveWriterState(fs, draft, { ...ownProcess(), beat: wallMillis, records: 1, synced: 1 })
    const first = create(segmentName(0))
    writeAll(fs, first, frame.bytes)
    if (options.durable) fs.fdatasyncSync(first)
    chain.advance(frame.leaf)
    const checkpoints = create(CHECKPOINTS_FILE)
    const text = formatCheckpoint({ origin: `${log}/${epoch}`, size: 1, root: chain.root() })
    const note = signNoteSync(text, { vkey, sign: (message) => key.sign(message) })
    writeAll(fs, checkpoints, Buffer.from(`${Buffer.byteLength(note)}\n${note}`))
    const second = segmentName(1)
    segment = createSegment(fs, join(draft, second), join(folder, second))
    if (options.durable) {
      fs.fdatasyncSync(checkpoints)
      syncFolder(fs, draft)
    }
    fs.renameSync(draft, folder)
    published = true
    options.onPublished?.(epoch)
    if (options.durable) syncFolder(fs, journal)
    opened.splice(0, 1)
    fs.closeSync(first)
    const { segmentBytesMax, durable } = options
    const parts = { fs, folder, chain, key, vkey, segment, checkpoints, bytes, originNanos }
    return { live: new LiveEpoch({ ...parts, segmentBytesMax, durable }), note }
  } catch (error) {
    if (segment !== undefined) releaseSegment(fs, segment)
    discard(fs, opened, draft)
    if (published) disown(fs, folder, wallMillis)
    throw error
  }
}

function openDetail(
  { keys, profile, observed, epochMillisMax }: CreateEpochOptions,
  vkey: string,
  wallMillis: number,
): EpochOpenDetail {
  const { issuer } = keys
  const cert = issuer.certifyEpoch({
    vkey,
    notBefore: new Date(wallMillis).toISOString(),
    notAfter: new Date(wallMillis + epochMillisMax + CERTIFICATE_SLACK_MILLIS).toISOString(),
  })
  const certs = issuer.certificate === undefined ? [cert] : [cert, issuer.certificate]
  return { ...profile, key: { certs, vkey }, observed }
}

/** Removes a draft of our own that never became an epoch. */
function discard(fs: JournalFs, fds: readonly number[], draft: string): void {
  for (const fd of fds) closeQuietly(fs, fd)
  try {
    rmSync(draft, { recursive: true, force: true })
  } catch {
    // A draft that stays behind is reported by readers as foreign and harms nothing.
  }
}

/** An epoch that appeared and cannot be used: nobody shall take it for live. */
function disown(fs: JournalFs, folder: string, beat: number): void {
  try {
    const state = { ...ownProcess(), beat, records: 1, synced: 0, ended: 'failed' } as const
    saveWriterState(fs, folder, state)
  } catch {
    // It then counts as live as long as this process runs.
  }
}
