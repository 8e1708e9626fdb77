// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { NoteSignature, WitnessKey } from '@spanseal/core'
import { AuditError, cosignaturesOf, parseNote, parseWitnessKey } from '@spanseal/core'

const ANSWER_BYTES_MAX = 16_384
/** How far a witness's clock may be ahead of ours. */
const AHEAD_SECONDS_MAX = 3_600
/** A witness that others feed as well may move while it is asked. */
const ATTEMPTS_MAX = 3

/** Someone who cosigns, and where. */
export interface Witness {
  readonly key: WitnessKey
  /** Submission prefix; `/add-checkpoint` is added. */
  readonly url: string
}

/** Why a witness did not cosign (`spec/tenant-log.md`). */
export type WitnessRefusal =
  | 'lied'
  | 'ahead'
  | 'unknown-log'
  | 'signature'
  | 'inconsistent'
  | 'strange'
  | 'unreachable'

/** A head as a witness is asked about it. */
export interface HeadToCosign {
  /** The note with the log's own signature alone. */
  readonly signed: string
  readonly size: number
  /** The consistency proof from an earlier size, 64 hex digits each. */
  readonly proof: (from: number) => Promise<readonly string[]>
}

/** What a witness answered. */
export type WitnessAnswer =
  | { readonly outcome: 'cosigned'; readonly signature: NoteSignature; readonly time: number }
  | {
      readonly outcome: 'refused'
      readonly reason: WitnessRefusal
      /** Code `WITNESS_REFUSED`. */
      readonly error: AuditError
      /** The size that the witness says it saw, where it says one. */
      readonly knownSize?: number
    }

export interface AskWitnessOptions {
  /** The size that the witness saw last, as far as is known. Default: 0. */
  readonly knownSize?: number
  /** For the whole exchange. Default: 10,000. */
  readonly timeoutMillis?: number
  /** Default: the platform's. */
  readonly fetch?: typeof globalThis.fetch
  /** Unix milliseconds; default `Date.now`. */
  readonly now?: () => number
  readonly signal?: AbortSignal
}

const DEFAULT_TIMEOUT_MILLIS = 10_000

/**
 * Parses `<verifier key>@<url>`.
 *
 * @throws AuditError `MALFORMED_KEY`, `INVALID_OPTION`
 */
