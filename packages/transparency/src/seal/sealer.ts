// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch, EpochBytes, NoteKey } from '@spanseal/core'
import { AuditError, isEpochId, noteSignedBy, parseNote, parseRevocation } from '@spanseal/core'
import type { LogFs } from '../log/log-fs.ts'
import type { TenantLog } from '../log/tenant-log.ts'
import type { EpochMaterial, NotesRead } from './epoch-material.ts'
import { journalMaterial } from './epoch-material.ts'
import type { Addition } from './judge-epoch.ts'
import { judgeEpoch } from './judge-epoch.ts'
import type { Refusal } from './refusal.ts'
import { isAlarm, Refused } from './refusal.ts'
import { SealedEpochs } from './sealed-epochs.ts'
import { SealerFiles } from './sealer-files.ts'
import { StreamEpoch } from './stream-epoch.ts'

/** Epochs that are published at once. */
const ADDITIONS_MAX = 1_024

export interface SealerOptions {
  /** Issuer keys whose epochs are taken without a certificate of theirs by the tenant. */
  readonly issuers?: readonly NoteKey[]
  /** Default: Node's. */
  readonly fs?: LogFs
  /** Told of each epoch that was looked at. */
  readonly onEpoch?: (name: string) => void
}

/** What a round did. */
export interface SealRound {
  /** Epochs whose checkpoints were added. */
  readonly added: readonly { readonly epoch: string; readonly size: number }[]
  /** Epochs of which there was nothing new. */
  readonly unchanged: number
  /** Epochs of a stream whose checkpoints came before all of their records. */
  readonly waiting: number
  readonly refused: readonly Refusal[]
}

interface Round {
  readonly added: { readonly epoch: string; readonly size: number }[]
  readonly refused: Refusal[]
  readonly planned: Map<string, Addition>
  entries: number
  unchanged: number
  waiting: number
}

/**
 * Takes epochs' checkpoints into a tenant log, each only if it holds (`spec/tenant-log.md`). What is
 * refused is told and never a reason to stop. One call at a time.
 */
export class Sealer {
  readonly #log: TenantLog
  readonly #pinned: readonly NoteKey[]
  readonly #sealed: SealedEpochs
  readonly #files: SealerFiles
  readonly #onEpoch: (name: string) => void
  /** By where the epoch lies. */
  readonly #read = new Map<string, NotesRead>()
  readonly #stream = new Map<string, StreamEpoch>()

  private constructor(log: TenantLog, sealed: SealedEpochs, options: SealerOptions) {
    this.#log = log
    this.#sealed = sealed
    this.#pinned = [log.key, ...(options.issuers ?? [])]
    this.#files = new SealerFiles(log.folder, options.fs)
    this.#onEpoch = options.onEpoch ?? ((): void => {})
  }

  /**
   * Reads what the log holds.
   *
   * @throws AuditError `LOG_UNUSABLE` where its entries are not what its checkpoint says
   */
  static async open(log: TenantLog, options: SealerOptions = {}): Promise<Sealer> {
    return new Sealer(log, await SealedEpochs.read(log), options)
  }

  /** Epochs in the log. */
  get epochs(): number {
    return this.#sealed.count
  }

  /**
   * Seals the epochs of journals. Of an epoch that shows no more checkpoints than the last time nothing is
   * read, and what was refused of it is not told again.
   *
   * @throws AuditError `LOG_UNUSABLE` or what the signer throws: then nothing of the last batch is in
   * the log; what the iteration throws
   */
  async sealJournal(epochs: AsyncIterable<EpochBytes>): Promise<SealRound> {
    const round = newRound()
    const reached = new Map<string, NotesRead>()
    for await (const bytes of epochs) {
      this.#onEpoch(bytes.name)
      const shown = await this.#journalEpoch(bytes, round)
      if (shown === undefined) continue
      const { material, read } = shown
      await this.#consider(material, round)
      if (read !== undefined) reached.set(bytes.name, read)
    }
    await this.#flush(round)
    // Not before it is published: what failed is looked at again.
    for (const [name, read] of reached) this.#read.set(name, read)
    return resultOf(round)
  }

