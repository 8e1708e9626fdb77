// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { MerkleFrontier, sha256Hex } from '@spanseal/core'
import { readIfThere } from '../log/log-files.ts'
import type { LogFs } from '../log/log-fs.ts'
import { errnoOf, FileWriter, nodeFs, PRIVATE } from '../log/log-fs.ts'
import { sealerFolder } from '../log/tenant-log.ts'
import type { ShownCheckpoint } from './epoch-material.ts'
import type { Refused } from './refusal.ts'
import type { SealedEpoch } from './sealed-epochs.ts'

const EPOCH_BYTES_MAX = 262_144
/** So that somebody who makes forks cannot fill the disk. */
const EVIDENCE_FILES_MAX = 1_000

/** Where the last sealed checkpoint of an epoch is kept with what it takes to go on from it. */
export interface KeptEpoch {
  readonly nodes: readonly string[]
  /** The signed note. */
  readonly note: string
}

/** What a sealer keeps beside the log. All but the evidence can be lost. */
export class SealerFiles {
  readonly #folder: string
  readonly #port: LogFs
  #epochs: FileWriter
  readonly #evidence: FileWriter
  #evidenceCount: number | undefined

  constructor(logFolder: string, port: LogFs = nodeFs) {
    this.#folder = sealerFolder(logFolder)
    this.#port = port
    this.#epochs = new FileWriter(port, join(this.#folder, 'epochs'), PRIVATE)
    this.#evidence = new FileWriter(port, join(this.#folder, 'evidence'), PRIVATE)
  }

  /** What was kept when the epoch was sealed; undefined where it does not have the sealed root. */
  async keptOf(epoch: string, sealed: SealedEpoch): Promise<KeptEpoch | undefined> {
    try {
      const wanted = { path: join('epochs', `${epoch}.json`), bytesMax: EPOCH_BYTES_MAX }
      const bytes = await readIfThere(this.#folder, wanted)
      if (bytes === undefined) return undefined
      const { nodes, note } = JSON.parse(bytes.toString()) as Partial<KeptEpoch>
      if (!Array.isArray(nodes) || typeof note !== 'string') return undefined
      const tree = MerkleFrontier.resume(sealed.size, nodes as string[])
      return tree?.root() === sealed.root ? { nodes: nodes as string[], note } : undefined
    } catch {
      return undefined
    }
  }

  /** Spares reading the epoch from its beginning the next time; where it cannot be kept, that is done. */
  keep(epoch: string, kept: KeptEpoch): void {
    try {
      this.#epochs.makeRoot()
      this.#epochs.put(`${epoch}.json`, Buffer.from(JSON.stringify(kept)))
    } catch {
      // The entry is published by now: nothing depends on this.
      this.#epochs = new FileWriter(this.#port, join(this.#folder, 'epochs'), PRIVATE)
    }
  }

  /**
   * Keeps both heads of a contradiction.
   *
   * @returns the file; undefined where there are too many already
   */
  keepEvidence(found: {
    readonly epoch: string
    readonly refused: Refused
    readonly shown: readonly ShownCheckpoint[]
    readonly sealed: SealedEpoch | undefined
    readonly kept: KeptEpoch | undefined
  }): string | undefined {
    const { epoch, kept, refused, sealed, shown } = found
    const head = shown.find(({ size }) => size === refused.size) ?? shown.at(-1)
    const content = {
      epoch,
      reason: refused.reason,
      message: refused.message,
      ...(head && { shown: head.note }),
      ...(sealed && { sealed: { entry: sealed.entry, size: sealed.size, root: sealed.root } }),
      ...(kept && { sealedNote: kept.note }),
    }
    const text = `${JSON.stringify(content, undefined, 2)}\n`
    const name = `${epoch}-${sha256Hex(text).slice(0, 16)}.json`
    const file = join(this.#folder, 'evidence', name)
    const names = this.#names()
    if (names.has(name)) return file
    this.#evidenceCount ??= names.size
    if (this.#evidenceCount >= EVIDENCE_FILES_MAX) return undefined
    this.#evidence.makeRoot()
    this.#evidence.put(name, Buffer.from(text))
    this.#evidence.sync()
    this.#evidenceCount++
    return file
  }

  #names(): Set<string> {
    try {
      return new Set(readdirSync(join(this.#folder, 'evidence')))
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return new Set()
      throw error
    }
  }
}
