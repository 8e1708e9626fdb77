// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process'
import { AuditError } from '@spanseal/core'
import type { MasterKey, WrappedKey } from './master-key.ts'

export interface CommandMasterKeyOptions {
  /** Names the key in what it wrapped, `[a-z0-9-]{1,64}`; default `command`. */
  readonly id?: string
  /** Default 10,000. */
  readonly timeoutMillis?: number
}

const ID = /^[a-z0-9-]{1,64}$/
const OUTPUT_BYTES_MAX = 65_536
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/**
 * A master key behind a command, for a KMS or HSM. It is run with `wrap` or `unwrap` as one more
 * argument, gets two lines on its standard input (what the key belongs to, then the key or the wrapped
 * key, both in base64), and answers with base64 on its standard output and status 0.
 *
 * @throws AuditError `INVALID_OPTION` for an empty command or an unusable id
 */
export function commandMasterKey(
  argv: readonly string[],
  options: CommandMasterKeyOptions = {},
): MasterKey {
  const { id = 'command', timeoutMillis = 10_000 } = options
  const [program, ...args] = argv
  if (program === undefined || program === '') {
    throw new AuditError('INVALID_OPTION', 'master key: name a command and its arguments')
  }
  if (!ID.test(id)) {
    throw new AuditError('INVALID_OPTION', 'master key: an id has 1 to 64 of a-z, 0-9 and "-"')
  }
  const run = (verb: 'wrap' | 'unwrap', bound: Uint8Array, data: Uint8Array): Promise<Buffer> =>
    answerOf([program, ...args, verb], `${base64(bound)}\n${base64(data)}\n`, timeoutMillis)
  return {
    wrap: async (dataKey, bound): Promise<WrappedKey> => ({
      master: id,
      wrapped: await run('wrap', bound, dataKey),
    }),
    unwrap: ({ wrapped }, bound) => run('unwrap', bound, wrapped),
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function answerOf(
  [program = '', ...args]: readonly string[],
  input: string,
  timeoutMillis: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown): void => {
      child.kill('SIGKILL')
      const message = `vault: the master key's command ${program} ${why}`
      reject(new AuditError('VAULT_UNUSABLE', message, { cause }))
    }
    // What it says on stderr may be anything: it goes where this process's goes, not into records.
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const timer = setTimeout(() => fail(`took over ${timeoutMillis} ms`), timeoutMillis)
    let output = ''
    child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
      output += chunk
      if (output.length > OUTPUT_BYTES_MAX) fail('says too much')
    })
    child.stdin.on('error', () => undefined) // one that does not read still has its status to tell
    child.on('error', (error) => {
      clearTimeout(timer)
      fail('cannot be run', error)
    })
    child.on('close', (status) => {
      clearTimeout(timer)
      const text = output.trim()
      if (status !== 0) fail(`ended with ${status ?? 'a signal'}`)
      else if (BASE64.test(text)) resolve(Buffer.from(text, 'base64'))
      else fail('did not answer in base64')
    })
    child.stdin.end(input)
  })
}
