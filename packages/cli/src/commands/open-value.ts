// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  closeSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import type { Encoding } from '@spanseal/core'
import { AuditError } from '@spanseal/core'

/** As large as a vault keeps. */
const VALUE_BYTES_MAX = 64 * 1024 * 1024
const STDIN = 0
const STDIN_PAUSE_MILLIS = 5
const CHUNK_BYTES = 65_536

export const ENCODINGS: readonly Encoding[] = [
  'bytes',
  'text',
  'json',
  'typed/1',
  'items/1',
  'args/1',
]

/** Checks the name of an encoding; for use as commander's parser of an option. */
export function encodingOption(text: string): Encoding {
  const found = ENCODINGS.find((enc) => enc === text)
  if (found !== undefined) return found
  throw new AuditError(
    'INVALID_OPTION',
    `--enc: ${JSON.stringify(text.slice(0, 40))} is no encoding; give one of ${ENCODINGS.join(' ')}`,
    { details: { option: '--enc' } },
  )
}

/** The bytes of a file, or of standard input for `-`. */
export function readValue(path: string): Buffer {
  if (path !== '-') {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined) throw unusable('NOT_FOUND', path, 'does not exist')
    if (!found.isFile()) throw unusable('INVALID_OPTION', path, 'is no regular file')
    if (found.size > VALUE_BYTES_MAX) throw unusable('INVALID_OPTION', path, 'has over 64 MiB')
  }
  return path === '-' ? readStdin() : readFileSync(path)
}

/** A pipe may be one that does not wait; then this does. */
function readStdin(): Buffer {
  const chunks: Buffer[] = []
  let length = 0
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    const more = readSome(chunk)
    if (more === 0) return Buffer.concat(chunks, length)
    length += more
    if (length > VALUE_BYTES_MAX)
      throw unusable('INVALID_OPTION', 'standard input', 'has over 64 MiB')
    chunks.push(chunk.subarray(0, more))
  }
}

function readSome(chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(STDIN, chunk)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EOF') return 0
      if (code !== 'EAGAIN')
        throw unusable('INVALID_OPTION', 'standard input', `cannot be read (${code})`)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STDIN_PAUSE_MILLIS)
    }
  }
}

function unusable(code: 'INVALID_OPTION' | 'NOT_FOUND', path: string, why: string): AuditError {
  return new AuditError(code, `--value: ${path} ${why}`, {
    details: { option: '--value', file: path },
  })
}

/**
 * Writes what is somebody's content: to a new file for its owner only, whole or not at all.
 *
 * @throws AuditError `INVALID_OPTION`
 */
export function writePrivate(path: string, bytes: string | Uint8Array): void {
  const refused = (why: string, cause: unknown): AuditError =>
    new AuditError('INVALID_OPTION', `--out: ${path === '' ? 'the name' : path} ${why}`, {
      cause,
      details: { option: '--out', file: path },
    })
  let fd: number
  try {
    fd = openSync(path, 'wx', 0o600)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw refused('exists already; name another file', error)
    if (code !== 'ENOENT') throw refused(`cannot be made (${code})`, error)
    throw refused(path === '' ? 'is empty' : 'cannot be made: its folder does not exist', error)
  }
  try {
    writeFileSync(fd, bytes)
  } catch (error) {
    rmSync(path, { force: true })
    throw refused(`cannot be written (${(error as NodeJS.ErrnoException).code})`, error)
  } finally {
    closeSync(fd)
  }
}
