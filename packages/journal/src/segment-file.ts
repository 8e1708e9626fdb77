// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { dirname, join } from 'node:path'
import type { ByteFile } from './byte-file.ts'
import { openRegular } from './byte-file.ts'
import { errnoOf } from './journal-fs.ts'
import type { SegmentName } from './journal-layout.ts'
import { compressedName } from './journal-layout.ts'
import { openCompressed } from './spool/compressed-file.ts'

/**
 * Opens a segment in whichever form it lies there: one that was compressed since it was listed is
 * found all the same, because the compressed file appears before the plain one goes.
 *
 * @param links whether a symbolic link in the place of a plain one is followed; default true
 * @throws the system's error, `ENOENT` for one that was removed
 */
export function openSegment(segment: SegmentName, links = true): ByteFile {
  const { path, compressed, firstSeq } = segment
  if (compressed) return openCompressed(path)
  try {
    return openRegular(path, links)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    return openCompressed(join(dirname(path), compressedName(firstSeq)))
  }
}
