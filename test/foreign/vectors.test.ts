// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { codesOf, goVerifier, options, runGo } from './go-verifier.ts'

/** `vectors/` as another program, in another language, sees them. */

const root = new URL('../../', import.meta.url).pathname
const vectors = join(root, 'vectors')
const elsewhere = join(root, '..', 'shared', 'vectors', 'merkle')

/** What only the schema tells: the verifier in Go has none. */
const ONLY_BY_SCHEMA = new Set(['over-long-name', 'unknown-key'])
/** Refused, but named otherwise: it does not look for where a record belongs. */
const NAMED_OTHERWISE = new Set(['swapped-records'])

/** A case whose roots are 12 bytes long and are compared all the same. */
const NO_HASHES = /sizes-are-equal-one-and-proof-is-empty/

interface TamperedCase {
  readonly faults: readonly string[]
  readonly also?: readonly string[]
  readonly notices?: readonly string[]
  readonly removed: readonly string[]
}

interface GapsVectors {
  readonly pinned: readonly string[]
  readonly expect: {
    readonly checked: number
    readonly epochs: number
    readonly gaps: { readonly count: number; readonly records: number; readonly refused: number }
    readonly breakglass: { readonly calls: number }
  }
}

interface JournalKeys {
  readonly pinned: readonly string[]
  readonly issuer: string
  readonly heads: readonly string[]
}

const { pinned, issuer, heads } = JSON.parse(
  readFileSync(join(vectors, 'journal.json'), 'utf8'),
) as JournalKeys

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-foreign-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('the verifier in Go builds', { timeout: 300_000 }, async () => {
  expect(existsSync(await goVerifier())).toBe(true)
})

test('lines, notes, checkpoints, certificates, commitments and openings are what it expects', async () => {
  const { ok, counts, faults } = await runGo('vectors', vectors)
  expect(faults).toBe(null)
  expect(ok).toBe(true)
  for (const count of Object.values(counts ?? {})) expect(count).toBeGreaterThan(10)
})

describe('the golden journal', () => {
  const journal = join(vectors, 'journal')

  test('holds under the tenant’s key and under the issuer’s', async () => {
    for (const key of [...pinned, issuer]) {
      const verdict = await runGo('journal', journal, '--key', key)
      expect(verdict.faults).toBe(null)
      expect(verdict.counts).toMatchObject({ epochs: 2, records: 29, signed: 27 })
    }
  })

  test('reaches the heads that were kept elsewhere', async () => {
    const lines = heads.map((note) => note.split('\n').slice(0, 3).join(' '))
    const verdict = await runGo(
      'journal',
      journal,
      ...options('key', pinned),
      ...options('head', lines),
    )
    expect(verdict.faults).toBe(null)
    expect(verdict.notices?.some(({ code }) => code === 'unheaded')).toBe(false)
    const [line = ''] = lines
    const other = line.replace(/ \d+ /, ' 16 ')
    const forked = await runGo('journal', journal, ...options('key', pinned), '--head', other)
    expect(codesOf(forked)).toEqual(['forked'])
  })

  test('does not hold under a key that nobody knows', async () => {
    const { key } = JSON.parse(readFileSync(join(vectors, 'note.json'), 'utf8')) as {
      key: { vkey: string }
    }
    expect(key.vkey).toBe(pinned[0])
    const strange = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx'
    expect(codesOf(await runGo('journal', journal, '--key', strange))).toEqual(['unsigned'])
  })
})

test('the journal with gaps holds, and says what it lacks', async () => {
  const stored = readFileSync(join(vectors, 'gaps.json'), 'utf8')
  const { expect: expected, pinned: keys } = JSON.parse(stored) as GapsVectors
  const { breakglass, checked: records, epochs, gaps } = expected
  const verdict = await runGo('journal', join(vectors, 'gaps'), ...options('key', keys))
  expect(verdict.faults).toBe(null)
  expect(verdict.counts).toEqual({
    epochs,
    records,
    signed: records,
    gaps: gaps.count,
    lost: gaps.records,
    refused: gaps.refused,
    glass: breakglass.calls,
  })
  expect(verdict.notices?.map(({ code }) => code)).toEqual(Array(gaps.count).fill('gap'))
})

test.each(readdirSync(join(vectors, 'tampered')))('tampered: %s', async (name) => {
  const folder = emptyFolder()
  const journal = join(folder, 'journal')
  cpSync(join(vectors, 'journal'), journal, { recursive: true })
  cpSync(join(vectors, 'tampered', name), journal, { recursive: true })
  const file = readFileSync(join(journal, 'case.json'), 'utf8')
  const { faults, also = [], notices = [], removed } = JSON.parse(file) as TamperedCase
  for (const path of removed) rmSync(join(journal, path))
  const verdict = await runGo('journal', journal, ...options('key', pinned))
  expect(verdict.ok).toBe(faults.length === 0 || ONLY_BY_SCHEMA.has(name))
  const noticed = verdict.notices?.some(({ code }) => code === 'gap') === true
  expect(noticed || !notices.includes('gap')).toBe(true)
  if (verdict.ok || NAMED_OTHERWISE.has(name)) return
  expect([...faults, ...also]).toEqual(
    expect.arrayContaining(codesOf(verdict).filter((code) => faults.includes(code))),
  )
  expect(codesOf(verdict).some((code) => faults.includes(code))).toBe(true)
})

describe.skipIf(!existsSync(elsewhere))('proofs that others wrote', () => {
  test.each(['inclusion', 'consistency'])('%s', async (kind) => {
    const files = globSync(`${elsewhere}/${kind}/**/*.json`).filter((path) => !NO_HASHES.test(path))
    const file = join(emptyFolder(), 'cases.json')
    // As they are: some hold numbers that JavaScript would round.
    writeFileSync(file, `[${files.map((path) => readFileSync(path, 'utf8')).join(',')}]`)
    const verdict = await runGo('tree', file)
    expect(verdict.faults).toBe(null)
    expect(verdict.counts?.['cases']).toBeGreaterThan(20)
  })
})
