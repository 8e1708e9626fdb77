// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { AuditError } from '@spanseal/core'

/** The verifier as files to hand over; each needs nothing beside it. */
export interface VerifierFiles {
  /** For Node 20 and later: `node verify.mjs <folder> --key <vkey>`. */
  readonly program: string
  /** For a browser, opened from disk. */
  readonly page: string
}

/**
 * Where they lie.
 *
 * @throws AuditError `NOT_FOUND` in a clone that has not been built
 */
export function verifierFiles(): VerifierFiles {
  // Beside the compiled module in a package, and where the build puts them in a clone.
  const [program, page] = ['verify.mjs', 'verify.html'].map((name) =>
    fileURLToPath(new URL(`../dist/${name}`, import.meta.url)),
  ) as [string, string]
  for (const file of [program, page]) {
    if (existsSync(file)) continue
    throw new AuditError('NOT_FOUND', `${file} has not been built; run: npm run build`, {
      details: { file },
    })
  }
  return { program, page }
}
