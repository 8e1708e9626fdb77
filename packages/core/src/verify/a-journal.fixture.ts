// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { formatCertificate } from '../certificate.ts'
import { formatCheckpoint } from '../checkpoint.ts'
import type { Commitment } from '../commitment.ts'
import { Ed25519PrivateKey } from '../ed25519.ts'
import { EpochChain } from '../epoch-chain.ts'
import { epochId } from '../epoch-id.ts'
import { leafHash, sha256Hex } from '../hash.ts'
import type { Block, RecordDraft } from '../line.ts'
import { block, recordLine } from '../line.ts'
import { MerkleFrontier } from '../merkle.ts'
import type { NoteKey } from '../note.ts'
import { formatVkey, parseVkey, signNoteSync } from '../note.ts'
import type {
  Actor,
  CallContext,
  EpochOpenDetail,
  GapDetail,
  ObservedEpoch,
  ObservedState,
  ToolRef,
} from '../record.ts'
import { NO_PREV } from '../record.ts'
import type { EpochBytes, SegmentBytes } from './input.ts'

/** Builders of small journals, honest ones and those that were tampered with. */

export const LOG = 'example.com/support-agent'
/** 2026-11-20T18:40:00.000Z. */
export const START_MILLIS = 1_795_200_000_000
const DAY_MILLIS = 86_400_000

/** A key pair named for what it signs. */
export interface NamedKey {
  readonly vkey: string
  readonly key: Ed25519PrivateKey
  sign(message: Uint8Array): Buffer
}

export function aKey(name: string, seed: number): NamedKey {
  return namedKey(name, Ed25519PrivateKey.fromSeed(Buffer.alloc(32, seed)))
}

function namedKey(name: string, key: Ed25519PrivateKey): NamedKey {
  return { vkey: formatVkey(name, key.publicKey), key, sign: (message) => key.sign(message) }
}

export function pinned(...keys: NamedKey[]): NoteKey[] {
  return keys.map(({ vkey }) => parseVkey(vkey))
}

const actor = actorOf('8899aabbccddeeff')
const authorization = block({
  decision: 'granted' as const,
  method: 'policy' as const,
  permissions_denied: [],
  permissions_used: ['network:orders', 'data_access:orders'],
  policy: { digest: sha256Hex('policy'), id: 'refunds', version: '4' },
})
const tool = toolOf('refund_order')
const context = contextOf('task-17')
const retention = block({ keep_until: '2033-11-21T00:00:00.000Z', policy: 'standard' })
const trace = {
  parent_span_id: '00f067aa0ba902b7',
  span_id: '00f067aa0ba902b8',
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
}
const attributed = { actor, context, retention, trace, severity: 'info' } as const

/** The actor of a session. */
export function actorOf(session: string): Block<Actor> {
  return block({
    agent: { id: 'support-1', name: 'support', version: '1.4.0' },
    model: { name: 'large-2', provider: 'example', version: '2026-08-01' },
    session: `p1:00112233445566aa:${session}`,
    trigger: 'user_request',
    user: { ref: 'p1:0123456789abcdef' },
  })
}

/** The context of a task. */
export function contextOf(taskId: string): Block<CallContext> {
  return block({
    data_classifications: ['pii', 'financial'],
    environment: 'production',
    purpose: 'refund',
    task_id: taskId,
  })
}

export function toolOf(name: string): Block<ToolRef> {
  return block({
    digest: `sha256:${sha256Hex(name)}`,
    name,
    publisher: 'example.com',
    trust_level: 'verified',
    type: 'function',
    version: '2.1.0',
  })
}

export function aCommitment(text: string): Commitment {
  return {
    alg: 'blinded-sha256',
    c: sha256Hex(text),
    enc: 'json',
    eq: sha256Hex(`eq ${text}`).slice(0, 32),
    kid: '0123456789abcdef',
  }
}

