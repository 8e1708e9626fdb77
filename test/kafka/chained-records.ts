// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type {
  Actor,
  Batch,
  CallContext,
  RecordDraft,
  SealedCheckpoint,
  SealedRecord,
  ToolRef,
} from '@spanseal/core'
import {
  block,
  Ed25519PrivateKey,
  EpochChain,
  epochId,
  formatCertificate,
  formatCheckpoint,
  formatVkey,
  plainCommitment,
  recordLine,
  sha256Hex,
  signNoteSync,
} from '@spanseal/core'

const LOG = 'localhost/kafka-test'
const START_MILLIS = Date.parse('2026-11-21T09:00:00.000Z')
const MILLIS_PER_RECORD = 7
const SMALLEST_CALL_BYTES = 800

const actor = block<Actor>({ agent: { id: 'support-1', name: 'support' }, user: { ref: 'u-17' } })
const context = block<CallContext>({
  data_classifications: ['internal'],
  environment: 'test',
  task_id: 'task-1',
})
const tool = block<ToolRef>({
  name: 'refund_order',
  publisher: 'unverified',
  trust_level: 'unverified',
  type: 'function',
  version: '2.1.0',
})
const authorization = block({
  decision: 'not_required' as const,
  method: 'none' as const,
  permissions_denied: [],
  permissions_used: [],
})

/**
 * An epoch as a journal writes it: canonical lines that link, tool calls with a start and an end, a
 * key with a certificate, signed checkpoints. Equal arguments make equal bytes.
 */
export class EpochMill {
  readonly log: string = LOG
  readonly epoch: string
  /** What a verifier pins: the issuer's key. */
  readonly issuerVkey: string
  readonly #chain: EpochChain
  readonly #signer: { readonly vkey: string; sign(message: Uint8Array): Uint8Array }
  readonly #issuer: { readonly vkey: string; sign(message: Uint8Array): Uint8Array }
  readonly #lineBytes: number
  #lastStart = 0

  /**
   * @param lineBytes about how long a line shall be: tool calls from 1,000 up, below 800 user input
   * of 650; default: tool calls without filling
   */
  constructor(number: number, lineBytes: number = 0) {
    const seed = (role: string): Buffer => Buffer.from(sha256Hex(`${role} ${number}`), 'hex')
    const key = Ed25519PrivateKey.fromSeed(seed('epoch'))
    const issuer = Ed25519PrivateKey.fromSeed(Buffer.from(sha256Hex('issuer'), 'hex'))
    this.epoch = epochId(key.publicKey, START_MILLIS + number)
    this.#chain = new EpochChain(LOG, this.epoch)
    this.#signer = named(`${LOG}/${this.epoch}`, key)
    this.#issuer = named(`${LOG}/issuer-test`, issuer)
    this.issuerVkey = this.#issuer.vkey
    this.#lineBytes = lineBytes
  }

  get size(): number {
    return this.#chain.size
  }

  /** The next `count` records; the first of an epoch is its `epoch.open`. */
  records(count: number): SealedRecord[] {
    return Array.from({ length: count }, () =>
      this.#seal(this.size === 0 ? this.#open() : this.#call()),
    )
  }

  /** The record that ends the epoch. */
  close(): SealedRecord {
    const detail = { open: [], reason: 'shutdown', records: this.size + 1 }
    return this.#seal({ type: 'epoch.close', severity: 'info', detail })
  }

