// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** The interfaces through which records leave a log; every package speaks these and no others. */

/** A record on its way: the exact bytes that were hashed, and what is needed to file them. */
export interface SealedRecord {
  readonly log: string
  readonly epoch: string
  /** 0, 1, 2 … within the epoch. */
  readonly seq: number
  /** The record's RFC 6962 leaf hash, 64 hex digits: the `prev` of its successor. */
  readonly leaf: string
  /** The event type, for instance `tool.end`. */
  readonly type: string
  /** W3C `traceparent` of the record's span, where it has one. */
  readonly traceparent?: string
  /** The canonical line without LF. Nobody on the way re-serialises it. */
  readonly line: Uint8Array
}

/** An epoch's signed head on its way. */
export interface SealedCheckpoint {
  readonly log: string
  readonly epoch: string
  readonly size: number
  /** The C2SP signed note. */
  readonly note: string
}

/** What a source hands out and a sink takes: records in order of `seq` within each epoch. */
export interface Batch {
  readonly records: readonly SealedRecord[]
  readonly checkpoints: readonly SealedCheckpoint[]
}

export interface BatchLimits {
  /** Records at most; default 500. */
  readonly recordCountMax: number
  /** Bytes of lines at most; default 900,000, below Kafka's default message limit. */
  readonly bytesMax: number
}

export const DEFAULT_BATCH_LIMITS: BatchLimits = { recordCountMax: 500, bytesMax: 900_000 }

/**
 * Where records come from.
 *
 * Order: within an epoch by `seq`; duplicates after a restart are allowed, holes are not.
 */
export interface RecordSource {
  /**
   * True where `read` waits for nothing but the disk and may be called while an earlier batch is
   * being delivered: then the next batch is read meanwhile. Default: read after each commit.
   */
  readonly readsAhead?: boolean
  /** The next batch behind the last one read, or undefined when there is none at present. */
  read(limits: BatchLimits): Promise<Batch | undefined>
  /** Durably notes that `batch` and all before it were acknowledged; idempotent. */
  commit(batch: Batch): Promise<void>
  /** Forgets what was read and not committed, so that it is read again. */
  rewind(): Promise<void>
  /** Resolves when more may be there, after `timeoutMillis`, or when `signal` aborts. */
  wait(timeoutMillis: number, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/**
 * Where records go.
 *
 * A sink must be idempotent by `(epoch, seq)`: the same record may come again. Same leaf means
 * duplicate, another leaf means fork, which is an alarm and never an overwrite.
 */
export interface RecordSink {
  /** Names the cursor: unique among the sinks of one journal, `[a-z0-9-]{1,64}`. */
  readonly name: string
  /**
   * Records that the sink could not take as records and put aside durably, with the reason, since it
   * was made; they count as delivered. Absent where a sink puts nothing aside.
   */
  readonly deadLetters?: number
  /**
   * Says what is delivered next while another batch is on its way, so that it can be made ready. A
   * hint: the batch may never come, and another may come first. Sends nothing, never throws. Absent
   * where there is nothing to make ready.
   */
  prepare?(batch: Batch): void
  /**
   * Resolves when the batch is stored as durably as the sink promises; rejects when that is
   * doubtful, and then takes the same batch again.
   */
  deliver(batch: Batch): Promise<void>
  /** Resolves within `timeoutMillis`, whatever is still under way. Idempotent. */
  close(timeoutMillis: number): Promise<void>
}

/** Whoever signs notes: a key in this process, a file, a command, a KMS. */
export interface Signer {
  /** `<name>+<key id>+<base64>`, C2SP signed-note. */
  readonly vkey: string
  /** The Ed25519 signature (64 bytes) over exactly `message`. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>
}
