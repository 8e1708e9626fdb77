// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { EpochBytes, SegmentBytes } from '@spanseal/core'
import { formatBytes, isEpochId } from '@spanseal/core'
import { listSegments, openSegment } from '@spanseal/journal'
import type { Terminal } from './terminal.ts'

/** Told of the work as it goes on. */
export interface Progress {
  readonly bytes: number
  readonly millis: number
  /** So many bytes are done by now. */
  reach(bytes: number): void
}

/** Shows a status line with rate, and percentage where the total is known. */
export function progressOf(doing: string, totalBytes: number, terminal: Terminal): Progress {
  const begin = performance.now()
  let bytes = 0
  return {
    get bytes(): number {
      return bytes
    },
    get millis(): number {
      return performance.now() - begin
    },
    reach(done) {
      bytes = done
      terminal.status(() => {
        const rate = `${formatBytes((bytes / Math.max(1, performance.now() - begin)) * 1_000)}/s`
        if (totalBytes < bytes) return `${doing} ${formatBytes(bytes)}, ${rate}`
        const percent = Math.floor((bytes / totalBytes) * 100)
        return `${doing} ${percent} % of ${formatBytes(totalBytes)}, ${rate}`
      })
    },
  }
}

/** The bytes of all segments that journals hold, as far as that can be seen; never throws. */
export function journalBytes(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + bytesIn(path), 0)
}

function bytesIn(path: string): number {
  try {
    if (statSync(path).isFile()) return statSync(path).size
    const epochs = readdirSync(path).filter(isEpochId)
    const folders = [path, ...epochs.map((epoch) => join(path, epoch))]
    return folders.reduce((sum, folder) => sum + segmentBytes(folder), 0)
  } catch {
    return 0
  }
}

/** Bytes of records, in however few they lie there. */
function segmentBytes(folder: string): number {
  let bytes = 0
  for (const segment of listSegments(folder)) {
    try {
      const file = openSegment(segment, false)
      bytes += file.size
      file.close()
    } catch {
      // Told when it is read.
    }
  }
  return bytes
}

/** The same epochs, telling `progress` of each run of bytes that is read. */
export async function* countBytes(
  epochs: AsyncIterable<EpochBytes>,
  progress: Progress,
): AsyncGenerator<EpochBytes> {
  for await (const epoch of epochs) {
    yield {
      name: epoch.name,
      ...(epoch.epoch === undefined ? {} : { epoch: epoch.epoch }),
      checkpoints: () => epoch.checkpoints(),
      segments: () => countSegments(epoch.segments(), progress),
    }
  }
}

async function* countSegments(
  segments: AsyncIterable<SegmentBytes>,
  progress: Progress,
): AsyncGenerator<SegmentBytes> {
  for await (const segment of segments) {
    yield {
      file: segment.file,
      ...(segment.firstSeq === undefined ? {} : { firstSeq: segment.firstSeq }),
      chunks: () => countChunks(segment.chunks(), progress),
    }
  }
}

async function* countChunks(
  chunks: AsyncIterable<Uint8Array>,
  progress: Progress,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    progress.reach(progress.bytes + chunk.length)
    yield chunk
  }
}
