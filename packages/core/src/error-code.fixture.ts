// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ErrorCode } from './errors.ts'
import { AuditError } from './errors.ts'

/** The code that `run` fails with, undefined where it does not; any other error is thrown on. */
export function codeOf(run: () => unknown): ErrorCode | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw error
  }
}
