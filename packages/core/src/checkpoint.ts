// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from './errors.ts'

/** C2SP tlog-checkpoint: https://c2sp.org/tlog-checkpoint */

/** A signed head: the first `size` records of `origin` have the RFC 6962 root `root`. */
export interface Checkpoint {
  /** `<log>/<epoch>` for an epoch, `<log>` for a tenant log. */
  readonly origin: string
  readonly size: number
  /** 64 hex digits. */
  readonly root: string
}

/** The text that is signed: origin, size, base64 root, each with LF; no extension lines. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const root = Buffer.from(checkpoint.root, 'hex').toString('base64')
  return `${checkpoint.origin}\n${checkpoint.size}\n${root}\n`
}

/**
 * Parses a checkpoint's text.
 *
 * @throws AuditError `MALFORMED_CHECKPOINT` for anything but the one canonical form: three lines, a
 * size without leading zeros that is a safe integer, a root of 32 bytes
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', sizeText = '', rootText = ''] = text.split('\n')
  const checkpoint: Checkpoint = {
    origin,
    size: Number(sizeText),
    root: Buffer.from(rootText, 'base64').toString('hex'),
  }
  const canonical =
    text.length <= 1024 &&
    origin.length > 0 &&
    /^(0|[1-9]\d{0,15})$/.test(sizeText) &&
    Number.isSafeInteger(checkpoint.size) &&
    checkpoint.root.length === 64 &&
    formatCheckpoint(checkpoint) === text
  if (canonical) return checkpoint
  throw new AuditError('MALFORMED_CHECKPOINT', 'not a checkpoint of three canonical lines')
}
