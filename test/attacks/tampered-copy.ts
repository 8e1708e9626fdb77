// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  formatCheckpoint,
  isEpochId,
  leafHash,
  MerkleFrontier,
  NO_PREV,
  signNoteSync,
} from '@spanseal/core'
import type { NamedKey } from './host-secrets.ts'

/** A copy of a journal in the hands of an attacker who knows the format as well as we do. */
export class TamperedCopy {
  readonly journal: string

  constructor(from: string, to: string) {
    cpSync(from, to, { recursive: true })
    this.journal = to
  }

  path(epoch: string, file: string): string {
    return join(this.journal, epoch, file)
  }

  epochs(): string[] {
    return readdirSync(this.journal).filter(isEpochId).sort()
  }

  /** The whole lines of an epoch, without LF. */
  lines(epoch: string): string[] {
    return linesOf(this.journal, epoch)
  }

  /** Writes an epoch's lines anew, `epoch.open` in a segment of its own; torn bytes stay behind them. */
  setLines(epoch: string, lines: readonly string[]): this {
    const files = segmentsOf(this.journal, epoch)
    const torn = readFileSync(files.at(-1) as string, 'utf8')
      .split('\n')
      .at(-1)
    for (const file of files) rmSync(file)
    const text = (part: readonly string[]): string => part.map((line) => `${line}\n`).join('')
    writeFileSync(this.path(epoch, '000000000000.jsonl'), text(lines.slice(0, 1)))
    writeFileSync(this.path(epoch, '000000000001.jsonl'), `${text(lines.slice(1))}${torn}`)
    return this
  }

  change(epoch: string, change: (lines: string[]) => readonly string[] | undefined): this {
    const lines = this.lines(epoch)
    return this.setLines(epoch, change(lines) ?? lines)
  }

  /** Changes one record as text. */
  edit(epoch: string, seq: number, from: string | RegExp, to: string): this {
    return this.change(epoch, (lines) => {
      const line = lines[seq] as string
      lines[seq] = line.replace(from, () => to)
      if (lines[seq] === line) throw new Error(`record ${seq} has no ${String(from)}`)
      return lines
    })
  }

  /** Numbers and links an epoch's records again from `from` on. */
  relink(epoch: string, from = 0): this {
    return this.change(epoch, (lines) => relinked(lines, from))
  }

  notes(epoch: string): string[] {
    return notesOf(this.journal, epoch)
  }

  setNotes(epoch: string, notes: readonly string[]): this {
    writeFileSync(this.path(epoch, 'checkpoints'), framed(notes))
    return this
  }

  /** Replaces an epoch's checkpoints by ones over the lines that are there, at the same sizes. */
  sign(epoch: string, key: NamedKey): this {
    const sizes = this.notes(epoch).map((note) => Number(note.split('\n')[1]))
    return this.setNotes(epoch, signedNotes(this.lines(epoch), key, sizes))
  }

  leaf(epoch: string): string {
    return leafHash(Buffer.from(this.lines(epoch).at(-1) as string))
  }

  drop(epoch: string): this {
    rmSync(join(this.journal, epoch), { recursive: true })
    return this
  }
}

/** The whole lines of an epoch in a journal, without LF. */
export function linesOf(journal: string, epoch: string): string[] {
  return segmentsOf(journal, epoch).flatMap((file) =>
    readFileSync(file, 'utf8').split('\n').slice(0, -1),
  )
}

function segmentsOf(journal: string, epoch: string): string[] {
  const names = readdirSync(join(journal, epoch)).filter((name) => name.endsWith('.jsonl'))
  return names.sort().map((name) => join(journal, epoch, name))
}

/** The notes in an epoch's `checkpoints` file. */
export function notesOf(journal: string, epoch: string): string[] {
  const bytes = readFileSync(join(journal, epoch, 'checkpoints'))
  const notes: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const lf = bytes.indexOf(10, at)
    const end = lf + 1 + Number(bytes.toString('latin1', at, lf))
    notes.push(bytes.toString('utf8', lf + 1, end))
    at = end
  }
  return notes
}

/** A `checkpoints` file. */
export function framed(notes: readonly string[]): string {
  return notes.map((note) => `${Buffer.byteLength(note)}\n${note}`).join('')
}

/** Lines numbered and linked again from `from` on. */
export function relinked(lines: readonly string[], from = 0): string[] {
  let prev = from === 0 ? NO_PREV : leafHash(Buffer.from(lines[from - 1] as string))
  return lines.map((line, seq) => {
    if (seq < from) return line
    const linked = line
      .replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`)
      .replace(/("prev":"[0-9a-f]{64}","seq":)\d+/, `$1${seq}`)
    prev = leafHash(Buffer.from(linked))
    return linked
  })
}

/** Checkpoints over lines: at those of the sizes that are reached, and at the end. */
export function signedNotes(
  lines: readonly string[],
  key: NamedKey,
  sizes: readonly number[],
): string[] {
  const wanted = new Set([...sizes, lines.length])
  const tree = new MerkleFrontier()
  const notes: string[] = []
  for (const [i, line] of lines.entries()) {
    tree.append(leafHash(Buffer.from(line)))
    if (!wanted.has(i + 1)) continue
    const text = formatCheckpoint({ origin: key.name, size: i + 1, root: tree.root() })
    notes.push(signNoteSync(text, key))
  }
  return notes
}
