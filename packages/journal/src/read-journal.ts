// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { EpochBytes, SegmentBytes } from '@spanseal/core'
import { AuditError, isEpochId } from '@spanseal/core'
import type { ByteFile } from './byte-file.ts'
import { readRange } from './byte-file.ts'
import { errnoOf } from './journal-fs.ts'
import type { SegmentName } from './journal-layout.ts'
import {
  CHECKPOINTS_FILE,
  CURSORS_FOLDER,
  compressedName,
  DRAFT_PREFIX,
  firstSeqOf,
  gapClaimOf,
  isSpoolDraft,
  markerSizeOf,
  RESTORE_LOCK,
  segmentsAmong,
  WRITER_FILE,
} from './journal-layout.ts'
import { openCompressed } from './spool/compressed-file.ts'
import { newestMarkerText } from './spool/delivered-marker.ts'

const CHUNK_BYTES = 256 * 1024
const STUB_FILE = 'stub'
const COMPRESSED_END = '.jsonl.zst'
/** What an epoch folder may hold besides segments. */
const EPOCH_FILES = new Set([
  CHECKPOINTS_FILE,
  WRITER_FILE,
  `${WRITER_FILE}.tmp`,
  'leaves',
  STUB_FILE,
])
/** What belongs to a journal and holds no records. */
const BESIDE_EPOCHS = new Set([CURSORS_FOLDER, RESTORE_LOCK])

/** Two notes and their lengths; what is longer is no stub, and is cut so that it stays none. */
const STUB_BYTES_MAX = 2 * 65_536 + 64

export interface ReadJournalOptions {
  /** Told of everything that lies in the folder and is not read, with the reason. */
  readonly onIgnored?: (path: string, reason: string) => void
}

/**
 * The epochs of journals, epoch folders or single files, oldest first within a folder, each read in
 * pieces when it is asked for. The list is taken when the iteration begins, and of each epoch no
 * checkpoint is shown that was written after the list: so a journal that is being written to never
 * looks shorter than its own checkpoints and observations say. What is named twice is read once.
 *
 * @throws AuditError `NOT_FOUND` when there is nothing at a path
 * @throws AuditError `JOURNAL_UNUSABLE` when it, or a segment in it, is a named pipe, a device or a
 * loop of links, or cannot be read
 */
export async function* readJournal(
  paths: string | readonly string[],
  options: ReadJournalOptions = {},
): AsyncGenerator<EpochBytes> {
  const ignored = options.onIgnored ?? ((): void => {})
  const taken = new Set<string>()
  for (const path of typeof paths === 'string' ? [paths] : paths) {
    for (const { real, bytes } of await epochsAt(path, ignored)) {
      if (taken.has(real)) ignored(bytes.name, 'named before, be it by another name')
      else yield bytes
      taken.add(real)
    }
  }
}

/** An epoch, and where it really lies: one that is named twice is read once. */
interface FoundEpoch {
  readonly real: string
  readonly bytes: EpochBytes
}

interface ByteRange {
  readonly fromByte: number | undefined
  readonly endByte?: number
}

type Ignored = NonNullable<ReadJournalOptions['onIgnored']>

async function epochsAt(path: string, ignored: Ignored): Promise<FoundEpoch[]> {
  const what = await statOf(path)
  if (what.isFile()) return [await found(fileEpoch(path))]
  if (!what.isDirectory()) throw unreadable(path, 'is neither a folder nor a regular file')
  const names = await namesIn(path)
  const isEpoch = isEpochId(basename(path)) || names.some((name) => firstSeqOf(name) !== undefined)
  if (isEpoch) return [await found(await folderEpoch(path, ignored))]
  const epochs: FoundEpoch[] = []
  for (const name of names) {
    const inner = join(path, name)
    if (isEpochId(name) && (await isFolder(inner))) {
      epochs.push(await found(await folderEpoch(inner, ignored)))
    } else if (isEpochId(name)) ignored(inner, 'named as an epoch, but no folder')
    else if (name.startsWith(DRAFT_PREFIX)) ignored(inner, 'an epoch that never opened')
    else if (!BESIDE_EPOCHS.has(name)) ignored(inner, 'no part of a journal')
  }
  return epochs
}

async function found(bytes: EpochBytes): Promise<FoundEpoch> {
  try {
    return { real: await realpath(bytes.name), bytes }
  } catch (error) {
    throw asUnreadable(bytes.name, error)
  }
}

function fileEpoch(path: string): EpochBytes {
  const firstSeq = firstSeqOf(basename(path))
  const segment: SegmentBytes = {
    file: path,
    ...(firstSeq === undefined ? {} : { firstSeq }),
    chunks: (fromByte) =>
      path.endsWith(COMPRESSED_END)
        ? compressedChunks(path, fromByte)
        : chunksOf(path, { fromByte }),
  }
  return {
    name: path,
    segments: () => values([segment]),
    checkpoints: () => values<Uint8Array>([]),
  }
}

async function folderEpoch(folder: string, ignored: Ignored): Promise<EpochBytes> {
  const id = basename(folder)
  const checkpoints = join(folder, CHECKPOINTS_FILE)
  const checkpointBytes = await sizeOf(checkpoints)
  return {
    name: folder,
    ...(isEpochId(id) ? { epoch: id } : {}),
    segments: () => segmentsOf(folder, ignored),
    checkpoints: (fromByte) =>
      checkpointBytes === 0
        ? values([])
        : chunksOf(checkpoints, { fromByte, endByte: checkpointBytes }),
    stub: () => stubOf(join(folder, STUB_FILE)),
    delivered: () => markerOf(folder),
  }
}

