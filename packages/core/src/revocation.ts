// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from './errors.ts'
import { isLogName } from './log-name.ts'
import { parseVkey } from './note.ts'

/**
 * What the tenant says of a key that it trusts no longer: what the key vouched for counts only where
 * the tenant log held it among its first `tenantLogSize` entries.
 */
export interface Revocation {
  readonly log: string
  /** An issuer's or retention key of the log. */
  readonly vkey: string
  /** 0: nothing that it vouched for counts. */
  readonly tenantLogSize: number
}

const HEADER = 'spanseal/revoke/1'

/** The text that the tenant key signs. */
export function formatRevocation({ log, vkey, tenantLogSize }: Revocation): string {
  return `${HEADER}\n${log}\n${vkey}\n${tenantLogSize}\n`
}

/**
 * Parses a revocation's text.
 *
 * @throws AuditError `MALFORMED_REVOCATION` for anything but the one canonical form
 */
export function parseRevocation(text: string): Revocation {
  const [header = '', log = '', vkey = '', sizeText = ''] = text.slice(0, 2048).split('\n')
  const revocation = { log, vkey, tenantLogSize: Number(sizeText) }
  const wellFormed =
    text.length <= 2048 &&
    header === HEADER &&
    isLogName(log) &&
    /^(0|[1-9]\d{0,15})$/.test(sizeText) &&
    Number.isSafeInteger(revocation.tenantLogSize) &&
    isKeyOf(vkey, log) &&
    formatRevocation(revocation) === text
  if (wellFormed) return revocation
  throw new AuditError('MALFORMED_REVOCATION', 'not a revocation in its canonical form')
}

function isKeyOf(vkey: string, log: string): boolean {
  try {
    const { name } = parseVkey(vkey)
    return (
      /^(issuer|retention)-[a-z0-9]{1,32}$/.test(name.slice(log.length + 1)) &&
      name.startsWith(`${log}/`)
    )
  } catch {
    return false
  }
}
