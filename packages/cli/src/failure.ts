// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, printable, printableJson } from '@spanseal/core'
import { CommanderError } from 'commander'

/** What went wrong, for a person and for a program. */
export interface Failure {
  readonly code: string
  readonly message: string
}

const WAYS_OUT: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'no permission; run as the user who owns it',
  EPERM: 'not permitted; run as the user who owns it',
  ELOOP: 'a loop of symbolic links; name the folder itself',
  ENOTDIR: 'not a folder',
  EISDIR: 'a folder, where a file was expected',
  EMFILE: 'too many open files; raise `ulimit -n`',
  EEXIST: 'there already; name another one',
  EROFS: 'a file system that can only be read; name another place',
}

/** Of a key that was given where a file or a verifier key belongs: `--key "$(cat tenant.pem)"`. */
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/gs

/** Any error as one, without what is secret in it; never throws. */
export function failureOf(error: unknown): Failure {
  const { code, message } = describe(error)
  return { code, message: message.replace(PRIVATE_KEY, '<private key, not shown>') }
}

function describe(error: unknown): Failure {
  if (error instanceof AuditError) return { code: error.code, message: error.message }
  if (error instanceof CommanderError) {
    return { code: 'INVALID_OPTION', message: oneLine(error.message.replace(/^error: /, '')) }
  }
  if (error instanceof Error) {
    const { code, path } = error as NodeJS.ErrnoException
    const way = WAYS_OUT[code ?? '']
    if (way !== undefined && path !== undefined) {
      return { code: code === 'ENOENT' ? 'NOT_FOUND' : 'UNREADABLE', message: `${path}: ${way}` }
    }
    if (code === 'ENOSPC') return { code: 'DISK_FULL', message: 'no space left on the device' }
    return { code: code ?? 'UNEXPECTED', message: oneLine(error.message) }
  }
  return { code: 'UNEXPECTED', message: oneLine(String(error)) }
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ')
}

/** The one line for stderr. */
export function failureLine({ code, message }: Failure): string {
  return `spanseal: ${code}: ${printable(message)}`
}

/** The same for programs. */
export function failureJson(failure: Failure): string {
  return printableJson({ error: failure })
}
