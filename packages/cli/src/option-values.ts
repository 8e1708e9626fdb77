// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError } from '@spanseal/core'

/** Checks a whole number given on the command line; for use as commander's parser of an option. */
export function wholeNumber(option: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new AuditError(
      'INVALID_OPTION',
      `${option}: ${JSON.stringify(text)} is not usable; give a whole number from ${min} to ${max}`,
      { details: { option } },
    )
  }
}

const UNIT_MILLIS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const DAYS_MAX = 36_500

/** Checks a length of time given as `90s`, `15m`, `12h` or `7d`; the parser gives milliseconds. */
export function duration(option: string): (text: string) => number {
  return (text) => {
    const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
    const millis = Number(count) * (UNIT_MILLIS[unit] ?? Number.NaN)
    if (millis <= DAYS_MAX * 86_400_000) return millis
    throw new AuditError(
      'INVALID_OPTION',
      `${option}: ${JSON.stringify(text)} is not usable; give a number with s, m, h or d, for instance 7d`,
      { details: { option } },
    )
  }
}

/** Collects an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

/**
 * The folder of a tenant log, when there is one.
 *
 * @throws AuditError `NOT_FOUND`, `LOG_UNUSABLE`
 */
export function existingLog(option: string, path: string): string {
  const details = { option, file: path }
  const found = statSync(path, { throwIfNoEntry: false })
  const shown = path === '' ? 'the name is empty' : `${path} does not exist`
  const way = 'name the folder of a tenant log, as `spanseal seal --log-dir` makes it'
  if (found === undefined)
    throw new AuditError('NOT_FOUND', `${option}: ${shown}; ${way}`, { details })
  if (found.isDirectory() && existsSync(join(path, 'checkpoint'))) return path
  throw new AuditError('LOG_UNUSABLE', `${option}: ${path} holds no checkpoint; ${way}`, {
    details,
  })
}

/**
 * The folder, when it is one.
 *
 * @throws AuditError `NOT_FOUND` or `JOURNAL_UNUSABLE`
 */
export function existingFolder(path: string): string {
  const refuse = (code: 'NOT_FOUND' | 'JOURNAL_UNUSABLE', why: string, cause?: unknown): never => {
    const way = 'name the journal folder, the one that holds a folder for each epoch'
    throw new AuditError(code, `${path} ${why}; ${way}`, { cause, details: { file: path } })
  }
  try {
    if (statSync(path).isDirectory()) return path
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return refuse('NOT_FOUND', 'does not exist', error)
    if (code === 'ELOOP') return refuse('JOURNAL_UNUSABLE', 'is a loop of symbolic links', error)
    return refuse('JOURNAL_UNUSABLE', `cannot be read (${code})`, error)
  }
  return refuse('JOURNAL_UNUSABLE', 'is not a folder')
}
