// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { Checkpoint, HeadFile, NoteKey } from '@spanseal/core'
import {
  AuditError,
  notesIn,
  parseHeadFile,
  parseHeadLine,
  parseHeadLines,
  parseVkey,
} from '@spanseal/core'

/** Keys and heads are short; what is longer is another file. */
const BYTES_MAX = 1024 * 1024
/** Of each epoch a head file has some hundred bytes, and each call under way. */
const HEAD_FILE_BYTES_MAX = 256 * BYTES_MAX
/** `<origin> <size> <base64 root>`; a path of that form is not expected. */
const HEAD_LINE = /^\S+ \d+ [A-Za-z0-9+/]{43}=$/

/** `<name>+<8 hex digits>+<base64>`; a path of that form is not expected. */
const VKEY = /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/

const NO_KEY = 'is neither a verifier key, <name>+<8 hex digits>+<base64>, nor a file'

/** What is said of a value that is no file, where it need not be one. */
const WHAT_ELSE: Readonly<Record<string, string>> = {
  '--key': NO_KEY,
  '--issuer-key': NO_KEY,
  '--tenant-vkey': NO_KEY,
  '--head': 'is neither a head line, <origin> <size> <base64 root>, nor a file',
}

/**
 * The keys that `--key` gives, or another option: one verifier key, or a file with one a line (empty lines and lines
 * that begin with `#` say nothing).
 *
 * @throws AuditError `MALFORMED_KEY`, `NOT_FOUND`, `INVALID_OPTION`
 */
export function keysGiven(values: readonly string[], option: string = '--key'): NoteKey[] {
  return values.flatMap((value) => {
    if (VKEY.test(value)) return [parseVkey(value)]
    const keys = keyLines(readShortFile(option, value))
    for (const { line, number, text } of keys) {
      // What is in a file is not shown: it may be one that was not meant.
      if (!VKEY.test(line)) throw noVerifierKey({ option, file: value }, `in line ${number}`, text)
    }
    if (keys.length > 0) return keys.map(({ line }) => parseVkey(line))
    throw noVerifierKey({ option, file: value }, 'in it', '')
  })
}

interface KeyLine {
  readonly line: string
  readonly number: number
  /** Of the whole file. */
  readonly text: string
}

function keyLines(text: string): KeyLine[] {
  const lines = text.split(/\r?\n/).map((line, i) => ({ line: line.trim(), number: i + 1, text }))
  return lines.filter(({ line }) => !/^(#|$)/.test(line))
}

function noVerifierKey(
  details: { readonly option: string; readonly file: string },
  where: string,
  text: string,
): AuditError {
  const { file, option } = details
  const isPrivate = text.includes('PRIVATE KEY')
  const what = isPrivate
    ? 'is a private key, which stays with its owner; its verifier key is what `spanseal keys show <file> --vkey` prints'
    : `has no verifier key ${where}; expected <name>+<8 hex digits>+<base64>`
  return new AuditError('MALFORMED_KEY', `${option}: ${file} ${what}`, { details })
}

/**
 * The heads that `--head` gives: a head line, or a file of head lines or of signed notes. Of notes a
 * file may hold several, one behind the other, each with its length before it as the journal keeps
 * them, or with empty lines between.
 *
 * @throws AuditError `MALFORMED_NOTE`, `MALFORMED_HEAD`, `NOT_FOUND`, `INVALID_OPTION`
 */
export function headsGiven(values: readonly string[]): (string | Checkpoint)[] {
  return values.flatMap((value): (string | Checkpoint)[] => {
    if (HEAD_LINE.test(value)) return [parseHeadLine(value)]
    const text = readShortFile('--head', value)
    const first = text.split(/\r?\n/).find((line) => line.trim() !== '' && !line.startsWith('#'))
    if (first !== undefined && HEAD_LINE.test(first)) return parseHeadLines(text)
    const notes = notesOf(text, { option: '--head', file: value })
    if (notes.length > 0) return notes
    throw new AuditError(
      'MALFORMED_NOTE',
      `--head: ${value} holds no head line and no signed note`,
      {
        details: { option: '--head', file: value },
      },
    )
  })
}

/**
 * The head file that `--since` names.
 *
 * @throws AuditError `MALFORMED_HEAD`, `NOT_FOUND`, `INVALID_OPTION`
 */
export function headFileGiven(path: string): HeadFile {
  const text = readShortFile('--since', path, HEAD_FILE_BYTES_MAX)
  try {
    return parseHeadFile(text)
  } catch (cause) {
    if (!(cause instanceof AuditError)) throw cause
    const message = `--since: ${path} is ${cause.message}`
    throw new AuditError(cause.code, message, { cause, details: { option: '--since', file: path } })
  }
}

/**
 * The revocations of the files that `--revocation` names.
 *
 * @throws AuditError `MALFORMED_NOTE`, `NOT_FOUND`, `INVALID_OPTION`
 */
export function revocationsGiven(files: readonly string[]): string[] {
  return files.flatMap((file) => {
    const option = '--revocation'
    const notes = notesOf(readShortFile(option, file), { option, file })
    if (notes.length > 0) return notes
    throw new AuditError('MALFORMED_NOTE', `--revocation: ${file} holds no signed note`, {
      details: { option: '--revocation', file },
    })
  })
}

/**
 * The texts of the files that `--tsa` names.
 *
 * @throws AuditError `NOT_FOUND`, `INVALID_OPTION`, `MALFORMED_CERTIFICATE`
 */
export function certificatesGiven(files: readonly string[]): string[] {
  return files.map((file) => {
    const text = readShortFile('--tsa', file)
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text
    throw new AuditError('MALFORMED_CERTIFICATE', `--tsa: ${file} holds no PEM certificate`, {
      details: { option: '--tsa', file },
    })
  })
}

function notesOf(
  text: string,
  details: { readonly option: string; readonly file: string },
): string[] {
  try {
    return notesIn(text)
  } catch (cause) {
    if (!(cause instanceof AuditError)) throw cause
    const message = `${details.option}: ${details.file}: ${cause.message}`
    throw new AuditError(cause.code, message, { cause, details })
  }
}

/**
 * A file as text, of 1 MiB at most unless more is allowed.
 *
 * @throws AuditError `NOT_FOUND`, `INVALID_OPTION`
 */
export function readShortFile(option: string, path: string, bytesMax: number = BYTES_MAX): string {
  const refuse = (code: 'NOT_FOUND' | 'INVALID_OPTION', why: string, cause?: unknown): never => {
    throw new AuditError(code, `${option}: ${path} ${why}`, {
      cause,
      details: { option, file: path },
    })
  }
  let fd: number
  try {
    // A named pipe is read as far as it goes and not waited for.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return refuse('NOT_FOUND', WHAT_ELSE[option] ?? 'does not exist', error)
    return refuse('INVALID_OPTION', `cannot be read (${code})`, error)
  }
  try {
    if (!fstatSync(fd).isFile()) return refuse('INVALID_OPTION', 'is no regular file')
    const { size } = fstatSync(fd)
    const buffer = Buffer.alloc(Math.min(size, bytesMax) + 1)
    let length = 0
    for (let more = -1; more !== 0 && length < buffer.length; length += more) {
      more = readSync(fd, buffer, length, buffer.length - length, length)
    }
    if (length > bytesMax) return refuse('INVALID_OPTION', `has over ${bytesMax / BYTES_MAX} MiB`)
    return buffer.toString('utf8', 0, length)
  } finally {
    closeSync(fd)
  }
}