export function parseWitness(text: string): Witness {
  const at = text.search(/@https?:\/\//)
  const url = text.slice(at + 1).replace(/\/+$/, '')
  if (at > 0 && URL.canParse(url)) return { key: parseWitnessKey(text.slice(0, at)), url }
  const message = 'witness: give <verifier key>@<http or https address>'
  throw new AuditError('INVALID_OPTION', message, { details: { option: 'witness' } })
}

/**
 * Asks a witness to cosign a head by C2SP tlog-witness: https://c2sp.org/tlog-witness
 *
 * What it answers is taken for nothing but what is checked here. Rejects only with what
 * `head.proof` rejects with.
 */
export async function askWitness(
  { key, url }: Witness,
  head: HeadToCosign,
  options: AskWitnessOptions = {},
): Promise<WitnessAnswer> {
  const { timeoutMillis = DEFAULT_TIMEOUT_MILLIS } = options
  const signals = [AbortSignal.timeout(timeoutMillis), ...(options.signal ? [options.signal] : [])]
  const exchange = { url, key, options, signal: AbortSignal.any(signals) }
  let from = Math.min(options.knownSize ?? 0, head.size)
  for (let attempt = 1; ; attempt++) {
    const answer = await post(exchange, await requestBody(head, from))
    if (!('status' in answer)) return answer
    if (answer.status === 200) return cosignatureIn(answer.text, head, exchange)
    if (answer.status !== 409) return refusalOf(answer.status, exchange)
    const size = sizeIn(answer.text)
    if (size === undefined)
      return refused(exchange, 'strange', { why: 'answered 409 without a size' })
    if (size > head.size) {
      const why = `it saw ${size} entries of this log, and there are ${head.size}: the log was rolled back, here or for it`
      return { ...refused(exchange, 'ahead', { why }), knownSize: size }
    }
    if (size === from || attempt === ATTEMPTS_MAX) {
      return refused(exchange, 'strange', { why: `answered 409 with size ${size} again and again` })
    }
    from = size
  }
}

interface Exchange {
  readonly url: string
  readonly key: WitnessKey
  readonly options: AskWitnessOptions
  readonly signal: AbortSignal
}

type Refused = Extract<WitnessAnswer, { outcome: 'refused' }>

async function requestBody({ proof, signed }: HeadToCosign, from: number): Promise<string> {
  const hashes = await proof(from)
  const lines = hashes.map((hex) => `${Buffer.from(hex, 'hex').toString('base64')}\n`)
  return `old ${from}\n${lines.join('')}\n${signed}`
}

async function post(
  exchange: Exchange,
  body: string,
): Promise<{ readonly status: number; readonly text: string } | Refused> {
  const { fetch = globalThis.fetch } = exchange.options
  try {
    const response = await fetch(`${exchange.url}/add-checkpoint`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      redirect: 'manual',
      signal: exchange.signal,
    })
    const text = await boundedText(response)
    if (text !== undefined) return { status: response.status, text }
    return refused(exchange, 'strange', { why: `answered over ${ANSWER_BYTES_MAX} bytes` })
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'TimeoutError'
    const why = isLate ? 'did not answer in time' : 'cannot be reached'
    return refused(exchange, 'unreachable', { why, cause: error })
  }
}

/** Undefined where it is longer than any answer can be. */
async function boundedText(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  // Leaving the loop ends the transfer.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > ANSWER_BYTES_MAX) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function sizeIn(text: string): number | undefined {
  if (!/^(0|[1-9]\d{0,15})\n$/.test(text)) return undefined
  const size = Number(text)
  return Number.isSafeInteger(size) ? size : undefined
}

function cosignatureIn(text: string, head: HeadToCosign, exchange: Exchange): WitnessAnswer {
  const { key, options } = exchange
  const own = parseNote(head.signed).text
  try {
    const { signatures, text: signedText } = parseNote(`${own}\n${text}`)
    for (const signature of signatures) {
      const [found] = cosignaturesOf({ text: own, signatures: [signature] }, [key])
      if (found === undefined || signedText !== own) continue
      const latest = (options.now?.() ?? Date.now()) / 1000 + AHEAD_SECONDS_MAX
      if (found.time <= latest) return { outcome: 'cosigned', signature, time: found.time }
      return refused(exchange, 'lied', { why: 'cosigned with a time that has not come' })
    }
  } catch (error) {
    return refused(exchange, 'lied', {
      why: 'answered with what are no signature lines',
      cause: error,
    })
  }
  return refused(exchange, 'lied', {
    why: 'answered without a valid cosignature of its own over this head',
  })
}

function refusalOf(status: number, exchange: Exchange): Refused {
  switch (status) {
    case 403:
      return refused(exchange, 'signature', {
        why: 'does not know the key that signed the log’s head',
      })
    case 404:
      return refused(exchange, 'unknown-log', {
        why: 'does not know this log; its operator must add it',
      })
    case 422: {
      const why = 'saw another tree: the log was forked or written anew, here or for it'
      return refused(exchange, 'inconsistent', { why })
    }
    default:
      return refused(exchange, 'strange', { why: `answered ${status}` })
  }
}

function refused(
  { key }: Exchange,
  reason: WitnessRefusal,
  { why, cause }: { readonly why: string; readonly cause?: unknown },
): Refused {
  const error = new AuditError('WITNESS_REFUSED', `witness ${key.name} ${why}`, { cause })
  return { outcome: 'refused', reason, error }
}
