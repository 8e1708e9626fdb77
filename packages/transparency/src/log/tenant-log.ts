// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { resolve } from 'node:path'
import type { Checkpoint, NoteKey, NoteSignature, Signer, TenantLogTiles } from '@spanseal/core'
import {
  AuditError,
  consistencyProof,
  formatCheckpoint,
  isConsistent,
  isLogName,
  noteSignedBy,
  parseCheckpoint,
  parseNote,
  parseVkey,
  signNote,
  tileNodes,
  treeRoot,
} from '@spanseal/core'
import { readIfThere, readTenantLog, timestampPath, unusable } from './log-files.ts'
import type { LogFs } from './log-fs.ts'
import { FileWriter, nodeFs, PRIVATE, SERVED } from './log-fs.ts'
import type { LogLock } from './log-lock.ts'
import { lockLog } from './log-lock.ts'
import { PublishedHead } from './published-head.ts'
import { RightEdge } from './right-edge.ts'

const CHECKPOINT_FILE = 'checkpoint'
const HEAD_FILE = 'head'
const NOTE_BYTES_MAX = 65_536
/** Entries of one append; bounds its memory. */
export const APPEND_ENTRIES_MAX = 65_536

export interface OpenTenantLogOptions {
  /** To be served; made where it is not there. The sealer’s own files lie in `<folder>.sealer`. */
  readonly folder: string
  /** The tenant key; its name is the log's. */
  readonly signer: Signer
  /** Default: Node's. */
  readonly fs?: LogFs
}

/** Where a log's writer keeps what is not served. */
export function sealerFolder(folder: string): string {
  return `${resolve(folder)}.sealer`
}

/**
 * The one writer of a tenant log on disk (`spec/tenant-log.md`).
 *
 * What `append` resolved for is published and survives a loss of power; what it rejected for is not
 * there, unless the code is `LOG_UNUSABLE`: then it may be, nothing more is written, and opening the
 * log again tells. Calls take turns.
 */
