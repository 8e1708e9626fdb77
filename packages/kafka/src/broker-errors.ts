// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { TransportFault } from './transport.ts'

/** What an error says about a request, without its words. */
export type Verdict = Pick<TransportFault, 'kind' | 'reason'>

export const UNAUTHORIZED: Verdict = { kind: 'fatal', reason: 'unauthorized' }
export const REFUSED: Verdict = { kind: 'fatal', reason: 'other' }
const NOT_APPENDED: Verdict = { kind: 'retriable', reason: 'other' }
const MISSING: Verdict = { kind: 'retriable', reason: 'topic-missing' }
const TOO_LARGE: Verdict = { kind: 'fatal', reason: 'too-large' }

/** By Kafka's error names, of which clients know older and newer ones. */
const BY_NAME: Readonly<Record<string, Verdict>> = {
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
  NOT_LEADER_OR_FOLLOWER: NOT_APPENDED,
  LEADER_NOT_AVAILABLE: NOT_APPENDED,
  REPLICA_NOT_AVAILABLE: NOT_APPENDED,
  BROKER_NOT_AVAILABLE: NOT_APPENDED,
  CORRUPT_MESSAGE: NOT_APPENDED,
  OUT_OF_ORDER_SEQUENCE_NUMBER: NOT_APPENDED,
  THROTTLING_QUOTA_EXCEEDED: NOT_APPENDED,
  GROUP_LOAD_IN_PROGRESS: NOT_APPENDED,
  COORDINATOR_LOAD_IN_PROGRESS: NOT_APPENDED,
  GROUP_COORDINATOR_NOT_AVAILABLE: NOT_APPENDED,
  COORDINATOR_NOT_AVAILABLE: NOT_APPENDED,
  NOT_COORDINATOR_FOR_GROUP: NOT_APPENDED,
  NOT_COORDINATOR: NOT_APPENDED,
}

/** What a broker's error code means; undefined: the request may have been appended. */
export function brokerVerdict(name: string | undefined): Verdict | undefined {
  return name !== undefined && Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined
}
