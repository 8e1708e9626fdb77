// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { NoteKey } from '@spanseal/core'
import {
  AuditError,
  leafHash,
  MerkleFrontier,
  parseCertificate,
  parseNote,
  parseRevocation,
  parseVkey,
  readTenantEntry,
} from '@spanseal/core'
import type { TenantLog } from '../log/tenant-log.ts'

/** What the log says of an epoch. */
export interface SealedEpoch {
  /** The epoch's key, of its certificate entry. */
  readonly key: NoteKey
  /** Of its newest checkpoint entry; 0 before the first. */
  readonly size: number
  readonly root: string
  /** Index of that entry. */
  readonly entry: number
}

/** What a tenant log holds, as its sealer needs it: made again from the entries at each start. */
export class SealedEpochs {
  readonly #epochs = new Map<string, SealedEpoch>()
  /** By verifier key: the smallest size. */
  readonly #revoked = new Map<string, number>()
  readonly #revocations = new Set<string>()

  /**
   * Reads all entries, and holds them against the log's root.
   *
   * @throws AuditError `LOG_UNUSABLE` where they do not have it
   */
  static async read(log: TenantLog): Promise<SealedEpochs> {
    const sealed = new SealedEpochs()
    const tree = new MerkleFrontier()
    try {
      for await (const entry of log.entries()) {
        sealed.take(entry, tree.size)
        tree.append(leafHash(entry))
      }
    } catch (cause) {
      throw unlike(log, cause)
    }
    if (tree.size !== log.size || (log.size > 0 && tree.root() !== log.head?.root))
      throw unlike(log)
    return sealed
  }

  get(epoch: string): SealedEpoch | undefined {
    return this.#epochs.get(epoch)
  }

  get count(): number {
    return this.#epochs.size
  }

  /** The size below which the log must have held what `vkey` vouched for. */
  revokedBelow(vkey: string): number {
    return this.#revoked.get(vkey) ?? Number.POSITIVE_INFINITY
  }

  hasRevocation(note: string): boolean {
    return this.#revocations.has(note)
  }

  /** Takes an entry of the log. */
  take(bytes: Uint8Array, index: number): void {
    const entry = readTenantEntry(bytes)
    if (entry === undefined) return
    if (entry.kind === 'revocation') {
      const { vkey, tenantLogSize } = parseRevocation(entry.note.text)
      this.#revoked.set(vkey, Math.min(tenantLogSize, this.revokedBelow(vkey)))
      this.#revocations.add(Buffer.from(bytes).toString('utf8'))
      return
    }
    const known = this.#epochs.get(entry.epoch)
    if (entry.kind === 'certificate') {
      const key = parseVkey(parseCertificate(parseNote(entry.text).text).vkey)
      if (known === undefined)
        this.#epochs.set(entry.epoch, { key, size: 0, root: '', entry: index })
    } else if (known !== undefined && entry.head.size > known.size) {
      const { root, size } = entry.head
      this.#epochs.set(entry.epoch, { key: known.key, size, root, entry: index })
    }
  }
}

function unlike(log: TenantLog, cause?: unknown): AuditError {
  const message = `${log.folder}: the entries are not what the checkpoint says`
  return new AuditError('LOG_UNUSABLE', message, { cause, details: { file: log.folder } })
}