export class TenantLog {
  readonly key: NoteKey
  readonly folder: string
  /** To be read while it is written to. */
  readonly tiles: TenantLogTiles
  readonly #signer: Signer
  readonly #served: FileWriter
  readonly #own: FileWriter
  readonly #lock: LogLock
  #edge: RightEdge = RightEdge.empty
  #head: PublishedHead | undefined
  #failure: unknown
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(options: OpenTenantLogOptions, key: NoteKey) {
    const { folder, fs = nodeFs, signer } = options
    this.folder = resolve(folder)
    this.key = key
    this.tiles = readTenantLog(this.folder)
    this.#signer = signer
    this.#served = new FileWriter(fs, this.folder, SERVED)
    this.#own = new FileWriter(fs, sealerFolder(folder), PRIVATE)
    for (const writer of [this.#served, this.#own]) writer.makeRoot()
    this.#lock = lockLog(sealerFolder(folder), fs)
  }

  /**
   * Opens a log for writing, or begins one, and checks that it is what its own checkpoint says.
   *
   * @throws AuditError `INVALID_OPTION` for a name that no tenant log may have; `LOG_UNUSABLE` when
   * another sealer has it open, or it was rolled back, cut or changed
   */
  static async open(options: OpenTenantLogOptions): Promise<TenantLog> {
    const key = parseVkey(options.signer.vkey)
    if (!isLogName(key.name) || key.name.startsWith('localhost/')) {
      const message = `a tenant log cannot be named ${key.name}: give the log a name under a domain that is yours`
      throw new AuditError('INVALID_OPTION', message, { details: { option: 'signer' } })
    }
    const log = new TenantLog(options, key)
    try {
      await log.#load()
      return log
    } catch (error) {
      log.#lock.release()
      throw error
    }
  }

  get name(): string {
    return this.key.name
  }

  get size(): number {
    return this.#edge.size
  }

  /** The newest published head; undefined before the first entry. */
  get head(): Checkpoint | undefined {
    return this.#head?.checkpoint
  }

  /** Its note with the log's signature alone, as witnesses get it. */
  get signedHead(): string | undefined {
    return this.#head?.signed
  }

  /** Its note with all cosignatures, as it is published. */
  get publishedHead(): string | undefined {
    return this.#head?.note
  }

  /** The first entries of the log that can be read, `size` of them. */
  entries(): AsyncIterable<Uint8Array> {
    return this.tiles.entries(this.size)
  }

  /**
   * Appends entries and publishes the checkpoint that covers them.
   *
   * @throws AuditError `MALFORMED_TILE` for an entry over 65,535 bytes; what the signer throws;
   * `LOG_UNUSABLE` when it cannot be written
   */
  append(entries: readonly Uint8Array[]): Promise<void> {
    return this.#inTurn(async () => {
      if (entries.length > APPEND_ENTRIES_MAX) {
        throw new AuditError('INVALID_OPTION', `more than ${APPEND_ENTRIES_MAX} entries at once`)
      }
      if (entries.length === 0) return
      const { edge, files, root } = await this.#edge.append(entries)
      const text = formatCheckpoint({ origin: this.name, size: edge.size, root })
      const note = await signNote(text, this.#signer)
      // In pairs: a signer that signs something else must not be published.
      if (!noteSignedBy(parseNote(note), this.key)) {
        throw new AuditError('SIGNER_FAILED', 'the signer’s signature is not one of the tenant key')
      }
      const head = PublishedHead.parse(note, this.key)
      this.#write(() => {
        for (const { path, bytes } of files) this.#served.put(path, bytes)
        this.#served.sync()
        this.#publish(head)
        this.#own.put(HEAD_FILE, Buffer.from(note))
        this.#own.sync()
      })
      this.#edge = edge
    })
  }

  /**
   * Adds a cosignature, which the caller has verified, to the published checkpoint.
   *
   * @returns whether it was added: not where another head has been published since
   */
  addCosignature(text: string, cosignature: NoteSignature): Promise<boolean> {
    return this.#inTurn(async () => {
      const head = this.#head?.text === text ? this.#head.with(cosignature) : undefined
      if (head === undefined) return false
      if (head.note !== this.#head?.note) this.#write(() => this.#publish(head))
      return true
    })
  }

  /** Puts an RFC 3161 response over the text of the checkpoint of `size` beside it. */
  addTimestamp(size: number, response: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      this.#write(() => {
        this.#served.put(timestampPath(size), response)
        this.#served.sync()
      })
    })
  }

  /** Waits for what is under way and lets others write. Idempotent. */
  async close(): Promise<void> {
    await this.#turn.catch(() => undefined)
    this.#failure ??= new AuditError('LOG_UNUSABLE', `${this.folder}: the log was closed`)
    this.#lock.release()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(async () => {
      if (this.#failure === undefined) return work()
      throw unusable(this.folder, 'is not written to any more; open it again', this.#failure)
    })
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** After an error nobody knows what is on the disk: only opening the log again tells. */
  #write(calls: () => void): void {
    this.#lock.assertHeld()
    try {
      calls()
    } catch (error) {
      this.#failure = error
      throw unusable(this.folder, 'cannot be written', error)
    }
  }

  #publish(head: PublishedHead): void {
    this.#lock.assertHeld()
    this.#served.put(CHECKPOINT_FILE, Buffer.from(head.note))
    this.#served.sync()
    this.#head = head
  }

  async #load(): Promise<void> {
    const published = await this.#published()
    const remembered = await this.#remembered()
    if (published === undefined) {
      if (remembered === undefined) return
      throw unusable(
        this.folder,
        `has no checkpoint, and had ${remembered.size} entries: it was removed`,
      )
    }
    try {
      await this.#takeUp(published, remembered)
    } catch (error) {
      if (error instanceof AuditError && error.code === 'LOG_UNUSABLE') throw error
      throw unusable(this.folder, 'is not what its checkpoint says', error)
    }
  }

  async #takeUp(head: PublishedHead, remembered: Checkpoint | undefined): Promise<void> {
    const { root, size } = head.checkpoint
    const nodes = tileNodes(size, this.tiles.tile)
    if ((await treeRoot(size, nodes)) !== root) {
      throw unusable(this.folder, 'has tiles with another root than its checkpoint')
    }
    if (remembered !== undefined && remembered.size > size) {
      const was = `it had ${remembered.size} entries and has ${size}`
      throw unusable(this.folder, `was rolled back: ${was}`)
    }
    if (remembered !== undefined) {
      const proof = await consistencyProof(remembered.size, size, nodes)
      if (!isConsistent(remembered, head.checkpoint, proof)) {
        throw unusable(
          this.folder,
          `was written anew: its first ${remembered.size} entries are other ones`,
        )
      }
    }
    this.#edge = await RightEdge.read(this.tiles, size)
    this.#head = head
    this.#own.put(HEAD_FILE, Buffer.from(head.signed))
    this.#own.sync()
  }

  async #published(): Promise<PublishedHead | undefined> {
    const wanted = { path: CHECKPOINT_FILE, bytesMax: NOTE_BYTES_MAX }
    const bytes = await readIfThere(this.folder, wanted)
    if (bytes === undefined) return undefined
    try {
      const head = PublishedHead.parse(bytes.toString(), this.key)
      const { origin, size } = head.checkpoint
      if (noteSignedBy(parseNote(head.signed), this.key) && origin === this.name && size > 0)
        return head
    } catch (error) {
      throw unusable(this.folder, 'has a checkpoint that is none of this tenant key', error)
    }
    throw unusable(this.folder, 'has a checkpoint that is not signed by this tenant key')
  }

  /** What this writer published last; anything but a head that it signed is nothing. */
  async #remembered(): Promise<Checkpoint | undefined> {
    const wanted = { path: HEAD_FILE, bytesMax: NOTE_BYTES_MAX }
    const bytes = await readIfThere(sealerFolder(this.folder), wanted)
    if (bytes === undefined) return undefined
    try {
      const note = parseNote(bytes.toString())
      const head = parseCheckpoint(note.text)
      return noteSignedBy(note, this.key) && head.origin === this.name ? head : undefined
    } catch {
      return undefined
    }
  }
}
