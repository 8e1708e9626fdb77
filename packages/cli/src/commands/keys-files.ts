// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { Note, NoteKey } from '@spanseal/core'
import { AuditError, noteSignedBy, parseCertificate, parseNote } from '@spanseal/core'
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
  const refuse = (cause: NodeJS.ErrnoException): never => {
    const message = `--out: ${path} cannot be written (${cause.code})`
    throw new AuditError('INVALID_OPTION', message, {
      cause,
      details: { option: '--out', file: path },
    })
  }
  if (path === '') throw new AuditError('INVALID_OPTION', '--out: the name is empty')
  if (await publishFile(path, Buffer.from(note)).catch(refuse)) return path
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
  const isRevocation = text.startsWith('spanseal/revoke/')
  const note = signedNote(file, text)
  if (tenants !== undefined && !tenants.some((tenant) => noteSignedBy(note, tenant))) {
    throw new AuditError('INVALID_OPTION', `${file} is not signed by the key of --tenant-vkey`, {
      details: { option: '--tenant-vkey', file },
    })
  }
  if (isRevocation) return keyring.installRevocation(text)
  if (tenants === undefined) assertSameSigner(keyring, file, note)
  return keyring.installCertificate(text)
}

function signedNote(file: string, text: string): Note {
  const refuse = (why: string, cause?: unknown): never => {
    throw new AuditError('MALFORMED_NOTE', `${file} ${why}`, { cause, details: { file } })
  }
  if (text.startsWith('spanseal/cert/') && !text.includes('\n\n— ')) {
    return refuse('is not signed; `spanseal keys certify --request` does that')
  }
  try {
    return parseNote(text)
  } catch (error) {
    return refuse('is neither a certificate nor a revocation with its signature', error)
  }
}

/** Whoever can hand over a file could else take a log away from its tenant key. */
function assertSameSigner(keyring: Keyring, file: string, { signatures, text }: Note): void {
  const { vkey } = parseCertificate(text)
  const before = keyring.issuerVkeys().find((issuer) => issuer.vkey === vkey)?.certificate
  if (before === undefined) return
  const signers = parseNote(before).signatures.map(({ keyId, name }) => `${name}+${keyId}`)
  if (signatures.some(({ keyId, name }) => signers.includes(`${name}+${keyId}`))) return
  throw new AuditError(
    'INVALID_OPTION',
    `${file} is not signed by ${signers.join(', ')}, as the certificate that is there; ` +
      'where another tenant key shall certify this issuer, name it with --tenant-vkey',
    { details: { option: '--tenant-vkey', file } },
  )
}
