// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { zstdDecompressSync } from 'node:zlib'
import type { ByteFile, TargetRange } from '../byte-file.ts'
import { openRegular, readRange } from '../byte-file.ts'
import type { Frame } from './zstd-frames.ts'
import { FRAME_CONTENT_BYTES, listFrames } from './zstd-frames.ts'

/**
 * Opens a compressed segment; links are not followed. Nothing in it is trusted: it ends where it is
 * damaged, and one frame at a time is held.
 */
export function openCompressed(path: string): ByteFile {
  const file = openRegular(path, false)
  try {
    return new CompressedFile(file)
  } catch (error) {
    file.close()
    throw error
  }
}

class CompressedFile implements ByteFile {
  readonly path: string
  readonly changedMillis: number
  size: number
  damage: string | undefined
  readonly #file: ByteFile
  readonly #frames: readonly Frame[]
  #decoded: { readonly index: number; readonly bytes: Buffer } | undefined

  constructor(file: ByteFile) {
    this.#file = file
    this.path = file.path
    this.changedMillis = file.changedMillis
    const { frames, damage } = listFrames(file)
    this.#frames = frames
    this.damage = damage
    const last = frames.at(-1)
    this.size = last === undefined ? 0 : startOf(frames.length - 1) + last.contentBytes
  }

  readInto(target: Uint8Array, { start, length, position }: TargetRange): number {
    if (position >= this.size || length <= 0) return 0
    const index = Math.floor(position / FRAME_CONTENT_BYTES)
    const bytes = this.#frame(index)
    if (bytes === undefined) return 0
    const from = position - startOf(index)
    return bytes.copy(target, start, from, Math.min(bytes.length, from + length))
  }

  close(): void {
    this.#file.close()
  }

  #frame(index: number): Buffer | undefined {
    if (this.#decoded?.index === index) return this.#decoded.bytes
    const frame = this.#frames[index]
    const bytes = frame === undefined ? undefined : this.#decode(frame)
    if (bytes === undefined) {
      this.damage = `byte ${frame?.at ?? 0}: damaged`
      this.size = Math.min(this.size, startOf(index))
      return undefined
    }
    this.#decoded = { index, bytes }
    return bytes
  }

  #decode({ at, length, contentBytes }: Frame): Buffer | undefined {
    try {
      const bytes = readRange(this.#file, at, length)
      const content = zstdDecompressSync(bytes, { maxOutputLength: contentBytes })
      return content.length === contentBytes ? content : undefined
    } catch {
      return undefined
    }
  }
}

function startOf(index: number): number {
  return index * FRAME_CONTENT_BYTES
}
