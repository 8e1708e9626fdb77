// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { CallStatus, EncodedValue, ValueDigest } from '@spanseal/core'

/** How a call ended, as its record and span need it. */
export interface CallOutcome {
  readonly status: Exclude<CallStatus, 'started'>
  /** What was returned, or the digest of what passed by; absent where nothing was returned. */
  readonly output?:
    | { readonly value: unknown }
    | { readonly digest: ValueDigest; readonly kept?: EncodedValue | undefined }
  readonly error?: ErrorFacts
  /** Nanoseconds, where the caller measured; default: since the call began. */
  readonly durationNs?: bigint
}

/** What is known of an error; `message` never leaves without redaction or commitment. */
export interface ErrorFacts {
  /** `[\w.$]{1,128}` */
  readonly type: string
  readonly code?: string
  readonly message: string
  /** First frame of the stack, for the fingerprint. */
  readonly frame: string
}

const TYPE = /^[\w.$]{1,128}$/
// What programs use for codes: ENOENT, ERR_INVALID_ARG, rate_limit_exceeded, auth/wrong-user, 42P01, -32601.
// Anything else may be content, and only the fingerprint depends on it.
const CODE =
  /^(?:[A-Z][A-Z0-9_]{1,63}|[a-z]{1,24}(?:[_./-][a-z]{1,24}){0,7}|[0-9][0-9A-Z]{4}|-?\d{1,5})$/
const MESSAGE_LENGTH_MAX = 65_536
const FRAME = /^\s+at [^\n]{0,512}/m

/** Takes apart whatever was thrown; never throws, even at hostile getters. */
export function errorFacts(thrown: unknown): ErrorFacts {
  try {
    if (typeof thrown !== 'object' || thrown === null) {
      return { type: typeof thrown, message: textOf(thrown), frame: '' }
    }
    const { name, code, message, stack } = thrown as Record<string, unknown>
    const shownCode = typeof code === 'number' ? String(code) : code
    return {
      type: errorType(name) ?? errorType(thrown.constructor?.name) ?? 'Error',
      ...(typeof shownCode === 'string' && CODE.test(shownCode) ? { code: shownCode } : {}),
      message: textOf(message ?? ''),
      frame: typeof stack === 'string' ? (FRAME.exec(stack)?.[0].trim() ?? '') : '',
    }
  } catch {
    return { type: 'Error', message: '', frame: '' }
  }
}

/** The name of an error's type, or undefined where it is none. */
export function errorType(name: unknown): string | undefined {
  return typeof name === 'string' && TYPE.test(name) ? name : undefined
}

function textOf(value: unknown): string {
  return (typeof value === 'string' ? value : String(value)).slice(0, MESSAGE_LENGTH_MAX)
}

const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'ERR_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** The outcome of a call that threw or rejected; the names are those of the DOM and Node. */
export function thrownOutcome(thrown: unknown): CallOutcome {
  const error = errorFacts(thrown)
  if (error.type === 'TimeoutError' || TIMEOUT_CODES.has(error.code ?? '')) {
    return { status: 'timeout', error }
  }
  const isAbort = error.type === 'AbortError' || error.code === 'ABORT_ERR'
  return { status: isAbort ? 'cancelled' : 'error', error }
}
