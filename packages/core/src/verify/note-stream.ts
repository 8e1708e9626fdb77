// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** The longest note that is read; `parseNote` takes no longer one. */
const NOTE_BYTES_MAX = 65_536
const LENGTH_DIGITS_MAX = 5
const LF = 0x0a
const ZERO = 0x30

/** One note as it lies in the file. */
export interface FramedNote {
  readonly kind: 'note'
  /** Undefined where the bytes are not UTF-8. */
  readonly text: string | undefined
  /** 1-based line of its length, within the file. */
  readonly line: number
  /** Of its length line. */
  readonly byteOffset: number
  /** Where the next note begins. */
  readonly next: { readonly line: number; readonly byteOffset: number }
}

/** The file ends within a note. */
export interface TornNote {
  readonly kind: 'torn'
  readonly line: number
  readonly byteOffset: number
}

/** What follows cannot be cut into notes. */
export interface BadFraming {
  readonly kind: 'bad'
  readonly line: number
  readonly byteOffset: number
}

/**
 * Cuts a `checkpoints` file into its notes: each stands after `<byte length>\n`. Memory is bounded by
 * the longest note; ends after a torn note or bad framing.
 */
export async function* readNotes(
  chunks: AsyncIterable<Uint8Array>,
  from: { readonly line: number; readonly byteOffset: number } = { line: 1, byteOffset: 0 },
): AsyncGenerator<FramedNote | TornNote | BadFraming> {
  let held = Buffer.alloc(0)
  let { line, byteOffset } = from
  for await (const chunk of chunks) {
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk])
    let start = 0
    for (;;) {
      const length = lengthAt(held, start)
      if (length === 'bad') {
        yield { kind: 'bad', line, byteOffset }
        return
      }
      if (length === 'more' || start + length.head + length.body > held.length) break
      const bytes = held.subarray(start + length.head, start + length.head + length.body)
      const next = {
        line: line + 1 + countLines(bytes),
        byteOffset: byteOffset + length.head + length.body,
      }
      yield { kind: 'note', text: decode(bytes), line, byteOffset, next }
      start += length.head + length.body
      ;({ line, byteOffset } = next)
    }
    // A copy, so that the chunk can go.
    held = Buffer.from(held.subarray(start))
  }
  if (held.length > 0) yield { kind: 'torn', line, byteOffset }
}

function lengthAt(bytes: Buffer, from: number): { head: number; body: number } | 'more' | 'bad' {
  let body = 0
  for (let i = 0; i <= LENGTH_DIGITS_MAX; i++) {
    const byte = bytes[from + i]
    if (byte === undefined) return 'more'
    if (byte === LF) return i > 0 && body <= NOTE_BYTES_MAX ? { head: i + 1, body } : 'bad'
    const digit = byte - ZERO
    if (digit < 0 || digit > 9 || (i === 0 && digit === 0)) return 'bad'
    body = body * 10 + digit
  }
  return 'bad'
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function countLines(bytes: Uint8Array): number {
  let count = 0
  for (const byte of bytes) if (byte === LF) count++
  return count
}
