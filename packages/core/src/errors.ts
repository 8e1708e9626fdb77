// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** Every code an {@link AuditError} can carry. Codes are API: they are added, never renamed. */
export const ERROR_CODES = [
  'INVALID_OPTION',
  'NOT_REPRESENTABLE',
  'RECORD_TOO_LARGE',
  'MALFORMED_RECORD',
  'MALFORMED_NOTE',
  'MALFORMED_KEY',
  'MALFORMED_CHECKPOINT',
  'MALFORMED_CERTIFICATE',
  'MALFORMED_REVOCATION',
  'MALFORMED_TILE',
  'MALFORMED_BUNDLE',
  'MALFORMED_STUB',
  'MALFORMED_HEAD',
  'MALFORMED_TIMESTAMP',
  'WITNESS_REFUSED',
  'TIMESTAMP_REFUSED',
  'LOG_UNUSABLE',
  'VAULT_UNUSABLE',
  'SIGNER_FAILED',
  'JOURNAL_UNUSABLE',
  'JOURNAL_FAILED',
  'JOURNAL_CLOSED',
  'JOURNAL_FULL',
  'INTENT_NOT_DURABLE',
  'KEYRING_UNSAFE',
  'KEYRING_UNUSABLE',
  'AUTHORIZATION_DENIED',
  'AUTHORIZATION_PENDING',
  'DELIVERY_DOUBTFUL',
  'DELIVERY_REFUSED',
  'DELIVERY_TIMEOUT',
  'TOPIC_MISSING',
  'TOPIC_UNSUITABLE',
  'SINK_CLOSED',
  'ALREADY_RUNNING',
  'NOT_FOUND',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** Where an error happened; every field is safe to print (no content, no secrets). */
export interface ErrorDetails {
  readonly option?: string
  readonly file?: string
  readonly byteOffset?: number
  readonly epoch?: string
  readonly seq?: number
  readonly topic?: string
  readonly partition?: number
}

/**
 * The one error class of every spanseal package.
 *
 * `code` is stable and meant for programs; `message` names the thing, the value and the way out and
 * is meant for people. `cause` holds the error underneath, where there is one.
 */
export class AuditError extends Error {
  override readonly name = 'AuditError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(
    code: ErrorCode,
    message: string,
    extra: { readonly details?: ErrorDetails; readonly cause?: unknown } = {},
  ) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause })
    this.code = code
    this.details = extra.details ?? {}
  }
}