export interface EpochOptions {
  /** Makes its key, and with that its id. */
  readonly seed?: number
  readonly openedMillis?: number
  readonly observed?: readonly ObservedEpoch[]
  readonly durability?: EpochOpenDetail['audit']['durability']
  /** Signs the epoch's certificate; default: the journal's issuer. */
  readonly issuer?: NamedKey
  readonly certificate?: { readonly notBefore?: string; readonly notAfter?: string }
  readonly log?: string
  readonly certs?: readonly string[]
}

const tenant: NamedKey = aKey(LOG, 1)
const issuer: NamedKey = aKey(`${LOG}/issuer-a1`, 2)

/** A journal: its keys, and epochs opened one after the other. */
export class JournalBuilder {
  readonly tenant: NamedKey = tenant
  readonly issuer: NamedKey = issuer
  readonly epochs: EpochBuilder[] = []

  /** Opens the next epoch: `epoch.open` is written and signed. */
  open(options: EpochOptions = {}): EpochBuilder {
    const order = this.epochs.length
    const epoch = new EpochBuilder({
      seed: 100 + order,
      openedMillis: START_MILLIS + order * 3_600_000,
      ...options,
    })
    this.epochs.push(epoch)
    return epoch
  }

  bytes(): EpochBytes[] {
    return this.epochs.map((epoch) => epoch.bytes())
  }
}

/** A journal with nothing in it. */
export function aJournal(): JournalBuilder {
  return new JournalBuilder()
}

/** An open epoch with a few calls and a checkpoint over all of them, in a journal of its own. */
export function anEpoch(options: EpochOptions & { readonly calls?: number } = {}): EpochBuilder {
  const epoch = aJournal().open(options)
  for (let i = 0; i < (options.calls ?? 3); i++) epoch.call()
  return epoch.checkpoint()
}

/** The certificates of an epoch key: the epoch's by the issuer, the issuer's by the tenant. */
export function certificatesFor(
  vkey: string,
  options: Pick<EpochOptions, 'certificate' | 'issuer' | 'log'> = {},
): string[] {
  const { log = LOG, issuer: by = issuer, certificate = {} } = options
  const valid = {
    notBefore: new Date(START_MILLIS - DAY_MILLIS).toISOString(),
    notAfter: new Date(START_MILLIS + 80 * DAY_MILLIS).toISOString(),
  }
  const epochCert = { role: 'epoch', log, vkey, ...valid, ...certificate } as const
  const issuerCert = { role: 'issuer', log, vkey: by.vkey, ...valid } as const
  return [
    signNoteSync(formatCertificate(epochCert), by),
    signNoteSync(formatCertificate(issuerCert), tenant),
  ]
}

/** One epoch: what was written, and what was made of it afterwards. */
export class EpochBuilder {
  readonly id: string
  readonly log: string
  readonly key: NamedKey
  readonly #chain: EpochChain
  readonly #openedMillis: number
  /** The lines as they stand in the file, without LF. Tampering changes these. */
  lines: string[] = []
  /** The notes as they stand in the `checkpoints` file. */
  notes: string[] = []
  /** Bytes behind the last LF. */
  tail: Buffer = Buffer.alloc(0)
  /** Where segments begin, by line; `epoch.open` is one of its own. */
  segmentStarts: number[] = [0, 1]
  /** How the chunks of each segment are cut; default: one chunk. */
  chunkBytes: number = Infinity
  #millis = 0