  /** Takes what a stream shows; sealed by {@link Sealer.sealStream}. */
  take({ checkpoints, records }: Batch): void {
    for (const record of records) {
      if (record.log === this.#log.name) this.#streamEpoch(record.epoch)?.take(record)
    }
    for (const checkpoint of checkpoints) {
      if (checkpoint.log === this.#log.name) {
        this.#streamEpoch(checkpoint.epoch)?.takeCheckpoint(checkpoint)
      }
    }
  }

  /** Seals what came by {@link Sealer.take}; at its `end` what is missing will not come. */
  async sealStream(end: boolean): Promise<SealRound> {
    const round = newRound()
    for (const [epoch, stream] of this.#stream) {
      if (!stream.isNew && !end) continue
      stream.isNew = false
      this.#onEpoch(epoch)
      const material = stream.material()
      if (stream.forkAt !== undefined) {
        const why = `two records were sent for seq ${stream.forkAt}`
        await this.#refuse(material, new Refused('forked', why), round)
        continue
      }
      const reached = material.checkpoints.filter(({ size }) => end || stream.reaches(size))
      if (reached.length < material.checkpoints.length) round.waiting++
      await this.#consider({ ...material, checkpoints: reached }, round)
    }
    await this.#flush(round)
    for (const [epoch, stream] of this.#stream) {
      stream.forgetBelow(this.#sealed.get(epoch)?.size ?? 0)
    }
    return resultOf(round)
  }

  /**
   * Adds revocations, each a note that the tenant key signed.
   *
   * @returns how many were added: not those that the log holds
   * @throws AuditError `MALFORMED_NOTE`, `MALFORMED_REVOCATION` for what is none of this tenant
   */
  async revoke(notes: readonly string[]): Promise<number> {
    const fresh = [...new Set(notes)].filter((note) => !this.#sealed.hasRevocation(note))
    for (const note of fresh) {
      const parsed = parseNote(note)
      if (
        parseRevocation(parsed.text).log === this.#log.name &&
        noteSignedBy(parsed, this.#log.key)
      )
        continue
      const message = `this revocation is not one of the tenant ${this.#log.name}, signed by its key`
      throw new AuditError('MALFORMED_REVOCATION', message)
    }
    await this.#append(fresh.map((note) => Buffer.from(note)))
    return fresh.length
  }

  async #journalEpoch(bytes: EpochBytes, round: Round): ReturnType<typeof journalMaterial> {
    try {
      const shown = await journalMaterial(bytes, this.#read.get(bytes.name))
      if (shown === undefined) round.unchanged++
      return shown
    } catch (error) {
      if (!(error instanceof AuditError)) throw error
      round.refused.push({
        reason: 'malformed',
        epoch: bytes.epoch ?? '',
        source: bytes.name,
        message: error.message,
        alarm: false,
      })
      return undefined
    }
  }

  async #consider(material: EpochMaterial, round: Round): Promise<void> {
    const { epoch } = material
    // The same epoch twice in one round: the second is held against the first.
    if (round.planned.has(epoch) || round.planned.size >= ADDITIONS_MAX) await this.#flush(round)
    const sealed = this.#sealed.get(epoch)
    const kept = sealed === undefined ? undefined : await this.#files.keptOf(epoch, sealed)
    try {
      const addition = await judgeEpoch(material, {
        log: this.#log.name,
        pinned: this.#pinned,
        sealed,
        base: kept?.nodes,
        revokedBelow: (vkey) => this.#sealed.revokedBelow(vkey),
        nextIndex: this.#log.size + round.entries,
      })
      if (addition === undefined) {
        round.unchanged++
        return
      }
      for (const refused of addition.refused) await this.#refuse(material, refused, round)
      round.planned.set(epoch, addition)
      round.entries += addition.certificate === undefined ? 1 : 2
    } catch (error) {
      // What cannot be read holds up nobody else.
      const isSource = error instanceof AuditError && SOURCE_CODES.has(error.code)
      if (!(error instanceof Refused) && !isSource) throw error
      const refused = error instanceof Refused ? error : new Refused('malformed', error.message)
      await this.#refuse(material, refused, round)
    }
  }

  async #refuse(material: EpochMaterial, refused: Refused, round: Round): Promise<void> {
    const { checkpoints: shown, epoch, source } = material
    const { message, reason, size } = refused
    const alarm = isAlarm(reason)
    const sealed = this.#sealed.get(epoch)
    const kept = sealed === undefined ? undefined : await this.#files.keptOf(epoch, sealed)
    const evidence =
      alarm && isEpochId(epoch)
        ? this.#files.keepEvidence({ epoch, refused, shown, sealed, kept })
        : undefined
    round.refused.push({
      reason,
      epoch,
      source,
      ...(size === undefined ? {} : { size }),
      message,
      alarm,
      ...(evidence === undefined ? {} : { evidence }),
    })
  }

  async #flush(round: Round): Promise<void> {
    const additions = [...round.planned.values()]
    round.planned.clear()
    round.entries = 0
    await this.#append(
      additions.flatMap(({ certificate, checkpoint }) => [
        ...(certificate === undefined ? [] : [Buffer.from(certificate)]),
        Buffer.from(parseNote(checkpoint.note).text),
      ]),
    )
    for (const { checkpoint, epoch, nodes } of additions) {
      this.#files.keep(epoch, { nodes, note: checkpoint.note })
      round.added.push({ epoch, size: checkpoint.size })
    }
  }

  async #append(entries: readonly Buffer[]): Promise<void> {
    const first = this.#log.size
    await this.#log.append(entries)
    for (const [i, entry] of entries.entries()) this.#sealed.take(entry, first + i)
  }

  #streamEpoch(epoch: string): StreamEpoch | undefined {
    let stream = this.#stream.get(epoch)
    if (stream === undefined && isEpochId(epoch)) {
      stream = new StreamEpoch('Kafka', epoch, this.#sealed.get(epoch)?.size ?? 0)
      this.#stream.set(epoch, stream)
    }
    return stream
  }
}

const SOURCE_CODES: ReadonlySet<string> = new Set(['JOURNAL_UNUSABLE', 'NOT_FOUND'])

function newRound(): Round {
  return { added: [], refused: [], planned: new Map(), entries: 0, unchanged: 0, waiting: 0 }
}

function resultOf({ added, refused, unchanged, waiting }: Round): SealRound {
  return { added, unchanged, waiting, refused }
}
