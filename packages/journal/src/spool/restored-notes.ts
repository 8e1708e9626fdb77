// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCheckpoint, parseNote } from '@spanseal/core'
import type { JournalFs } from '../journal-fs.ts'
import { errnoOf, FILE_MODE, writeAll } from '../journal-fs.ts'
import { CHECKPOINTS_FILE } from '../journal-layout.ts'
import type { Filed } from './restored-epoch.ts'

interface FiledNote {
  readonly size: number
  readonly root: string
  readonly note: string
}

/**
 * The `checkpoints` file of an epoch that is restored: by size, as a writer leaves it. A file of
 * notes is small, so it is held and replaced whole where one comes late.
 */
export class RestoredNotes {
  readonly #fs: JournalFs
  readonly #path: string
  readonly #notes: FiledNote[]
  #written: number
  #isDirty = false

  constructor(folder: string, fs: JournalFs) {
    this.#fs = fs
    this.#path = join(folder, CHECKPOINTS_FILE)
    const { notes, isWhole } = readNotes(this.#path)
    this.#notes = notes
    this.#written = notes.length
    this.#isDirty = !isWhole
  }

  file(filed: FiledNote): Filed {
    const { size } = filed
    const index = this.#notes.findLastIndex((each) => each.size <= size) + 1
    for (let i = index - 1; this.#notes[i]?.size === size; i--) {
      if (this.#notes[i]?.note === filed.note) return 'duplicate'
      if (this.#notes[i]?.root !== filed.root) return 'fork'
    }
    if (index < this.#written) this.#isDirty = true
    this.#notes.splice(index, 0, filed)
    return 'new'
  }

  /** Writes and syncs what was filed. @returns whether the file was made or replaced */
  write(): boolean {
    if (!this.#isDirty && this.#written === this.#notes.length) return false
    const made = this.#isDirty || this.#written === 0
    if (this.#isDirty) this.#replace()
    else this.#append()
    this.#isDirty = false
    this.#written = this.#notes.length
    return made
  }

  #append(): void {
    this.#put(this.#path, 'a', this.#notes.slice(this.#written))
  }

  #replace(): void {
    const draft = `${this.#path}.tmp`
    this.#put(draft, 'w', this.#notes)
    this.#fs.renameSync(draft, this.#path)
  }

  #put(path: string, flags: string, notes: readonly FiledNote[]): void {
    const fd = this.#fs.openSync(path, flags, FILE_MODE)
    try {
      const framed = notes.map(({ note }) => `${Buffer.byteLength(note)}\n${note}`)
      writeAll(this.#fs, fd, Buffer.from(framed.join('')))
      this.#fs.fdatasyncSync(fd)
    } finally {
      this.#fs.closeSync(fd)
    }
  }
}

/** Whole notes that can be read; what a crash tore off comes again from the source. */
function readNotes(path: string): { readonly notes: FiledNote[]; readonly isWhole: boolean } {
  const notes: FiledNote[] = []
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    return { notes, isWhole: true }
  }
  let start = 0
  while (start < bytes.length) {
    const lf = bytes.indexOf(0x0a, start)
    const digits = bytes.toString('latin1', start, lf < 0 ? start : lf)
    const end = lf + 1 + Number(digits)
    if (!/^[1-9]\d{0,5}$/.test(digits) || end > bytes.length) break
    const note = bytes.toString('utf8', lf + 1, end)
    const parsed = parsedNote(note)
    if (parsed === undefined) break
    notes.push({ ...parsed, note })
    start = end
  }
  return { notes, isWhole: start === bytes.length }
}

/** What a note is over; undefined where it is no checkpoint. */
export function parsedNote(
  note: string,
): { readonly origin: string; readonly root: string; readonly size: number } | undefined {
  try {
    const { origin, root, size } = parseCheckpoint(parseNote(note).text)
    return { origin, root, size }
  } catch {
    return undefined
  }
}
