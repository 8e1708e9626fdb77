// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { CallStatus } from '@spanseal/core'

/** How a call ended, as its record and span need it. */
export interface CallOutcome {
  readonly status: Exclude<CallStatus, 'started'>
  /** What was returned; absent where nothing was. */
  readonly output?: { readonly value: unknown } | { readonly digest: StreamedOutput }
  readonly error?: ErrorFacts
  /** Nanoseconds, where the caller measured; default: since the call began. */
  readonly durationNs?: bigint
}

/** The digest of an output that passed by in pieces. */
export interface StreamedOutput {
  readonly enc: 'bytes' | 'items/1'
  readonly h: string
  readonly bytes: number
  readonly partial: boolean
}

/** What is known of an error; `message` and `stack` never leave without redaction or commitment. */
export interface ErrorFacts {
  /** `[\w.$]{1,128}` */
  readonly type: string
  readonly code?: string
  readonly message: string
  /** First frame of the stack, for the fingerprint. */
  readonly frame: string
}

const TYPE = /^[\w.$]{1,128}$/
const CODE = /^[\w.:-]{1,128}$/
const MESSAGE_LENGTH_MAX = 65_536

/** Takes apart whatever was thrown; never throws, even at hostile getters. */
export function errorFacts(thrown: unknown): ErrorFacts {
  try {
    if (typeof thrown !== 'object' || thrown === null) {
      return { type: typeof thrown, message: textOf(thrown), frame: '' }
    }
    const { name, code, message, stack } = thrown as Record<string, unknown>
    const className: unknown = thrown.constructor?.name
    const type = [name, className].find((t) => typeof t === 'string' && TYPE.test(t)) ?? 'Error'
    const codeText = typeof code === 'number' ? String(code) : code
    return {
      type: type as string,
      ...(typeof codeText === 'string' && CODE.test(codeText) ? { code: codeText } : {}),
      message: textOf(message ?? ''),
      frame:
        typeof stack === 'string' ? (/^\s+at [^\n]{0,512}/m.exec(stack)?.[0].trim() ?? '') : '',
    }
  } catch {
    return { type: 'Error', message: '', frame: '' }
  }
}

function textOf(value: unknown): string {
  return (typeof value === 'string' ? value : String(value)).slice(0, MESSAGE_LENGTH_MAX)
}

const TIMEOUT_CODES = new Set([
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
  if (error.type === 'AbortError' || error.code === 'ABORT_ERR')
    return { status: 'cancelled', error }
  return { status: 'error', error }
}
