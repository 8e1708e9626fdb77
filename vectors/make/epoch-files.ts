// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  commit,
  commitmentSalt,
  digestEncoded,
  encodeValue,
  epochId,
  EpochChain,
  formatCertificate,
  formatCheckpoint,
  formatVkey,
  recordLine,
  sha256Hex,
  signNoteSync,
} from '@spanseal/core'
import type { Commitment, CommitKey, ObservedEpoch, RecordDraft } from '@spanseal/core'
import { eq, issuer, LOG, period, seedOf, signingKey, tenant } from './keys.ts'
import type { SigningKey } from './keys.ts'

/** Writes an epoch as a journal does, at times and with keys that are always the same. */

export interface EpochSettings {
  /** Names its key. */
  readonly words: string
  readonly openedAt: string
  readonly observed?: readonly ObservedEpoch[]
  /** Changes a line before it is hashed and linked: an epoch whose writer is at fault. */
  readonly alter?: (line: string, seq: number) => string
  readonly certs?: (key: SigningKey) => readonly string[]
  /** Risk classes of tools that wait for a sink. */
  readonly remote?: readonly string[]
}

/** What can be disclosed of a commitment. */
export interface Opening {
  readonly record: string
  readonly field: string
  readonly enc: string
  readonly salt: string
  readonly bytes: string
  readonly c: string
}

/** A certificate of the vectors, valid on the day of the journal. */
export function certify(vkey: string, by: SigningKey, role: 'epoch' | 'issuer'): string {
  const text = formatCertificate({
    role,
    log: LOG,
    vkey,
    notBefore: '2026-11-21T00:00:00.000Z',
    notAfter: '2026-11-22T00:00:00.000Z',
  })
  return signNoteSync(text, by)
}

export class EpochFiles {
  readonly id: string
  readonly key: SigningKey
  readonly lines: string[] = []
  readonly notes: string[] = []
  readonly openings: Opening[] = []
  /** Where segments begin; `epoch.open` stands alone. */
  readonly segments: number[] = [0, 1]
  /** Bytes behind the last line. */
  torn = ''
  readonly #chain: EpochChain
  readonly #openedMillis: number
  readonly #alter: (line: string, seq: number) => string
  #millis = 0

  constructor({ words, openedAt, observed = [], alter = (line) => line, certs, remote }: EpochSettings) {
    const seed = seedOf(words)
    const { publicKey } = signingKey('unnamed', seed)
    this.#openedMillis = Date.parse(openedAt)
    this.id = epochId(publicKey, this.#openedMillis)
    this.key = signingKey(`${LOG}/${this.id}`, seed)
    this.#chain = new EpochChain(LOG, this.id)
    this.#alter = alter
    const detail = {
      audit: {
        durability: 'group',
        fail_closed: ['write', 'destructive'],
        redaction: 'spanseal/1',
        ...(remote !== undefined && { remote }),
        sampler: 'parentbased_always_on',
        sdk: '@spanseal/otel 0.1.0',
      },
      deployment: { cluster: 'eu-1', environment: 'production', version: '2026.11.1' },
      key: {
        certs: certs?.(this.key) ?? [
          certify(this.key.vkey, issuer, 'epoch'),
          certify(issuer.vkey, tenant, 'issuer'),
        ],
        vkey: formatVkey(this.key.name, publicKey),
      },
      observed,
      service: { instance: 'pod-1', name: 'support-agent', version: '1.4.0' },
    } as const
    this.append({ type: 'epoch.open', severity: 'info', detail }, 0)
    this.checkpoint()
  }

  get size(): number {
    return this.#chain.size
  }

  /** Id of the next record. */
  get next(): string {
    return `${this.id}/${this.size}`
  }

  /** Lets time go by. */
  wait(millis: number): void {
    this.#millis += millis
  }

  /** Commits to a value at a place of the next record, or of the one with `seq`. */
  commit(pointer: string, value: unknown, under: readonly CommitKey[] = []): Commitment {
    const encoded = encodeValue(value)
    const place = { epoch: this.id, seq: this.size, pointer }
    const [first, ...rest] = under
    const keys = first === undefined ? { keys: [period] as const, eq } : { keys: [first, ...rest] as const }
    const commitment = commit(digestEncoded(encoded), place, keys)
    this.openings.push({
      record: this.next,
      field: pointer,
      enc: encoded.enc,
      salt: commitmentSalt(place, keys),
      bytes: Buffer.from(encoded.body as Uint8Array).toString('base64'),
      c: commitment.c,
    })
    return commitment
  }

  append(draft: RecordDraft, afterMillis = 125, eventAt?: string): string {
    this.#millis += afterMillis
    const id = this.next
    const line = this.line(draft, eventAt)
    const { leaf } = this.#chain.frame(line)
    this.#chain.advance(leaf)
    this.lines.push(line)
    return id
  }

  /** The next line, without writing it. */
  line(draft: RecordDraft, eventAt?: string): string {
    const place = { epoch: this.id, log: LOG, prev: this.#chain.prev, seq: this.size }
    const at = new Date(this.#openedMillis + this.#millis).toISOString()
    const time = { at, mono_ns: String(this.#millis * 1_000_000), ...(eventAt && { event_at: eventAt }) }
    return this.#alter(recordLine(draft, place, time), this.size)
  }

  checkpoint(by: SigningKey = this.key): void {
    const checkpoint = { origin: `${LOG}/${this.id}`, size: this.size, root: this.#chain.root() }
    this.notes.push(signNoteSync(formatCheckpoint(checkpoint), by))
  }

  newSegment(): void {
    this.segments.push(this.size)
  }

  observedAs(state: ObservedEpoch['state']): ObservedEpoch {
    const torn = { bytes: Buffer.byteLength(this.torn), sha256: sha256Hex(this.torn) }
    const seen = { epoch: this.id, leaf: this.#chain.prev, size: this.size, state }
    return this.torn === '' ? seen : { ...seen, torn }
  }

  /** The files of its folder. */
  files(): Map<string, string> {
    const files = new Map<string, string>()
    this.segments.forEach((first, i) => {
      const lines = this.lines.slice(first, this.segments[i + 1]).map((line) => `${line}\n`)
      const torn = i === this.segments.length - 1 ? this.torn : ''
      files.set(`${this.id}/${String(first).padStart(12, '0')}.jsonl`, lines.join('') + torn)
    })
    const notes = this.notes.map((note) => `${Buffer.byteLength(note)}\n${note}`)
    files.set(`${this.id}/checkpoints`, notes.join(''))
    const writer = {
      host: seedOf('host').slice(0, 32),
      boot: '6f0c9a52-3a57-4c5e-9f0f-0d6a2f6f8f11',
      pid: 4242,
      started: '123456',
      beat: this.#openedMillis + this.#millis,
    }
    files.set(`${this.id}/writer.json`, JSON.stringify(writer))
    return files
  }
}