async function* segmentsOf(folder: string, ignored: Ignored): AsyncGenerator<SegmentBytes> {
  const names = await namesIn(folder)
  for (const name of names) {
    const isNote = markerSizeOf(name) !== undefined || gapClaimOf(name) !== undefined
    const isKnown = EPOCH_FILES.has(name) || isSpoolDraft(name) || isNote
    if (!isKnown && firstSeqOf(name) === undefined) {
      ignored(join(folder, name), 'no part of an epoch')
    }
  }
  for (const segment of segmentsAmong(names, folder)) {
    const { firstSeq, path: file } = segment
    yield { file, firstSeq, chunks: (fromByte) => segmentChunks(segment, fromByte) }
  }
}

/**
 * A segment's bytes, in whichever form it lies there by now. One that was removed since it was listed
 * has none: its records are missing, as they are for whoever lists them later.
 */
async function* segmentChunks(
  { compressed, firstSeq, path }: SegmentName,
  fromByte: number | undefined,
): AsyncGenerator<Uint8Array> {
  let plain: FileHandle | undefined
  try {
    if (!compressed) plain = await openRegularFile(path)
  } catch (error) {
    if (!(error instanceof AuditError && error.code === 'NOT_FOUND')) throw error
  }
  if (plain !== undefined) {
    yield* handleChunks(plain, path, { fromByte })
    return
  }
  try {
    yield* compressedChunks(join(dirname(path), compressedName(firstSeq)), fromByte)
  } catch (error) {
    if (!(error instanceof AuditError && error.code === 'NOT_FOUND')) throw error
  }
}

/** The bytes of a compressed segment as they were, up to where it is damaged. */
async function* compressedChunks(path: string, fromByte = 0): AsyncGenerator<Uint8Array> {
  let file: ByteFile
  try {
    file = openCompressed(path)
  } catch (error) {
    throw errnoOf(error) === undefined
      ? unreadable(path, 'is not a regular file', error)
      : asUnreadable(path, error)
  }
  try {
    for (let position = fromByte; position < file.size; ) {
      const chunk = readRange(file, position, Math.min(CHUNK_BYTES, file.size - position))
      if (chunk.length === 0) break
      position += chunk.length
      yield chunk
    }
    if (file.damage !== undefined) throw unreadable(path, `is damaged (${file.damage})`)
  } catch (error) {
    throw asUnreadable(path, error)
  } finally {
    file.close()
  }
}

/** What is claimed of records that were removed; nothing where it cannot be read. */
async function markerOf(folder: string): Promise<string | undefined> {
  try {
    return newestMarkerText(folder)
  } catch {
    return undefined
  }
}

/** The stub's text, as far as one can be long; undefined where there is none. */
async function stubOf(path: string): Promise<string | undefined> {
  if (!(await exists(path))) return undefined
  const chunks: Uint8Array[] = []
  for await (const chunk of chunksOf(path, { fromByte: 0, endByte: STUB_BYTES_MAX })) {
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** A file's bytes; each chunk is the reader's to keep. */
async function* chunksOf(path: string, range: ByteRange): AsyncGenerator<Uint8Array> {
  yield* handleChunks(await openRegularFile(path), path, range)
}

/** The same of an open file, which is closed in the end. */
async function* handleChunks(
  handle: FileHandle,
  path: string,
  { fromByte = 0, endByte = Number.MAX_SAFE_INTEGER }: ByteRange,
): AsyncGenerator<Uint8Array> {
  try {
    for (let position = fromByte; position < endByte; ) {
      const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, endByte - position))
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, position)
      if (bytesRead === 0) return
      position += bytesRead
      yield chunk.subarray(0, bytesRead)
    }
  } catch (error) {
    throw asUnreadable(path, error)
  } finally {
    await handle.close()
  }
}

async function openRegularFile(path: string): Promise<FileHandle> {
  let handle: FileHandle
  try {
    // O_NONBLOCK: opening a named pipe must not wait for its other end.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw asUnreadable(path, error)
  }
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw unreadable(path, 'is not a regular file')
}

async function* values<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    throw asUnreadable(folder, error)
  }
}

async function statOf(path: string): ReturnType<typeof stat> {
  try {
    return await stat(path)
  } catch (error) {
    throw asUnreadable(path, error)
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw asUnreadable(path, error)
  }
}

/** 0 where there is no such file. */
async function sizeOf(path: string): Promise<number> {
  try {
    const found = await stat(path)
    return found.isFile() ? found.size : 0
  } catch {
    return 0
  }
}

function asUnreadable(path: string, cause: unknown): AuditError {
  if (cause instanceof AuditError) return cause
  const code = errnoOf(cause)
  if (code === 'ENOENT') {
    return new AuditError('NOT_FOUND', `${path}: there is nothing there`, {
      cause,
      details: { file: path },
    })
  }
  const why =
    code === 'ELOOP' ? 'is a loop of symbolic links' : `cannot be read (${code ?? 'unknown'})`
  return unreadable(path, why, cause)
}

function unreadable(path: string, why: string, cause?: unknown): AuditError {
  return new AuditError('JOURNAL_UNUSABLE', `${path} ${why}`, { cause, details: { file: path } })
}
