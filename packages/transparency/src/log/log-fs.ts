// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import * as fs from 'node:fs'
import { dirname, join } from 'node:path'

/** The calls by which a log reaches the disk; tests stop it in between. */
export interface LogFs {
  openSync(path: string, flags: string, mode: number): number
  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number): number
  fsyncSync(fd: number): void
  closeSync(fd: number): void
  mkdirSync(path: string, mode: number): void
  renameSync(from: string, to: string): void
  linkSync(existing: string, path: string): void
  unlinkSync(path: string): void
}

export const nodeFs: LogFs = {
  openSync: fs.openSync,
  writeSync: fs.writeSync,
  fsyncSync: fs.fsyncSync,
  closeSync: fs.closeSync,
  mkdirSync: (path, mode) => {
    fs.mkdirSync(path, { mode })
  },
  renameSync: fs.renameSync,
  linkSync: fs.linkSync,
  unlinkSync: fs.unlinkSync,
}

/** Whoever serves the folder must be able to read it. */
export const SERVED = { file: 0o644, folder: 0o755 } as const
/** What is kept beside it is the sealer's. */
export const PRIVATE = { file: 0o600, folder: 0o700 } as const

export type Modes = typeof SERVED | typeof PRIVATE

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}

/**
 * Puts files into a folder so that each is there whole or not at all, and collects what has to be
 * synced. Nothing is durable before {@link FileWriter.sync}.
 */
export class FileWriter {
  readonly #port: LogFs
  readonly #root: string
  readonly #modes: Modes
  /** Folders with entries that are not synced. */
  readonly #unsynced = new Set<string>()
  readonly #known = new Set<string>()

  constructor(port: LogFs, root: string, modes: Modes) {
    this.#port = port
    this.#root = root
    this.#modes = modes
  }

  /** Makes the folder itself, and those above it. */
  makeRoot(): void {
    if (this.#known.has(this.#root)) return
    fs.mkdirSync(dirname(this.#root), { recursive: true })
    this.#makeFolder(this.#root)
  }

  /** Writes a file under another name, syncs it and gives it its own, taking the place of an older one. */
  put(path: string, bytes: Uint8Array): void {
    const target = join(this.#root, path)
    this.#makeFolder(dirname(target))
    const draft = join(this.#root, '.draft') // one writer a folder, so one name suffices
    const fd = this.#port.openSync(draft, 'w', this.#modes.file)
    try {
      writeAll(this.#port, fd, bytes)
      this.#port.fsyncSync(fd)
    } finally {
      this.#port.closeSync(fd)
    }
    this.#port.renameSync(draft, target)
    this.#unsynced.add(dirname(target))
  }

  /** From here on what was put survives a loss of power. */
  sync(): void {
    for (const folder of this.#unsynced) syncFolder(this.#port, folder)
    this.#unsynced.clear()
  }

  #makeFolder(folder: string): void {
    if (this.#known.has(folder)) return
    if (folder.length > this.#root.length) this.#makeFolder(dirname(folder))
    try {
      this.#port.mkdirSync(folder, this.#modes.folder)
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
    }
    // Also where it was there: a crash may have left it unsynced.
    this.#unsynced.add(dirname(folder))
    this.#known.add(folder)
  }
}

function writeAll(port: LogFs, fd: number, bytes: Uint8Array): void {
  let written = 0
  while (written < bytes.length) {
    const more = port.writeSync(fd, bytes, written, bytes.length - written)
    if (more <= 0) throw new Error(`write took ${written} of ${bytes.length} bytes and no more`)
    written += more
  }
}

/** A new or renamed entry is durable only after its folder is synced; Windows has no such call. */
function syncFolder(port: LogFs, path: string): void {
  if (process.platform === 'win32') return
  const fd = port.openSync(path, 'r', 0)
  try {
    port.fsyncSync(fd)
  } finally {
    port.closeSync(fd)
  }
}
