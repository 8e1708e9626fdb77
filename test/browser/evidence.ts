// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { ROOT } from './verifier-page.ts'

const VECTORS = join(ROOT, 'vectors')
const TAMPERED = join(VECTORS, 'tampered')

interface Golden {
  readonly pinned: readonly string[]
  readonly heads: readonly string[]
}

const golden = JSON.parse(readFileSync(join(VECTORS, 'journal.json'), 'utf8')) as Golden

/** The key that vouches for the golden journal. */
export const KEYS: readonly string[] = golden.pinned
/** The heads that complete it. */
export const HEADS: readonly string[] = golden.heads
/** The ways in which `vectors/tampered` tampers with it. */
export const CASES: readonly string[] = readdirSync(TAMPERED).sort()

/** An empty folder that is removed when the test has finished. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-browser-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A copy of the golden journal under `parent`, tampered with where a case is named. */
export function goldenCopy(parent: string, name?: string): string {
  const folder = join(parent, 'journal')
  mkdirSync(parent, { recursive: true })
  cpSync(join(VECTORS, 'journal'), folder, { recursive: true })
  if (name === undefined) return folder
  cpSync(join(TAMPERED, name), folder, { recursive: true })
  const sought = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as {
    readonly removed: readonly string[]
  }
  rmSync(join(folder, 'case.json'))
  for (const file of sought.removed) rmSync(join(folder, file))
  for (const epoch of readdirSync(folder)) {
    if (readdirSync(join(folder, epoch)).length === 0) rmdirSync(join(folder, epoch))
  }
  return folder
}
