// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { TransportFault } from './transport.ts'

type Verdict = Pick<TransportFault, 'kind' | 'reason'>

const UNAUTHORIZED: Verdict = { kind: 'fatal', reason: 'unauthorized' }
const REFUSED: Verdict = { kind: 'fatal', reason: 'other' }
const NOT_APPENDED: Verdict = { kind: 'retriable', reason: 'other' }
const MISSING: Verdict = { kind: 'retriable', reason: 'topic-missing' }
const TOO_LARGE: Verdict = { kind: 'fatal', reason: 'too-large' }

/** By Kafka's error names. What is not here may have been appended. */
const BY_TYPE: Readonly<Record<string, Verdict>> = {
  MESSAGE_TOO_LARGE: TOO_LARGE,
  RECORD_LIST_TOO_LARGE: TOO_LARGE,
  UNKNOWN_TOPIC_OR_PARTITION: MISSING,
  TOPIC_AUTHORIZATION_FAILED: UNAUTHORIZED,
  CLUSTER_AUTHORIZATION_FAILED: UNAUTHORIZED,
  GROUP_AUTHORIZATION_FAILED: UNAUTHORIZED,
  SASL_AUTHENTICATION_FAILED: UNAUTHORIZED,
  UNSUPPORTED_SASL_MECHANISM: UNAUTHORIZED,
  INVALID_TOPIC_EXCEPTION: REFUSED,
  INVALID_RECORD: REFUSED,
  UNSUPPORTED_COMPRESSION_TYPE: REFUSED,
  UNSUPPORTED_FOR_MESSAGE_FORMAT: REFUSED,
  UNSUPPORTED_VERSION: REFUSED,
  // A clock more than an hour ahead of the broker's; it may be set right.
  INVALID_TIMESTAMP: NOT_APPENDED,
  NOT_ENOUGH_REPLICAS: NOT_APPENDED,
  NOT_LEADER_FOR_PARTITION: NOT_APPENDED,
  LEADER_NOT_AVAILABLE: NOT_APPENDED,
  REPLICA_NOT_AVAILABLE: NOT_APPENDED,
  BROKER_NOT_AVAILABLE: NOT_APPENDED,
  CORRUPT_MESSAGE: NOT_APPENDED,
  OUT_OF_ORDER_SEQUENCE_NUMBER: NOT_APPENDED,
  THROTTLING_QUOTA_EXCEEDED: NOT_APPENDED,
}

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
  if (type !== undefined && Object.hasOwn(BY_TYPE, type)) {
    return { ...(BY_TYPE[type] as Verdict), message: `${type}: ${message}` }
  }
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
