// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { brokerVerdict, REFUSED, UNAUTHORIZED } from './broker-errors.ts'
import type { TransportFault } from './transport.ts'

interface PlatformaticError extends Error {
  readonly code?: string
  /** Kafka's name of an error that a broker has answered. */
  readonly apiId?: string
  readonly canRetry?: boolean
  readonly errors?: readonly unknown[]
}

const UNKNOWN_TOPIC = /^Unknown topic /

/** What an error of @platformatic/kafka says. Of several attempts the last one decides. */
export function platformaticFault(error: unknown): TransportFault {
  const { apiId, code, name, message } = innermost(error)
  const verdict = brokerVerdict(apiId)
  if (verdict !== undefined) return { ...verdict, message: `${apiId}: ${message}` }
  if (code === 'PLT_KFK_AUTHENTICATION') return { ...UNAUTHORIZED, message }
  if (code === 'PLT_KFK_USER' && UNKNOWN_TOPIC.test(message)) {
    return { kind: 'retriable', reason: 'topic-missing', message }
  }
  if (code?.startsWith('PLT_KFK_UNSUPPORTED') === true) return { ...REFUSED, message }
  const unreachable = code === 'PLT_KFK_NETWORK' || (name === 'Error' && isSocketError(code))
  const told = apiId === undefined ? message : `${apiId}: ${message}`
  return { kind: 'ambiguous', reason: unreachable ? 'unreachable' : 'other', message: told }
}

/** After these the producer id is of no use any more. */
const PRODUCER_LOST = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'DUPLICATE_SEQUENCE_NUMBER',
  'PRODUCER_FENCED',
])

/** Whether the same request, with its producer id and sequence number, may be answered otherwise. */
export function isRepeatable(error: unknown): boolean {
  const { canRetry, apiId } = innermost(error, 'client')
  return canRetry === true && (apiId === undefined || !PRODUCER_LOST.has(apiId))
}

/** @param until `client`: the last error of the client's own, not what it was caused by */
function innermost(error: unknown, until?: 'client'): PlatformaticError {
  let inner: PlatformaticError = error instanceof Error ? error : new Error(String(error))
  for (let depth = 0; depth < 8; depth++) {
    // What a broker or the client itself has named is not explained further by its cause.
    if (inner.apiId !== undefined || inner.code === 'PLT_KFK_AUTHENTICATION') break
    const next = inner.errors?.at(-1) ?? (until === 'client' ? undefined : inner.cause)
    if (!(next instanceof Error)) break
    inner = next
  }
  return inner
}

function isSocketError(code: string | undefined): boolean {
  return code !== undefined && /^E[A-Z]+$|^ERR_(TLS|SSL|SOCKET)/.test(code)
}