  /** A signed head over all records so far. */
  checkpoint(): SealedCheckpoint {
    const text = formatCheckpoint({
      origin: `${LOG}/${this.epoch}`,
      size: this.size,
      root: this.#chain.root(),
    })
    const note = signNoteSync(text, this.#signer)
    return { log: LOG, epoch: this.epoch, size: this.size, note }
  }

  #open(): RecordDraft {
    const notBefore = '2026-11-01T00:00:00.000Z'
    const notAfter = '2027-01-01T00:00:00.000Z'
    const { vkey } = this.#signer
    const certificate = formatCertificate({ role: 'epoch', log: LOG, vkey, notBefore, notAfter })
    return {
      type: 'epoch.open',
      severity: 'info',
      detail: {
        audit: { durability: 'interval', redaction: '1', sdk: 'none', fail_closed: [] },
        deployment: { environment: 'test' },
        key: { vkey, certs: [signNoteSync(certificate, this.#issuer)] },
        observed: [],
        service: { name: 'kafka-test' },
      },
    }
  }

  /** The smallest record there is about a call's surroundings. */
  #input(): RecordDraft {
    const { size } = this
    const content = plainCommitment('text', `refund order A-${size}`)
    const trace = {
      span_id: sha256Hex(`span ${size}`).slice(0, 16),
      trace_id: sha256Hex(`trace ${Math.floor(size / 20)}`).slice(0, 32),
    }
    const detail = { bytes: 16, content }
    return { type: 'user.input', severity: 'info', actor, context, detail, trace }
  }

  #call(): RecordDraft {
    const { size } = this
    if (this.#lineBytes > 0 && this.#lineBytes < SMALLEST_CALL_BYTES) return this.#input()
    const isEnd = size % 2 === 0
    if (!isEnd) this.#lastStart = size
    const input = plainCommitment('json', `{"order":"A-${this.#lastStart}"}`)
    const trace = {
      span_id: sha256Hex(`span ${this.#lastStart}`).slice(0, 16),
      trace_id: sha256Hex(`trace ${Math.floor(size / 20)}`).slice(0, 32),
    }
    const common = { severity: 'info', actor, authorization, context, tool, trace } as const
    if (!isEnd) {
      return {
        ...common,
        type: 'tool.start',
        invocation: { input, status: 'started' },
        ...this.#filling(800),
      }
    }
    const invocation = {
      duration_ns: `${1_000_000 + size}`,
      input,
      output: plainCommitment('json', `{"refund":${size}}`),
      start: `${this.epoch}/${this.#lastStart}`,
      status: 'success' as const,
    }
    return { ...common, type: 'tool.end', invocation, ...this.#filling(1_050) }
  }

  /** Text that compresses like text: words, and a number that differs. */
  #filling(lengthWithout: number): Pick<RecordDraft, 'ext'> {
    const missing = this.#lineBytes - lengthWithout
    if (missing <= 0) return {}
    const word = sha256Hex(`${this.epoch} ${this.size}`)
    const note = `order ${word} is late, policy 4 allows a refund; `.repeat(missing / 80 + 1)
    return { ext: block({ note: note.slice(0, missing) }) }
  }

  #seal(draft: RecordDraft): SealedRecord {
    const { log, epoch, size: seq, prev } = this.#chain
    const elapsed = seq * MILLIS_PER_RECORD
    const at = new Date(START_MILLIS + elapsed).toISOString()
    const time = { at, mono_ns: `${elapsed * 1_000_000}` }
    const frame = this.#chain.frame(recordLine(draft, { log, epoch, seq, prev }, time))
    this.#chain.advance(frame.leaf)
    // The frame is valid until the next call only, and ends with LF.
    const line = Buffer.from(frame.bytes.subarray(0, -1))
    const { trace } = draft
    return {
      log,
      epoch,
      seq,
      leaf: frame.leaf,
      type: draft.type,
      line,
      ...(trace === undefined ? {} : { traceparent: `00-${trace.trace_id}-${trace.span_id}-01` }),
    }
  }
}

function named(
  name: string,
  key: Ed25519PrivateKey,
): { readonly vkey: string; sign(message: Uint8Array): Uint8Array } {
  return { vkey: formatVkey(name, key.publicKey), sign: (message) => key.sign(message) }
}

/** One whole epoch in batches, a checkpoint at the end of each. */
export function* epochBatches(
  mill: EpochMill,
  recordCount: number,
  perBatch = 500,
): Generator<Batch> {
  for (let left = recordCount - 1; left > 0; left -= perBatch) {
    const records = mill.records(Math.min(perBatch, left))
    yield { records, checkpoints: [mill.checkpoint()] }
  }
  yield { records: [mill.close()], checkpoints: [mill.checkpoint()] }
}
