// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EpochBytes, SegmentBytes, TenantLogBytes } from '@spanseal/core'
import { isEpochId } from '@spanseal/core'
import type { GivenFile, Ignored } from './given-file.ts'
import { folderOf, nameOf, readBytes } from './given-file.ts'
import { tenantLogOf } from './tenant-log-files.ts'

const SEGMENT = /^(\d{12})\.jsonl$/
const COMPRESSED = /^\d{12}\.jsonl\.zst$/
/** What an epoch's folder may hold besides segments. */
const EPOCH_FILES = new Set(['checkpoints', 'stub', 'writer.json', 'writer.json.tmp', 'leaves'])
/** What an export lays beside the evidence. */
const EXPORT_FILES = new Set(['README.txt', 'SHA256SUMS', 'verify.mjs', 'verify.html', 'heads.txt'])
/** Says that records were delivered and removed; never believed, only told of. */
const MARKER = /^delivered-(\d{1,16})\.json$/
const STUB_BYTES_MAX = 1024 * 1024
const MARKER_BYTES_MAX = 64 * 1024
/** A bundle is canonical JSON: this key comes first. */
const BUNDLE_START = '{"bundle":"spanseal/bundle/'

/** What files turn out to be. */
export interface Evidence {
  /** Oldest first within a folder. */
  readonly epochs: readonly EpochBytes[]
  readonly bundles: readonly GivenFile[]
  readonly tenantLogs: readonly TenantLogBytes[]
  readonly ignored: readonly Ignored[]
  /** Of all segments. */
  readonly segmentBytes: number
}

interface EpochFiles {
  readonly segments: Map<number, GivenFile>
  checkpoints?: GivenFile
  stub?: GivenFile
  /** That of the greatest size. */
  marker?: GivenFile
}

/**
 * Tells journals, tenant logs and proof bundles apart, by the names that `spec/` gives them and, for
 * bundles, by how they begin. A file that was named itself, and is nothing else, counts as a bundle.
 */
export async function evidenceIn(files: readonly GivenFile[]): Promise<Evidence> {
  const logs = new Set(files.filter(isLogCheckpoint(files)).map(({ path }) => folderOf(path)))
  const ignored: Ignored[] = []
  const bundles: GivenFile[] = []
  const epochs = new Map<string, EpochFiles>()
  const rest: GivenFile[] = []
  for (const file of files) {
    if (isWithin(file.path, logs)) continue
    if (!takeSegment(file, epochs)) rest.push(file)
  }
  for (const file of rest) {
    if (takeEpochFile(file, epochs)) continue
    if (await isBundle(file)) bundles.push(file)
    else if (!EXPORT_FILES.has(nameOf(file.path))) ignored.push(reasonFor(file.path))
  }
  const sorted = [...epochs].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    epochs: sorted.map(([path, each]) => epochOf(path, each)),
    bundles,
    tenantLogs: [...logs].map((folder) => tenantLogOf(folder, files)),
    ignored,
    segmentBytes: sorted
      .flatMap(([, { segments }]) => [...segments.values()])
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }
}

/** The `checkpoint` of a folder that also has tiles. */
function isLogCheckpoint(files: readonly GivenFile[]): (file: GivenFile) => boolean {
  const tiled = new Set<string>()
  for (const { path } of files) {
    const at = path.startsWith('tile/') ? 0 : path.indexOf('/tile/')
    if (at >= 0) tiled.add(path.slice(0, at))
  }
  return ({ path }) => nameOf(path) === 'checkpoint' && tiled.has(folderOf(path))
}

function isWithin(path: string, folders: ReadonlySet<string>): boolean {
  for (const folder of folders) {
    if (folder === '' || path.startsWith(`${folder}/`)) return true
  }
  return false
}

function takeSegment(file: GivenFile, epochs: Map<string, EpochFiles>): boolean {
  const [, digits] = SEGMENT.exec(nameOf(file.path)) ?? []
  if (digits === undefined) return false
  filesOf(folderOf(file.path), epochs).segments.set(Number(digits), file)
  return true
}

/** Checkpoints of an epoch all of whose segments are gone are still its own. */
function takeEpochFile(file: GivenFile, epochs: Map<string, EpochFiles>): boolean {
  const folder = folderOf(file.path)
  const name = nameOf(file.path)
  const isKnown = EPOCH_FILES.has(name) || MARKER.test(name)
  if (!isKnown || !(epochs.has(folder) || isEpochId(nameOf(folder)))) return false
  const epoch = filesOf(folder, epochs)
  if (name === 'checkpoints') epoch.checkpoints = file
  if (name === 'stub') epoch.stub = file
  if (markerSize(file) > markerSize(epoch.marker)) epoch.marker = file
  return true
}

function markerSize(file: GivenFile | undefined): number {
  return Number(MARKER.exec(nameOf(file?.path ?? ''))?.[1] ?? 0)
}

function filesOf(folder: string, epochs: Map<string, EpochFiles>): EpochFiles {
  const known = epochs.get(folder) ?? { segments: new Map<number, GivenFile>() }
  epochs.set(folder, known)
  return known
}

async function isBundle(file: GivenFile): Promise<boolean> {
  if (file.chosen && !EXPORT_FILES.has(nameOf(file.path))) return true
  const start = await readBytes(file, BUNDLE_START.length)
  return Buffer.from(start).toString('latin1') === BUNDLE_START
}

function reasonFor(path: string): Ignored {
  if (COMPRESSED.test(nameOf(path))) {
    return { path, reason: 'a compressed segment: spanseal export lays out what it holds' }
  }
  const draft = path.split('/').some((name) => name.startsWith('.new-'))
  return { path, reason: draft ? 'of an epoch that never opened' : 'no part of a journal' }
}

function epochOf(path: string, files: EpochFiles): EpochBytes {
  const { segments, checkpoints, marker, stub } = files
  const id = nameOf(path)
  const ordered = [...segments].sort(([a], [b]) => a - b)
  return {
    name: path === '' ? (ordered[0]?.[1].path ?? path) : path,
    ...(isEpochId(id) ? { epoch: id } : {}),
    segments: () => values(ordered.map(([firstSeq, file]) => segmentOf(firstSeq, file))),
    // What was written after the list was made may cover records that are not in it.
    checkpoints: (fromByte) =>
      checkpoints?.chunks(fromByte, checkpoints.sizeBytes) ?? values<Uint8Array>([]),
    ...(stub === undefined ? {} : { stub: () => textOf(stub, STUB_BYTES_MAX) }),
    ...(marker === undefined ? {} : { delivered: () => textOf(marker, MARKER_BYTES_MAX) }),
  }
}

async function textOf(file: GivenFile, bytesMax: number): Promise<string> {
  return Buffer.from(await readBytes(file, bytesMax)).toString('utf8')
}

function segmentOf(firstSeq: number, file: GivenFile): SegmentBytes {
  return { file: file.path, firstSeq, chunks: (fromByte) => file.chunks(fromByte) }
}

async function* values<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