  constructor(options: EpochOptions & { readonly seed: number; readonly openedMillis: number }) {
    const { log = LOG } = options
    this.log = log
    const key = Ed25519PrivateKey.fromSeed(Buffer.alloc(32, options.seed))
    this.#openedMillis = options.openedMillis
    this.id = epochId(key.publicKey, this.#openedMillis)
    this.key = namedKey(`${log}/${this.id}`, key)
    this.#chain = new EpochChain(log, this.id)
    const detail: EpochOpenDetail = {
      audit: {
        durability: options.durability ?? 'group',
        fail_closed: [],
        redaction: 'r1',
        sdk: 'spanseal/0.1.0',
      },
      deployment: { environment: 'production' },
      key: {
        certs: [...(options.certs ?? certificatesFor(this.key.vkey, options))],
        vkey: this.key.vkey,
      },
      observed: [...(options.observed ?? [])],
      service: { name: 'support-agent', version: '1.4.0' },
    }
    this.append({ type: 'epoch.open', severity: 'info', detail }).checkpoint()
  }

  /** Records so far. */
  get size(): number {
    return this.#chain.size
  }

  get leaf(): string {
    return this.#chain.prev
  }

  /** The name of a record. */
  record(seq: number): string {
    return `${this.id}/${seq}`
  }

  append(draft: RecordDraft, time: { readonly at?: string; readonly mono?: string } = {}): this {
    const line = this.#line(draft, time)
    const { leaf } = this.#chain.frame(line)
    this.#chain.advance(leaf)
    this.lines.push(line)
    return this
  }

  #line(draft: RecordDraft, time: { readonly at?: string; readonly mono?: string }): string {
    const chain = { epoch: this.id, log: this.log, prev: this.leaf, seq: this.size }
    const at = time.at ?? new Date(this.#openedMillis + this.#millis).toISOString()
    const mono = time.mono ?? String(this.#millis * 1_000_000)
    this.#millis += 250
    return recordLine(draft, chain, { at, mono_ns: mono })
  }

  /** A call's intent. */
  start(input = `input ${this.size}`, changes: Partial<RecordDraft> = {}): this {
    const invocation = { input: aCommitment(input), status: 'started' } as const
    return this.append({
      ...attributed,
      type: 'tool.start',
      authorization,
      invocation,
      tool,
      ...changes,
    })
  }

  /** A call's outcome. */
  end(startId: string, input: string, changes: Partial<RecordDraft> = {}): this {
    const invocation = {
      duration_ns: '250000000',
      input: aCommitment(input),
      observed: {
        flags: ['email'],
        input_bytes: 2048,
        input_shape: '0011223344556677',
        output_bytes: 2111,
      },
      output: aCommitment(`output ${startId}`),
      start: startId,
      status: 'success',
      summary: { fields: { amount: 120, currency: 'EUR', status: 'refunded' }, truncated: false },
    } as const
    return this.append({
      ...attributed,
      type: 'tool.end',
      authorization,
      invocation,
      tool,
      ...changes,
    })
  }

  /** Says that two records were lost, and a call not made. */
  gap(changes: Partial<GapDetail> = {}): this {
    const detail: GapDetail = {
      first_at: '2026-11-20T18:40:01.000Z',
      last_at: '2026-11-20T18:40:02.500Z',
      reason: 'journal_full',
      records: 2,
      refused: 1,
      types: { 'tool.end': 1, 'tool.start': 1 },
      ...changes,
    }
    return this.append({ type: 'gap', severity: 'error', detail })
  }

  /** A whole call. */
  call(changes: Partial<RecordDraft> = {}): this {
    const startId = this.record(this.size)
    const input = `input ${this.size}`
    return this.start(input, changes).end(startId, input, changes)
  }

  /** Signs what is there. */
  checkpoint(by: NamedKey = this.key): this {
    return this.note(this.size, this.#chain.root(), by)
  }

  note(size: number, root: string, by: NamedKey = this.key): this {
    const text = formatCheckpoint({ origin: `${this.log}/${this.id}`, size, root })
    this.notes.push(signNoteSync(text, by))
    return this
  }

  close(
    changes: {
      readonly open?: readonly string[]
      readonly more?: number
      readonly records?: number
    } = {},
  ): this {
    const detail = {
      open: changes.open ?? [],
      ...(changes.more !== undefined && { open_more: changes.more }),
      reason: 'shutdown',
      records: changes.records ?? this.size + 1,
    } as const
    return this.append({ type: 'epoch.close', severity: 'info', detail }).checkpoint()
  }

  /** What a later epoch says of this one as it stands. */
  observedAs(state: ObservedState, changes: Partial<ObservedEpoch> = {}): ObservedEpoch {
    const torn =
      this.tail.length > 0 && state === 'crashed'
        ? { torn: { bytes: this.tail.length, sha256: sha256Hex(this.tail) } }
        : {}
    return { epoch: this.id, leaf: this.leaf, size: this.size, state, ...torn, ...changes }
  }

  // Tampering.

  edit(seq: number, change: (line: string) => string): this {
    this.lines[seq] = change(this.lines[seq] as string)
    return this
  }

  remove(from: number, count = 1): this {
    this.lines.splice(from, count)
    return this
  }

  insert(at: number, lines: readonly string[]): this {
    this.lines = [...this.lines.slice(0, at), ...lines, ...this.lines.slice(at)]
    return this
  }

  /** Links (and with `renumber` counts) all lines from this one on again, as who knows the format does. */
  relink(from: number, renumber = false): this {
    let prev = from === 0 ? NO_PREV : leafHash(Buffer.from(this.lines[from - 1] as string))
    for (let i = from; i < this.lines.length; i++) {
      let line = (this.lines[i] as string).replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`)
      if (renumber) line = line.replace(/"seq":\d+\}/, `"seq":${i}}`)
      this.lines[i] = line
      prev = leafHash(Buffer.from(line))
    }
    return this
  }

  /** The root over the lines as they are now. */
  root(size: number = this.lines.length): string {
    const tree = new MerkleFrontier()
    for (const line of this.lines.slice(0, size)) tree.append(leafHash(Buffer.from(line)))
    return tree.root()
  }

  /** The `checkpoints` file. */
  get notesFile(): Buffer {
    return Buffer.from(this.notes.map((note) => `${Buffer.byteLength(note)}\n${note}`).join(''))
  }

  /** The segment files. */
  get segmentFiles(): { readonly firstSeq: number; readonly bytes: Buffer }[] {
    return this.segmentStarts.map((start, i) => {
      const lines = this.lines.slice(start, this.segmentStarts[i + 1])
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
      const last = i === this.segmentStarts.length - 1
      return { firstSeq: start, bytes: last ? Buffer.concat([bytes, this.tail]) : bytes }
    })
  }

  bytes(): EpochBytes {
    const segments = this.segmentFiles.map(({ firstSeq, bytes }) => ({
      file: segmentFile(this.id, firstSeq),
      firstSeq,
      bytes,
    }))
    return epochOf(this.id, segments, { notes: this.notesFile, chunkBytes: this.chunkBytes })
  }
}

export function segmentFile(epoch: string, firstSeq: number): string {
  return `${epoch}/${String(firstSeq).padStart(12, '0')}.jsonl`
}

/** An epoch of given bytes. */
export function epochOf(
  epoch: string,
  segments: readonly {
    readonly file: string
    readonly firstSeq?: number
    readonly bytes: Buffer
  }[],
  rest: { readonly notes: Buffer; readonly chunkBytes?: number },
): EpochBytes {
  const { notes, chunkBytes = Infinity } = rest
  return {
    name: epoch,
    epoch,
    async *segments(): AsyncGenerator<SegmentBytes> {
      for (const { bytes, ...segment } of segments) {
        yield { ...segment, chunks: (from) => chunksOf(bytes.subarray(from), chunkBytes) }
      }
    },
    checkpoints: (from) => chunksOf(notes.subarray(from), chunkBytes),
  }
}

export async function* chunksOf(bytes: Buffer, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += Math.min(chunkBytes, bytes.length)) {
    yield bytes.subarray(i, i + chunkBytes)
  }
}
