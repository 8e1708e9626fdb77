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
 * @throws the system's error, `ENOENT` for one that was removed
 */
export function openSegment({ path, compressed, firstSeq }: SegmentName): ByteFile {
  if (compressed) return openCompressed(path)
  try {
    return openRegular(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    return openCompressed(join(dirname(path), compressedName(firstSeq)))
  }
}
