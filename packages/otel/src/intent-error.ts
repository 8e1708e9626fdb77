// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { RegisteredTool } from './tool-definition.ts'

/**
 * What the caller of a tool gets that did not run because its intent could not be made durable: the
 * tool, the reason and the way out. It names no path, since the caller of a server's tool may be
 * anybody; `cause` has the whole.
 */
export function intentError({ tool, risk }: RegisteredTool, cause: AuditError): AuditError {
  const named = `tool ${JSON.stringify(tool.value.name)}`
  const message = `${named}: did not run, since its intent could not be made durable: ${reasonFor(cause)}`
  const glass =
    cause.code === 'JOURNAL_CLOSED'
      ? ''
      : `; audit.breakGlass() lets tools of risk ${risk} run meanwhile, on record`
  return new AuditError('INTENT_NOT_DURABLE', `${message}${glass}`, { cause })
}

/** What failed and what to do about it. */
function reasonFor(cause: AuditError): string {
  switch (cause.code) {
    case 'JOURNAL_FULL':
      return 'the journal has used up its budget; deliver and remove what is in it, or raise the budget'
    case 'JOURNAL_CLOSED':
      return 'the audit was shut down; register another'
    case 'RECORD_TOO_LARGE':
    case 'NOT_REPRESENTABLE':
      return `no record can hold the call (${cause.code})`
    case 'DELIVERY_TIMEOUT':
      return `${cause.message}; health().sinks says why`
    case 'DELIVERY_REFUSED':
    case 'SINK_CLOSED':
      return 'the sink takes no records any more, or cannot be given them; health().sinks says why'
    default:
      return `the journal cannot be written (${errnoOf(cause) ?? cause.code}); mend or empty the disk`
  }
}

const CAUSES_MAX = 4
const ERRNO = /^E[A-Z0-9]{2,15}$/

/** What the system said, for instance `ENOSPC`. */
function errnoOf(error: Error): string | undefined {
  let at: unknown = error
  for (let i = 0; i < CAUSES_MAX && at instanceof Error; i++) {
    const { code } = at as NodeJS.ErrnoException
    if (typeof code === 'string' && ERRNO.test(code)) return code
    at = at.cause
  }
  return undefined
}
