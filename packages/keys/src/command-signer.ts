// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { NoteKey, Signer } from '@spanseal/core'
import { AuditError, parseVkey, verifyEd25519 } from '@spanseal/core'
import { commandAnswer } from './command-answer.ts'

export interface CommandSignerOptions {
  /** The program and its arguments; no shell reads them. */
  readonly argv: readonly string[]
  /** The key that the command signs with: what it answers is checked against it. */
  readonly vkey: string
  /** How long a signature may take; default 30,000: somebody may have to touch a token. */
  readonly timeoutMillis?: number
}

/** 64 bytes are 88 characters; the rest is line ends. */
const OUTPUT_BYTES_MAX = 1_024
const SIGNATURE = /^[A-Za-z0-9+/]{86}==$/

/**
 * A signer behind a command, for a KMS, an HSM or another machine: the message on its standard
 * input, the 64-byte Ed25519 signature as one line of base64 on its standard output, and status 0.
 * A signature that is not the key's is never handed on.
 *
 * Its `sign` rejects with AuditError `SIGNER_FAILED`.
 *
 * @throws AuditError `INVALID_OPTION` for an empty command or a time-out that is none,
 * `MALFORMED_KEY` for `vkey`
 */
export function commandSigner(options: CommandSignerOptions): Signer {
  const { argv, vkey, timeoutMillis = 30_000 } = options
  if ((argv[0] ?? '') === '' || argv.some((word) => word.includes('\0'))) {
    throw new AuditError('INVALID_OPTION', 'signer: name a command and its arguments')
  }
  if (!Number.isSafeInteger(timeoutMillis) || timeoutMillis < 1 || timeoutMillis > 3_600_000) {
    throw new AuditError('INVALID_OPTION', 'signer: timeoutMillis is from 1 to 3,600,000')
  }
  const key = parseVkey(vkey)
  return {
    vkey,
    sign: async (message) => {
      const bounds = { timeoutMillis, outputBytesMax: OUTPUT_BYTES_MAX, failed }
      return checked(await commandAnswer(argv, message, bounds), message, key)
    },
  }
}

function checked(answer: string, message: Uint8Array, key: NoteKey): Uint8Array {
  const text = answer.trim()
  const signature = Buffer.from(text, 'base64')
  if (!SIGNATURE.test(text) || signature.toString('base64') !== text) {
    throw failed('did not answer with 64 bytes in base64')
  }
  if (verifyEd25519(key.publicKey, message, signature)) return signature
  throw failed(`answered with a signature that is not by ${key.name}+${key.keyId}`)
}

function failed(why: string): AuditError {
  return new AuditError('SIGNER_FAILED', `signer: the command ${why}`)
}
