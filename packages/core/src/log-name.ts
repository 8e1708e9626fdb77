// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from './errors.ts'

const LOG_NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(\/[a-z0-9][a-z0-9._-]*)*$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const LOG_NAME_LENGTH_MAX = 128

/**
 * Whether `name` may name a log: an origin in the sense of C2SP `tlog-checkpoint` from which no
 * epoch, issuer or cosignature name can be confused with another log's.
 */
export function isLogName(name: string): boolean {
  if (name.length > LOG_NAME_LENGTH_MAX || !LOG_NAME.test(name) || name.includes('..')) return false
  const segments = name.split('/')
  if (segments[0] === 'spanseal' || segments[0] === 'cosignature') return false
  return !segments.some((segment) => UUID.test(segment) || /^(issuer|retention)-/.test(segment))
}

/**
 * Returns `name`, checked.
 *
 * @throws AuditError `INVALID_OPTION` when it is not a log name
 */
export function assertLogName(name: string): string {
  if (isLogName(name)) return name
  throw new AuditError(
    'INVALID_OPTION',
    `log: ${JSON.stringify(name.slice(0, 200))} is not a log name; use lower-case letters, digits, ` +
      `"." and "-", with "/" between segments, for instance "example.com/support-agent"`,
    { details: { option: 'log' } },
  )
}

/** The log name used when none is configured: `localhost/<slug of the service>`. */
export function defaultLogName(service: string): string {
  const slug = service
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64)
  const name = `localhost/${slug}`
  return isLogName(name) ? name : 'localhost/agent'
}

/** The log name as one segment of a topic or file name: `_` becomes `__`, `/` becomes `_`. */
export function fileSafeLogName(log: string): string {
  return log.replaceAll('_', '__').replaceAll('/', '_')
}
