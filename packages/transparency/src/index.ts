// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

export type { RequestedTimestamp, RequestTimestampOptions } from './timestamp/request-timestamp.ts'
export { requestTimestamp } from './timestamp/request-timestamp.ts'
export type { Timestamp, TimestampVerifier } from './timestamp/timestamp-verifier.ts'
export { timestampVerifier } from './timestamp/timestamp-verifier.ts'
