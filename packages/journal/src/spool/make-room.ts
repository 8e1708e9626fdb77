// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { SpoolFs } from './spool-fs.ts'

export interface MakeRoomOptions {
  /** As in `tendSpool`. */
  readonly sinks: readonly string[]
  /** Bytes to free on disk, if there is so much that was delivered. */
  readonly bytesWanted: number
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number
  /** Default: `node:fs`. */
  readonly fs?: SpoolFs
}

/**
 * Removes delivered segments, whatever their age, oldest epoch first, until `bytesWanted` are free
 * or there are no more. Synchronous, for a writer whose budget is used up; never throws.
 *
 * @returns how many bytes were freed; 0 where `sinks` is empty
 */
export function makeRoom(_journal: string, _options: MakeRoomOptions): number {
  throw new Error('unwritten')
}
