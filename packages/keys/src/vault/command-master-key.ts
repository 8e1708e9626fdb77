// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import { commandAnswer } from '../command-answer.ts'
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
  const run = async (
    verb: 'wrap' | 'unwrap',
    bound: Uint8Array,
    data: Uint8Array,
  ): Promise<Buffer> => {
    const bounds = { timeoutMillis, outputBytesMax: OUTPUT_BYTES_MAX, failed }
    const input = `${base64(bound)}\n${base64(data)}\n`
    const text = (await commandAnswer([program, ...args, verb], input, bounds)).trim()
    if (BASE64.test(text)) return Buffer.from(text, 'base64')
    throw failed('did not answer in base64')
  }
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

function failed(why: string): AuditError {
  return new AuditError('VAULT_UNUSABLE', `vault: the master key's command ${why}`)
}
