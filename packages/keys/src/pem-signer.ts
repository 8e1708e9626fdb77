// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Signer } from '@spanseal/core'
import type { KeyFileOptions } from './key-file.ts'
import { readKeyFile } from './key-file.ts'

/**
 * A signer with the key of a PKCS#8 PEM file, read once, now.
 *
 * @throws AuditError `KEYRING_UNSAFE`, `KEYRING_UNUSABLE`, `NOT_FOUND` as {@link readKeyFile}
 */
export function pemSigner(file: string, options: KeyFileOptions = {}): Signer {
  const { key, vkey } = readKeyFile(file, options)
  return { vkey, sign: (message) => key.sign(message) }
}
