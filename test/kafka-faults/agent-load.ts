// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type {
  Actor,
  Authorization,
  CallContext,
  Commitment,
  RecordDraft,
  ToolRef,
} from '@spanseal/core'
import { block, commit, digestValue } from '@spanseal/core'
import type { EpochWriter } from '@spanseal/journal'
import { openWriter } from '@spanseal/journal'
import type { Keyring } from '@spanseal/keys'
import { openKeyring } from '@spanseal/keys'

export const LOG = 'localhost/fault-load'
const EVERY_MILLIS = 20
const WRITERS = 4
const EPOCH_RECORDS_MAX = 2_000

const actor = block<Actor>({ agent: { id: 'support-1', name: 'support' }, user: { ref: 'u-17' } })
const context = block<CallContext>({
  data_classifications: [],
  environment: 'test',
  task_id: 'task-1',
})
const tool = block<ToolRef>({
  name: 'refund_order',
  publisher: 'shop.example',
  trust_level: 'verified',
  type: 'function',
  version: '2.1.0',
})
const authorization = block<Authorization>({
  decision: 'not_required',
  method: 'none',
  permissions_denied: [],
  permissions_used: [],
})

/**
 * Agents at work until told to stop: several writers in one journal, each call with its start and
 * its end, epochs that roll over all the time.
 */
export class AgentLoad {
  readonly journal: string
  /** What a verifier pins. */
  readonly vkey: string
  readonly #keyring: Keyring
  readonly #writers: readonly EpochWriter[]
  readonly #timer: NodeJS.Timeout
  readonly #epochRecordsMax: number
  #calls = 0

  /** @param epochRecordsMax of each writer */
  constructor(journal: string, epochRecordsMax: number = EPOCH_RECORDS_MAX) {
    this.journal = journal
    this.#epochRecordsMax = epochRecordsMax
    this.#keyring = openKeyring({ log: LOG, journal })
    this.vkey = this.#keyring.issuer.vkey
    this.#writers = Array.from({ length: WRITERS }, () => this.#openWriter())
    this.#timer = setInterval(() => this.#work(), EVERY_MILLIS)
  }

  /** Tool calls so far, two records each. */
  get calls(): number {
    return this.#calls
  }

  /** The epochs that are written to now. */
  get liveEpochs(): readonly string[] {
    return this.#writers.flatMap((writer) => writer.health().epoch ?? [])
  }

  /** One call whose record is about `bytes` long, of text that does not compress. */
  largeCall(bytes: number): void {
    const note = Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('base64')
    this.#call(this.#writers[0] as EpochWriter, { ext: block({ note: note.slice(0, bytes) }) })
  }

  /** Ends all work; every epoch is closed. */
  stop(): void {
    clearInterval(this.#timer)
    for (const writer of this.#writers) writer.close()
  }

  #openWriter(): EpochWriter {
    return openWriter({
      journal: this.journal,
      log: LOG,
      keys: this.#keyring,
      service: { name: 'fault-load' },
      deployment: { environment: 'test' },
      audit: { redaction: 'test/1', sdk: 'test', fail_closed: [] },
      durability: 'interval',
      epochRecordsMax: this.#epochRecordsMax,
      checkpointMillis: 1_000,
    })
  }

  #work(): void {
    for (const writer of this.#writers) {
      this.#call(writer)
      this.#call(writer)
    }
  }

  #call(writer: EpochWriter, more: Pick<RecordDraft, 'ext'> = {}): void {
    const id = this.#calls++
    const trace = {
      span_id: id.toString(16).padStart(16, '0'),
      trace_id: (1 + Math.floor(id / 20)).toString(16).padStart(32, '0'),
    }
    const common = { severity: 'info', actor, authorization, context, tool, trace } as const
    let start = ''
    writer.append((place) => {
      start = `${place.epoch}/${place.seq}`
      const input = this.#commitment(id, start)
      return { ...common, ...more, type: 'tool.start', invocation: { input, status: 'started' } }
    })
    writer.append(() => {
      const input = this.#commitment(id, start)
      const invocation = { duration_ns: '1000000', input, start, status: 'success' as const }
      return { ...common, type: 'tool.end', invocation }
    })
  }

  #commitment(id: number, start: string): Commitment {
    const [epoch = '', seq = ''] = start.split('/')
    const place = { epoch, seq: Number(seq), pointer: '/invocation/input' }
    return commit(digestValue({ order: `A-${id}` }), place, this.#keyring.commitKeys())
  }
}
