// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** A file of what is to be checked, wherever it lies: on a disk, or chosen in a page. */
export interface GivenFile {
  /** Named in findings; with `/` between folders. */
  readonly path: string
  readonly sizeBytes: number
  /** Named by the examiner itself, not found in a folder. */
  readonly chosen: boolean
  /** The bytes from `fromByte` (default 0) to before `toByte` (default: the end), in pieces. */
  chunks(fromByte?: number, toByte?: number): AsyncIterable<Uint8Array>
}

/** What was left out, and why. */
export interface Ignored {
  readonly path: string
  readonly reason: string
}

export function folderOf(path: string): string {
  const at = path.lastIndexOf('/')
  return at < 0 ? '' : path.slice(0, at)
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/**
 * The first `bytesMax` bytes of a file; a file that is longer is not read to its end.
 */
export async function readBytes(file: GivenFile, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of file.chunks(0, bytesMax)) parts.push(chunk)
  return Buffer.concat(parts)
}
