// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'

const DEFAULT_WIDTH = 100
const WIDTH_MIN = 60
const STATUS_PAUSE_MILLIS = 200

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'
const CODES: Readonly<Record<Style, string>> = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  cyan: '36',
}

/** What a command writes to: results to stdout, everything about them to stderr. */
export interface Terminal {
  /** Columns to lay out for. */
  readonly width: number
  /** Whether stdout is a terminal of limited width. */
  readonly isTerminal: boolean
  readonly color: boolean
  readonly paint: (style: Style, text: string) => string
  /** Text for stdout, with its line ends. */
  readonly print: (text: string) => void
  /** One line for stderr. */
  readonly note: (line: string) => void
  /** A line on stderr that the next one replaces, on a terminal only and at most every 200 ms. */
  readonly status: (line: () => string) => void
  /** Removes the status line. */
  readonly clearStatus: () => void
  /** Aborts when nobody reads stdout any more (`| head`). */
  readonly closed: AbortSignal
  /**
   * Waits until all that was printed is written. What a full disk or the like swallowed is told; that
   * nobody reads any more is not.
   */
  readonly finish: () => Promise<NodeJS.ErrnoException | undefined>
}

/** A stream that may be a terminal. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number | undefined }

/** The terminal that two streams make, by default the process's own. */
export function openTerminal(
  stdout: Output = process.stdout,
  stderr: Output = process.stderr,
  env: NodeJS.ProcessEnv = process.env,
): Terminal {
  const closed = new AbortController()
  // A reader that has seen enough is no error, and nothing can be told to a closed stderr.
  let lost: NodeJS.ErrnoException | undefined
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (!closed.signal.aborted && error.code !== 'EPIPE') lost = error
    closed.abort()
  })
  stderr.on('error', () => undefined)
  const plain = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  const isTerminal = stdout.isTTY === true
  const color = isTerminal && !plain
  const showStatus = stderr.isTTY === true && env['TERM'] !== 'dumb'
  // What is done at once needs no status.
  let statusAt = performance.now()
  let statusShown = false
  const clearStatus = (): void => {
    if (statusShown) stderr.write('\r\u001b[K')
    statusShown = false
  }
  return {
    width: Math.max((isTerminal ? stdout.columns : undefined) ?? DEFAULT_WIDTH, WIDTH_MIN),
    isTerminal,
    color,
    paint: (style, text) => (color ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text),
    print(text) {
      clearStatus()
      if (!closed.signal.aborted) stdout.write(text)
    },
    note(line) {
      clearStatus()
      stderr.write(`${line}\n`)
    },
    status(line) {
      const now = performance.now()
      if (!showStatus || now - statusAt < STATUS_PAUSE_MILLIS) return
      statusAt = now
      statusShown = true
      stderr.write(
        `\r\u001b[K${stripVTControlCharacters(line()).slice(0, (stderr.columns ?? DEFAULT_WIDTH) - 1)}`,
      )
    },
    clearStatus,
    closed: closed.signal,
    finish: () =>
      new Promise((resolve) => {
        if (closed.signal.aborted) return resolve(lost)
        // The error of a write is emitted before the callback of the next one is called, or right after.
        stdout.write('', () => setImmediate(() => resolve(lost)))
      }),
  }
}
