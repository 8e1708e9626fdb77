// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import * as fs from 'node:fs'
import { join, relative } from 'node:path'
import type { LogFs } from './log-fs.ts'
import { nodeFs } from './log-fs.ts'

/** The machine stops: no call after this one is made. */
export class Stopped extends Error {}

/**
 * The real file system of one folder, which stops at a given call, and knows what would be there if
 * the power went at that moment: of each file what was synced, and of each folder the entries that were there
 * when it was synced last. That is the least that POSIX lets a disk keep.
 */
export class LosingFs {
  readonly #root: string
  readonly #stopAt: number
  readonly #paths = new Map<number, string>()
  /** By inode: a file's bytes, or a folder's entries with their inodes, as they were synced. */
  readonly #durable = new Map<number, Buffer | Map<string, number>>()
  readonly #files = new Set<number>()
  calls = 0

  constructor(root: string, stopAt: number) {
    this.#root = root
    this.#stopAt = stopAt
    // What is there was synced long ago.
    this.#sync(root)
    for (const name of fs.readdirSync(root, { recursive: true, encoding: 'utf8' })) {
      this.#sync(join(root, name))
    }
  }

  readonly port: LogFs = {
    openSync: (path, flags, mode) =>
      this.#call(() => {
        const isNew = flags !== 'r' && !fs.existsSync(path)
        const fd = nodeFs.openSync(path, flags, mode)
        if (isNew) this.#forget(path)
        this.#paths.set(fd, path)
        return fd
      }),
    // Half of what is to be written, where it stops there.
    writeSync: (fd, bytes, offset, length) =>
      this.#call(
        () => nodeFs.writeSync(fd, bytes, offset, length),
        () => nodeFs.writeSync(fd, bytes, offset, Math.floor(length / 2)),
      ),
    fsyncSync: (fd) =>
      this.#call(() => {
        nodeFs.fsyncSync(fd)
        this.#sync(this.#paths.get(fd) as string)
      }),
    // Always possible: what was opened would be left open otherwise.
    closeSync: (fd) => nodeFs.closeSync(fd),
    mkdirSync: (path, mode) =>
      this.#call(() => {
        nodeFs.mkdirSync(path, mode)
        this.#forget(path)
      }),
    renameSync: (from, to) => this.#call(() => nodeFs.renameSync(from, to)),
    linkSync: (existing, path) => this.#call(() => nodeFs.linkSync(existing, path)),
    unlinkSync: (path) => this.#call(() => nodeFs.unlinkSync(path)),
  }

  /** What is left after a loss of power, written to another folder. */
  leaveTo(folder: string): void {
    this.#leave(fs.statSync(this.#root).ino, folder)
  }

  #leave(inode: number, to: string): void {
    const what = this.#durable.get(inode)
    if (Buffer.isBuffer(what)) return fs.writeFileSync(to, what)
    fs.mkdirSync(to, { recursive: true })
    for (const [name, inner] of what ?? []) {
      // Of a file that was never synced nobody knows more than its name.
      if (this.#durable.has(inner)) this.#leave(inner, join(to, name))
      else if (this.#isFile(inner)) fs.writeFileSync(join(to, name), '')
    }
  }

  /** Inodes are given again. */
  #forget(path: string): void {
    const { ino } = fs.statSync(path)
    this.#durable.delete(ino)
    this.#files.delete(ino)
  }

  #isFile(inode: number): boolean {
    return this.#files.has(inode)
  }

  #sync(path: string): void {
    const stat = fs.statSync(path)
    if (stat.isFile()) {
      this.#files.add(stat.ino)
      this.#durable.set(stat.ino, fs.readFileSync(path))
      return
    }
    const entries = fs.readdirSync(path).map((name): [string, number] => {
      const inner = fs.lstatSync(join(path, name))
      if (inner.isFile()) this.#files.add(inner.ino)
      return [name, inner.ino]
    })
    this.#durable.set(stat.ino, new Map(entries))
  }

  #call<T>(act: () => T, lastBreath?: () => unknown): T {
    if (++this.calls < this.#stopAt) return act()
    if (this.calls === this.#stopAt) lastBreath?.()
    throw new Stopped(`stopped at call ${this.calls} below ${relative('/', this.#root)}`)
  }
}
