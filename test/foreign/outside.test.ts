// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { emptyFolder } from '../../packages/cli/src/journal.fixture.ts'
import { codesOf, options, runGo } from './go-verifier.ts'

/** `vectors/outside`: journals with what a verifier brings along, as the verifier in Go sees them. */

const vectors = new URL('../../vectors/', import.meta.url).pathname
const { pinned, now } = JSON.parse(readFileSync(join(vectors, 'journal.json'), 'utf8')) as {
  pinned: [string]
  now: string
}

/** It takes whole journals only. */
const PARTIAL = new Set(['one-epoch-alone'])

/** Where records are missing it also lists what follows from that. */
const GAPS = new Set(['expired-without-stub', 'stub-that-is-none', 'stub-without-opening'])

interface OutsideCase {
  readonly faults: readonly string[]
  readonly also?: readonly string[]
  readonly notices?: readonly string[]
  readonly removed: readonly string[]
  readonly brought: {
    readonly tenantLog?: { readonly checkpoint: string; readonly entries: readonly string[] }
    readonly heads?: readonly string[]
    readonly witnesses?: { readonly keys: readonly string[]; readonly threshold: number }
    readonly revocations?: readonly string[]
    readonly now?: string
  }
}

const names = readdirSync(join(vectors, 'outside')).filter((name) => !PARTIAL.has(name))

test.each(names)('%s', async (name) => {
  const folder = emptyFolder()
  const journal = join(folder, 'journal')
  cpSync(join(vectors, 'journal'), journal, { recursive: true })
  cpSync(join(vectors, 'outside', name), journal, { recursive: true })
  const file = readFileSync(join(journal, 'case.json'), 'utf8')
  const { also = [], brought, faults, removed } = JSON.parse(file) as OutsideCase
  for (const path of removed) rmSync(join(journal, path))
  for (const epoch of readdirSync(journal)) {
    const path = join(journal, epoch)
    // An epoch that is gone has no folder.
    if (epoch !== 'case.json' && readdirSync(path).length === 0) rmSync(path, { recursive: true })
  }
  const revocations = (brought.revocations ?? []).map((note, i) => {
    const path = join(folder, `revocation-${i}`)
    writeFileSync(path, note)
    return path
  })
  const args = [
    ...['--key', pinned[0], '--now', brought.now ?? now],
    ...options('head', brought.heads ?? []),
    ...options('revocation', revocations),
    ...options('witness', brought.witnesses?.keys ?? []),
    ...options('threshold', brought.witnesses ? [String(brought.witnesses.threshold)] : []),
  ]
  const log = join(folder, 'log.json')
  if (brought.tenantLog) writeFileSync(log, JSON.stringify(brought.tenantLog))
  const verdict = brought.tenantLog
    ? await runGo('log', log, ...args, '--journal', journal)
    : await runGo('journal', journal, ...args)
  const codes = codesOf(verdict)
  expect(verdict.ok).toBe(faults.length === 0)
  expect(faults.filter((code) => !codes.includes(code))).toEqual([])
  if (GAPS.has(name)) return
  const known = [...faults, ...also]
  expect(codes.filter((code) => !known.includes(code))).toEqual([])
})
