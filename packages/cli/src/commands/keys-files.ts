// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { NoteKey } from '@spanseal/core'
import { AuditError, noteSignedBy, parseNote } from '@spanseal/core'
import type { IssuerKey, Keyring } from '@spanseal/keys'
import { publishFile } from './timestamp-files.ts'

/** Requests, certificates and revocations: public, short, text. */
const BYTES_MAX = 65_536

/**
 * @throws AuditError `NOT_FOUND`, `INVALID_OPTION` where it is no short regular file
 */
export function readPublicText(option: string, path: string): string {
  const refuse = (code: 'NOT_FOUND' | 'INVALID_OPTION', why: string): never => {
    throw new AuditError(code, `${option}: ${path} ${why}`, { details: { option, file: path } })
  }
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return refuse('NOT_FOUND', 'does not exist')
    return refuse('INVALID_OPTION', `cannot be read (${code})`)
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) return refuse('INVALID_OPTION', 'is no regular file')
    if (stat.size > BYTES_MAX) return refuse('INVALID_OPTION', 'is over 64 KiB')
    const bytes = Buffer.alloc(stat.size)
    const text = bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0))
    if (!text.includes('PRIVATE KEY')) return text
    return refuse('INVALID_OPTION', 'is a private key; it stays where it is')
  } finally {
    closeSync(fd)
  }
}

/** Writes a signed note to a new file, and returns its name. */
export async function publishNote(path: string, note: string): Promise<string> {
  if (await publishFile(path, Buffer.from(note))) return path
  throw new AuditError('INVALID_OPTION', `--out: ${path} exists; name another file`, {
    details: { option: '--out', file: path },
  })
}

/** Puts a certificate or a revocation from a file into a keyring. */
export function installNote(
  keyring: Keyring,
  file: string,
  tenants: readonly NoteKey[] | undefined,
): IssuerKey {
  const text = readPublicText('install', file)
  const note = parseNote(text)
  if (tenants !== undefined && !tenants.some((tenant) => noteSignedBy(note, tenant))) {
    throw new AuditError('INVALID_OPTION', `${file} is not signed by the key of --tenant-vkey`, {
      details: { option: '--tenant-vkey', file },
    })
  }
  return text.startsWith('spanseal/revoke/')
    ? keyring.installRevocation(text)
    : keyring.installCertificate(text)
}
