// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const JOURNAL_OF_EXPORT = /^journal(?:-\d+)?$/
/** What `spanseal export` lays beside the journals. */
const MARKS = ['SHA256SUMS', 'verify.mjs']

/** The paths, with the journals of an export in the place of its folder; never throws. */
export function journalsGiven(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const names = namesIn(path)
    if (!MARKS.every((mark) => names.includes(mark))) return [path]
    const journals = names.filter((name) => JOURNAL_OF_EXPORT.test(name)).sort()
    return journals.length === 0 ? [path] : journals.map((name) => join(path, name))
  })
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
