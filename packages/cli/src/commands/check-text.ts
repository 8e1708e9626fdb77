// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { BundleVerdict } from '@spanseal/core'
import { bundleStatement, parseBundle, printable } from '@spanseal/core'
import type { Sheet } from '../statement-text.ts'
import { statementText } from '../statement-text.ts'

/** What a verdict is about. */
export interface CheckedBundle {
  readonly file: string
  readonly bytes: Uint8Array
  readonly keysPinned: number
}

const HINTS = {
  key: '--key <vkey>',
  outside: '--head, --witness, --revocation',
  json: '--json',
}

/** The verdict on a proof bundle for a person at a terminal, with the values that it opens. */
export function bundleText(verdict: BundleVerdict, checked: CheckedBundle, sheet: Sheet): string {
  const { bytes, file, keysPinned } = checked
  // What has openings that were checked is a bundle.
  const openings = verdict.openings.length === 0 ? [] : (parseBundle(bytes).openings ?? [])
  const statement = bundleStatement(verdict, { keysPinned, openings, hints: HINTS })
  const rows = [['Bundle', printable(file)] as const, ...statement.rows]
  return statementText({ ...statement, rows }, sheet)
}
