// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import { readAuthorities } from './authority.ts'
import { malformed, TOKEN_BYTES_MAX } from './der.ts'
import { timestampRequest } from './timestamp-request.ts'
import type { Timestamp } from './timestamp-verifier.ts'
import { verifyToken } from './timestamp-verifier.ts'

export interface RequestTimestampOptions {
  /** PEM texts of authorities that are trusted. Default: the answer's own certificate is taken. */
  readonly authorities?: readonly string[]
  /** Default: the platform's. */
  readonly fetch?: typeof globalThis.fetch
  /** For the whole exchange. Default: 10,000. */
  readonly timeoutMillis?: number
}

export interface RequestedTimestamp extends Timestamp {
  /** DER of the TimeStampResp. */
  readonly token: Uint8Array
}

const DEFAULT_TIMEOUT_MILLIS = 10_000

/**
 * Asks an RFC 3161 authority to stamp a SHA-256 digest and checks its answer: granted, over this
 * digest, with this request's nonce, signed by a certificate for time-stamping.
 *
 * @param url `http:` or `https:`; redirects are not followed
 * @param digestHex 64 digits of lower-case hex
 * @throws AuditError `TIMESTAMP_REFUSED` when the authority cannot be reached in time or answers
 *   with something else than a response; `MALFORMED_TIMESTAMP` when its response does not hold;
 *   `MALFORMED_CERTIFICATE`; `INVALID_OPTION`
 */
export async function requestTimestamp(
  url: string,
  digestHex: string,
  options: RequestTimestampOptions = {},
): Promise<RequestedTimestamp> {
  const trusted = options.authorities && readAuthorities(options.authorities)
  const { der, nonce } = timestampRequest(digestHex)
  const token = await ask(assertUrl(url), der, options)
  const expected = { digestHex, nonce, ...(trusted && { trusted }) }
  return { ...(await verifyToken(token, expected)), token }
}

function assertUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol === 'https:' || parsed?.protocol === 'http:') return parsed
  throw new AuditError('INVALID_OPTION', 'url: give the http or https address of an authority', {
    details: { option: 'url' },
  })
}

async function ask(
  url: URL,
  body: Uint8Array<ArrayBuffer>,
  { fetch = globalThis.fetch, timeoutMillis = DEFAULT_TIMEOUT_MILLIS }: RequestTimestampOptions,
): Promise<Uint8Array> {
  // Without what a URL may carry of names and passwords.
  const refuse = (why: string, cause?: unknown): AuditError =>
    new AuditError('TIMESTAMP_REFUSED', `${url.origin}: ${why}`, { cause })
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/timestamp-query' },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMillis),
    })
    const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
    if (!response.ok || type !== 'application/timestamp-reply') {
      await response.body?.cancel()
      throw refuse(`answered ${response.status} ${type ?? 'without a type'}, no time-stamp`)
    }
    return await readBounded(response)
  } catch (error) {
    if (error instanceof AuditError) throw error
    const isLate = error instanceof Error && error.name === 'TimeoutError'
    throw refuse(isLate ? `no answer within ${timeoutMillis} ms` : 'cannot be asked', error)
  }
}

async function readBounded(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > TOKEN_BYTES_MAX) throw malformed(`the answer has over ${TOKEN_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
