// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  closeSync,
  existsSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Batch, RecordSink, SealedRecord } from '@spanseal/core'
import { AuditError, sha256Hex } from '@spanseal/core'
import { openRegular } from './byte-file.ts'
import { linesFrom } from './file-lines.ts'
import { FILE_MODE, nodeFs, syncFolder, writeAll } from './journal-fs.ts'
import { parseLineHead } from './line-head.ts'
import { makeFolder } from './make-folder.ts'

export interface FileSinkOptions {
  /** The file that is appended to; its folder is made where it is missing. One process at a time. */
  readonly path: string
  /** Default `file-` and eight digits of the path's hash: the path keys the cursor. */
  readonly name?: string
  /** The file is put aside before it grows beyond; default 100 MiB. */
  readonly fileBytesMax?: number
}

/** How far each epoch is in the file, and how long the file was then. */
interface Progress {
  readonly bytes: number
  /** Next `seq` by epoch. */
  readonly next: Readonly<Record<string, number>>
}

const MEBIBYTE = 1024 * 1024
const EPOCHS_MAX = 10_000
const LF = Buffer.from('\n')

/**
 * Copies records into a file as JSON Lines. A batch is acknowledged once it is synced. A record that
 * comes again is not written again, also after a crash: `<path>.progress` says how far each epoch
 * is, and what the file holds beyond is read when the sink opens.
 *
 * A full file is renamed to `<path>.<YYYYMMDDTHHMMSSmmmZ>`, with `-1` and so on behind it where there
 * is one of that millisecond already. Checkpoints are left out, since they are no JSON.
 *
 * @throws AuditError `INVALID_OPTION` for unusable options
 */
export function fileSink(options: FileSinkOptions): RecordSink {
  if (typeof options.path !== 'string' || options.path === '') {
    throw new AuditError('INVALID_OPTION', 'path: give the file that records are appended to', {
      details: { option: 'path' },
    })
  }
  const fileBytesMax = options.fileBytesMax ?? 100 * MEBIBYTE
  if (!(Number.isSafeInteger(fileBytesMax) && fileBytesMax > 0)) {
    throw new AuditError(
      'INVALID_OPTION',
      `fileBytesMax: ${fileBytesMax} is not a whole number of bytes above 0`,
      {
        details: { option: 'fileBytesMax' },
      },
    )
  }
  const path = resolve(options.path)
  return new FileSink(options.name ?? `file-${sha256Hex(path).slice(0, 8)}`, path, fileBytesMax)
}

class FileSink implements RecordSink {
  readonly name: string
  readonly #path: string
  readonly #fileBytesMax: number
  // Owned by deliver, which runs to its end without awaiting.
  #fd: number | undefined
  #bytes = 0
  #next = new Map<string, number>()

  constructor(name: string, path: string, fileBytesMax: number) {
    this.name = name
    this.#path = path
    this.#fileBytesMax = fileBytesMax
  }

  async deliver({ records }: Batch): Promise<void> {
    try {
      const fd = this.#fd ?? this.#open()
      const fresh = records.filter(({ epoch, seq }) => seq >= (this.#next.get(epoch) ?? 0))
      if (fresh.length > 0) this.#write(fd, fresh)
    } catch (cause) {
      this.#abandon()
      throw new AuditError(
        'DELIVERY_DOUBTFUL',
        `${this.#path} did not take ${records.length} records`,
        {
          cause,
          details: { file: this.#path },
        },
      )
    }
  }

  #write(current: number, records: readonly SealedRecord[]): void {
    const bytes = Buffer.concat(records.flatMap(({ line }) => [line, LF]))
    const full = this.#bytes > 0 && this.#bytes + bytes.length > this.#fileBytesMax
    const fd = full ? this.#rotate(current) : current
    writeAll(nodeFs, fd, bytes)
    fdatasyncSync(fd)
    this.#bytes += bytes.length
    for (const { epoch, seq } of records) this.#next.set(epoch, seq + 1)
    this.#save()
  }

  /** Opens the file behind its last whole record. */
  #open(): number {
    makeFolder(dirname(this.#path), 0o777) // less the process's umask, as a shell would
    const { bytes, next } = readProgress(`${this.#path}.progress`)
    this.#next = new Map(Object.entries(next))
    closeSync(openSync(this.#path, 'a', FILE_MODE))
    const file = openRegular(this.#path)
    const { size } = file
    let end = Math.min(bytes, size)
    try {
      for (const line of linesFrom(file, end)) {
        const head = parseLineHead(line.bytes)
        if (head !== undefined)
          this.#next.set(head.epoch, Math.max(head.seq + 1, this.#next.get(head.epoch) ?? 0))
        end = line.offset + line.length
      }
    } finally {
      file.close()
    }
    const fd = openSync(this.#path, 'r+')
    // This copy is ours alone: what a crash tore off comes again from the journal.
    if (end < size) ftruncateSync(fd, end)
    closeSync(fd)
    this.#bytes = end
    this.#fd = openSync(this.#path, 'a', FILE_MODE)
    return this.#fd
  }

  #rotate(fd: number): number {
    closeSync(fd)
    this.#fd = undefined
    renameSync(
      this.#path,
      freeName(`${this.#path}.${new Date().toISOString().replace(/[-:.]/g, '')}`),
    )
    this.#bytes = 0
    this.#save()
    this.#fd = openSync(this.#path, 'ax', FILE_MODE)
    syncFolder(nodeFs, dirname(this.#path))
    return this.#fd
  }

  #save(): void {
    const newest = [...this.#next].sort(([a], [b]) => (a < b ? 1 : -1)).slice(0, EPOCHS_MAX)
    const progress: Progress = { bytes: this.#bytes, next: Object.fromEntries(newest) }
    const draft = `${this.#path}.progress.new`
    writeFileSync(draft, JSON.stringify(progress), { mode: FILE_MODE })
    renameSync(draft, `${this.#path}.progress`)
  }

  /** After a failed write or sync the file is opened anew, behind its last whole record. */
  #abandon(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  async close(): Promise<void> {
    this.#abandon()
  }
}

/** That name, or with a number behind it where a file has it: a rename would replace that one. */
function freeName(path: string): string {
  for (let n = 0; ; n++) {
    const name = n === 0 ? path : `${path}-${n}`
    if (!existsSync(name)) return name
  }
}

/** What was saved; nothing where there is no readable progress: the whole file is then read. */
function readProgress(path: string): Progress {
  try {
    const { bytes, next } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Progress>
    if (Number.isSafeInteger(bytes) && typeof next === 'object')
      return { bytes: bytes as number, next }
  } catch {
    // Missing or torn.
  }
  return { bytes: 0, next: {} }
}
