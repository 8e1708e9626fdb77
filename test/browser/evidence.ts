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
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { bundledEntry, entriesPath, leafHash, tileHash, tilePath } from '@spanseal/core'
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
const OUTSIDE = join(VECTORS, 'outside')
/** What a verifier brings along, and what comes out: `vectors/outside`, but for parts of logs. */
export const OUTSIDE_WHOLE: readonly string[] = readdirSync(OUTSIDE)
  .sort()
  .filter((name) => outsideCase(name).brought.partial !== true)

export interface OutsideCase {
  readonly faults: readonly string[]
  readonly removed: readonly string[]
  readonly brought: {
    readonly heads?: readonly string[]
    readonly revocations?: readonly string[]
    readonly witnesses?: { readonly keys: readonly string[]; readonly threshold: number }
    readonly tenantLog?: { readonly checkpoint: string; readonly entries: readonly string[] }
    readonly partial?: boolean
    readonly now?: string
  }
}

/** An empty folder that is removed when the test has finished. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-browser-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function outsideCase(name: string): OutsideCase {
  return JSON.parse(readFileSync(join(OUTSIDE, name, 'case.json'), 'utf8')) as OutsideCase
}

/** `evidence/journal` and `evidence/log` under `parent`, as a case of `vectors/outside` has them. */
export function outsideCopy(parent: string, name: string): OutsideCase {
  const evidence = join(parent, 'evidence')
  goldenCopy(evidence, join('../outside', name))
  const sought = outsideCase(name)
  const { tenantLog } = sought.brought
  if (tenantLog === undefined) return sought
  const { checkpoint, entries } = tenantLog
  const put = (path: string, bytes: Uint8Array): void => {
    mkdirSync(dirname(join(evidence, 'log', path)), { recursive: true })
    writeFileSync(join(evidence, 'log', path), bytes)
  }
  const width = entries.length
  const leaves = entries.map((entry) => Buffer.from(entry))
  put('checkpoint', Buffer.from(checkpoint))
  put(entriesPath({ index: 0, width }), Buffer.concat(leaves.map(bundledEntry)))
  const hashes = leaves.map((leaf) => tileHash(leafHash(leaf)))
  put(tilePath({ level: 0, index: 0, width }), Buffer.concat(hashes))
  return sought
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
