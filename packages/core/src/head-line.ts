// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint } from './checkpoint.ts'
import { parseCheckpoint } from './checkpoint.ts'
import { AuditError } from './errors.ts'

/**
 * A head in one line, `<origin> <size> <base64 root>`: what an auditor keeps, or prints on a report.
 * Nothing signs it; it is worth as much as the place where it is kept.
 */
export function formatHeadLine({ origin, size, root }: Checkpoint): string {
  return `${origin} ${size} ${Buffer.from(root, 'hex').toString('base64')}`
}

/**
 * Parses a head line, without a line break.
 *
 * @throws AuditError `MALFORMED_HEAD` for anything but the one canonical form
 */
export function parseHeadLine(line: string): Checkpoint {
  try {
    const parts = line.length <= 1024 ? line.split(' ') : []
    if (parts.length === 3 && !line.includes('\n')) return parseCheckpoint(`${parts.join('\n')}\n`)
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
  }
  throw new AuditError(
    'MALFORMED_HEAD',
    `not a head line: ${JSON.stringify(line.slice(0, 120))}; expected <origin> <size> <base64 root>`,
  )
}
