// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync, statSync, writeFileSync } from 'node:fs'
import type { Encoding } from '@spanseal/core'
import { AuditError } from '@spanseal/core'

/** As large as a vault keeps. */
const VALUE_BYTES_MAX = 64 * 1024 * 1024
const STDIN = 0

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
  return readFileSync(path === '-' ? STDIN : path)
}

function unusable(code: 'INVALID_OPTION' | 'NOT_FOUND', path: string, why: string): AuditError {
  return new AuditError(code, `--value: ${path} ${why}`, {
    details: { option: '--value', file: path },
  })
}

/** Writes what is somebody's content: to a new file for its owner only. */
export function writePrivate(path: string, bytes: string | Uint8Array): void {
  try {
    writeFileSync(path, bytes, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new AuditError('INVALID_OPTION', `--out: ${path} exists already; name another file`, {
      details: { option: '--out', file: path },
    })
  }
}
