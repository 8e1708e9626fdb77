// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Verdict } from './broker-errors.ts'
import { brokerVerdict, REFUSED, UNAUTHORIZED } from './broker-errors.ts'
import type { TransportFault } from './transport.ts'

const BY_NAME: Readonly<Record<string, Verdict>> = {
  KafkaJSSASLAuthenticationError: UNAUTHORIZED,
  KafkaJSNotImplemented: REFUSED,
}

interface KafkajsError extends Error {
  readonly type?: string
  readonly errors?: readonly unknown[]
}

/**
 * What an error of kafkajs says. The outermost error says little (running out of retries claims not
 * to be retriable): the innermost cause decides.
 */
export function kafkajsFault(error: unknown): TransportFault {
  const { type, name, message } = innermost(error)
  const verdict = brokerVerdict(type)
  if (verdict !== undefined) return { ...verdict, message: `${type}: ${message}` }
  if (Object.hasOwn(BY_NAME, name)) return { ...(BY_NAME[name] as Verdict), message }
  return { kind: 'ambiguous', reason: isConnectionError(name) ? 'unreachable' : 'other', message }
}

function innermost(error: unknown): KafkajsError {
  let inner: KafkajsError = error instanceof Error ? error : new Error(String(error))
  for (let depth = 0; depth < 8; depth++) {
    const next = inner.errors?.[0] ?? inner.cause
    if (!(next instanceof Error)) break
    inner = next
  }
  return inner
}

function isConnectionError(name: string): boolean {
  return /^KafkaJS(Connection|RequestTimeout|BrokerNotFound|LockTimeout|NoBroker)/.test(name)
}
