// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { constants, open } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { AuditError, IncrementalSha256 } from '@spanseal/core'
import { openSegment, readRange } from '@spanseal/journal'
import type { ExportFile } from './export-files.ts'

const CHUNK_BYTES = 1024 * 1024

export interface DraftOptions {
  readonly signal: AbortSignal
  readonly onBytes: (bytes: number) => void
}

/**
 * An export on its way: a folder beside the final one, renamed when it is whole. What is stopped or
 * fails leaves nothing under the final name.
 */
export class ExportDraft {
  readonly folder: string
  readonly #final: string
  readonly #options: DraftOptions
  /** Path in the export to SHA-256 in hex. */
  readonly #sums = new Map<string, string>()

  /** @throws AuditError `INVALID_OPTION` where `out` is there and not an empty folder, or cannot be made */
  constructor(out: string, options: DraftOptions) {
    this.#final = freePlace(out)
    this.#options = options
    this.folder = join(dirname(this.#final), `.${basename(this.#final)}.draft-${process.pid}`)
    try {
      mkdirSync(this.folder, { recursive: false })
    } catch (cause) {
      throw refused(out, `cannot be made (${(cause as NodeJS.ErrnoException).code})`, cause)
    }
  }

  /** Copies a file byte for byte, and reads the copy again. */
  async copy(file: ExportFile): Promise<void> {
    const { from, to, bytesMax = Number.MAX_SAFE_INTEGER, segment } = file
    const source = segment?.compressed === true ? undefined : await openOwn(from, segment)
    if (source === undefined) return this.#put(to, this.#contentOf(file))
    try {
      if (!(await source.stat()).isFile()) {
        throw new AuditError('JOURNAL_UNUSABLE', `${from} is not a regular file`)
      }
      await this.#put(to, this.#chunks(source, bytesMax))
    } finally {
      await source.close()
    }
  }

  async #put(to: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const target = await this.#create(to)
    const sha = new IncrementalSha256()
    try {
      for await (const chunk of chunks) {
        await writeWhole(target, chunk)
        sha.update(chunk)
      }
      await target.sync()
    } finally {
      await target.close()
    }
    await this.#seal(to, sha.hex())
  }

  /** What a compressed segment holds. */
  async *#contentOf({ from, segment }: ExportFile): AsyncGenerator<Uint8Array> {
    if (segment === undefined) return
    const file = openSegment(segment, false)
    try {
      for (let at = 0; at < file.size; ) {
        this.#options.signal.throwIfAborted()
        const chunk = readRange(file, at, Math.min(CHUNK_BYTES, file.size - at))
        if (chunk.length === 0) break
        at += chunk.length
        this.#options.onBytes(chunk.length)
        yield chunk
      }
      if (file.damage === undefined) return
      const message = `${from} is damaged (${file.damage})`
      throw new AuditError('JOURNAL_UNUSABLE', message, { details: { file: from } })
    } finally {
      file.close()
    }
  }

  /** Lays a file of our own beside. */
  async write(to: string, bytes: Uint8Array): Promise<void> {
    const target = await this.#create(to)
    try {
      await writeWhole(target, bytes)
      await target.sync()
    } finally {
      await target.close()
    }
    await this.#seal(to, new IncrementalSha256().update(bytes).hex())
  }

  /** The list that `sha256sum -c SHA256SUMS` reads, of all that was put in so far. */
  sums(): string {
    const lines = [...this.#sums].sort(([a], [b]) => (a < b ? -1 : 1))
    return lines.map(([path, hex]) => `${hex}  ${path}\n`).join('')
  }

  get files(): number {
    return this.#sums.size
  }

  /** Gives the export its name; it must still be free. */
  publish(): void {
    this.#options.signal.throwIfAborted()
    freePlace(this.#final)
    try {
      renameSync(this.folder, this.#final)
      syncFolder(dirname(this.#final))
    } catch (cause) {
      throw refused(this.#final, `cannot be made (${(cause as NodeJS.ErrnoException).code})`, cause)
    }
  }

  /** Removes what was not published. */
  discard(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #create(to: string): Promise<FileHandle> {
    const path = join(this.folder, to)
    mkdirSync(dirname(path), { recursive: true })
    return open(path, 'wx')
  }

  /** What was written is what is read. */
  async #seal(to: string, expected: string): Promise<void> {
    const copy = await open(join(this.folder, to), 'r')
    const sha = new IncrementalSha256()
    try {
      for await (const chunk of this.#chunks(copy, Number.MAX_SAFE_INTEGER, true)) sha.update(chunk)
    } finally {
      await copy.close()
    }
    if (sha.hex() !== expected) {
      throw new AuditError('JOURNAL_UNUSABLE', `the copy of ${to} reads back differently`)
    }
    this.#sums.set(to, expected)
  }

  async *#chunks(file: FileHandle, bytesMax: number, again = false): AsyncGenerator<Uint8Array> {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    for (let at = 0; at < bytesMax; ) {
      this.#options.signal.throwIfAborted()
      const { bytesRead } = await file.read(chunk, 0, Math.min(CHUNK_BYTES, bytesMax - at), at)
      if (bytesRead === 0) return
      at += bytesRead
      if (!again) this.#options.onBytes(bytesRead)
      yield chunk.subarray(0, bytesRead)
    }
  }
}

/**
 * Whoever can write to a journal must not choose by a link which other file is handed over.
 *
 * @returns undefined for a segment that was compressed since it was listed
 */
async function openOwn(
  path: string,
  segment: ExportFile['segment'],
): Promise<FileHandle | undefined> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW
  try {
    return await open(path, flags)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' && segment !== undefined) return undefined
    if (code !== 'ELOOP') throw cause
    const message = `${path} is a link, which is not followed; lay the file itself there`
    throw new AuditError('JOURNAL_UNUSABLE', message, { cause, details: { file: path } })
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at)
    at += bytesWritten
  }
}

/** The absolute path, where nothing is that could be overwritten. */
function freePlace(out: string): string {
  const path = resolve(out)
  let found: ReturnType<typeof lstatSync>
  try {
    found = lstatSync(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return path
    throw refused(out, `cannot be made (${code})`, cause)
  }
  if (found.isDirectory() && readdirSync(path).length === 0) return realpathSync(path)
  throw refused(out, 'is there already; name a new folder or an empty one')
}

function refused(out: string, why: string, cause?: unknown): AuditError {
  const details = { option: '--out', file: out }
  return new AuditError('INVALID_OPTION', `--out: ${out} ${why}`, { cause, details })
}

function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(path, 'r')
  fsyncSync(fd)
  closeSync(fd)
}
