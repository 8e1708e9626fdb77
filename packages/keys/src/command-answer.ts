// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process'
import type { AuditError } from '@spanseal/core'
import { printable } from '@spanseal/core'

const STDERR_CHARS_MAX = 200

/** How long a command may take, how much it may say, and what its failure is called. */
export interface CommandBounds {
  readonly timeoutMillis: number
  readonly outputBytesMax: number
  readonly failed: (why: string) => AuditError
}

/**
 * What a program says on its standard output when it is given `input`, and ends with status 0. No shell reads
 * its arguments. It is killed when it takes too long or says too much; of what it complains about, the
 * first line is told.
 */
export function commandAnswer(
  [program = '', ...args]: readonly string[],
  input: Uint8Array | string,
  { timeoutMillis, outputBytesMax, failed }: CommandBounds,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true })
    let output = ''
    let complaint = ''
    const end = (error?: AuditError): void => {
      clearTimeout(timer)
      if (error === undefined) return resolve(output)
      child.kill('SIGKILL')
      // What it started may hold the other ends open: nobody waits for that.
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy()
      child.unref()
      reject(error)
    }
    const timer = setTimeout(() => end(failed(`took over ${timeoutMillis} ms`)), timeoutMillis)
    child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
      output += chunk
      if (output.length > outputBytesMax) end(failed(`says over ${outputBytesMax} bytes`))
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (complaint.length < STDERR_CHARS_MAX) complaint += chunk.slice(0, STDERR_CHARS_MAX)
    })
    for (const stream of [child.stdin, child.stdout, child.stderr]) {
      stream.on('error', () => undefined) // its status says what went wrong
    }
    // Without `cause`: that one holds the arguments, and a PIN may be among them.
    child.on('error', (error: NodeJS.ErrnoException) =>
      end(failed(`${printable(program)} cannot be run (${error.code})`)),
    )
    child.on('close', (status, signal) => {
      if (status === 0) return end()
      const [first = ''] = complaint.trim().split(/\r?\n/)
      const said = first === '' ? '' : `: ${printable(first.slice(0, STDERR_CHARS_MAX))}`
      end(failed(`ended with ${status === null ? signal : `status ${status}`}${said}`))
    })
    child.stdin.end(input)
  })
}
