// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import type { BundleFinding, CheckBundleOptions, TileId } from '@spanseal/core'
import {
  AuditError,
  BUNDLE_CHECKS,
  BUNDLE_FINDING_CODES,
  checkBundle,
  entriesPath,
  formatBundle,
  inclusionRoot,
  isConsistent,
  leafHash,
  parseBundle,
  parseVkey,
  parseWitnessKey,
  tilePath,
} from '@spanseal/core'
import { describe, expect, test } from 'vitest'
import { readVectors } from './stored-vectors.ts'

/** What our own implementation makes of `bundle.json` and `bundle-proofs.json`. */

interface BundleVectors {
  readonly cases: readonly {
    readonly name: string
    readonly bundle: string
    readonly given: {
      readonly keys: readonly string[]
      readonly now: string
      readonly heads?: readonly string[]
      readonly revocations?: readonly string[]
      readonly witnesses?: { readonly keys: readonly string[]; readonly threshold: number }
    }
    readonly expect: {
      readonly ok: boolean
      readonly level: number
      readonly faults: readonly string[]
      readonly notices: readonly string[]
    }
  }[]
  readonly malformed: readonly { readonly name: string; readonly bundle: string }[]
}

interface ProofVectors {
  readonly entries: readonly string[]
  readonly roots: readonly string[]
  readonly inclusion: readonly { index: number; size: number; path: readonly string[] }[]
  readonly consistency: readonly { first: number; second: number; proof: readonly string[] }[]
  readonly tiles: readonly (TileId & { readonly path: string; readonly entries: string })[]
}

const { cases, malformed } = readVectors<BundleVectors>('bundle.json')

function optionsOf({ given }: BundleVectors['cases'][number]): CheckBundleOptions {
  const { keys, now, heads = [], revocations = [], witnesses } = given
  return {
    keys: keys.map(parseVkey),
    heads,
    revocations,
    now: () => Date.parse(now),
    ...(witnesses !== undefined && {
      witnesses: { keys: witnesses.keys.map(parseWitnessKey), threshold: witnesses.threshold },
    }),
  }
}

/** `<check>:<code>`, each once, in the order of the checks. */
function codesOf(findings: readonly BundleFinding[], kind: BundleFinding['kind']): string[] {
  const found = findings.filter((finding) => finding.kind === kind)
  const order = (code: string): number =>
    BUNDLE_CHECKS.findIndex((check) => code.startsWith(`${check}:`))
  const codes = new Set(found.map(({ check, code }) => `${check}:${code}`))
  return [...codes].toSorted((a, b) => order(a) - order(b))
}

describe('bundle.json', () => {
  test.for(cases)('$name', async (one) => {
    const verdict = await checkBundle(one.bundle, optionsOf(one))
    const { ok, level, findings } = verdict
    const faults = codesOf(findings, 'fault')
    expect({ ok, level, faults, notices: codesOf(findings, 'notice') }).toEqual(one.expect)
    expect(formatBundle(parseBundle(one.bundle))).toBe(one.bundle)
  })

  test('has cases of every level that needs no time-stamp, and of every check', () => {
    const levels = new Set(cases.map(({ expect: { level } }) => level))
    expect(levels).toEqual(new Set([0, 1, 2, 3, 4]))
    const checks = new Set(
      cases.flatMap(({ expect: { faults } }) => faults.map((code) => code.split(':')[0])),
    )
    const without = BUNDLE_CHECKS.filter((check) => !checks.has(check))
    expect(without).toEqual(['bundle', 'timestamp'])
  })

  test.for(malformed)('malformed: $name', async ({ bundle }) => {
    const parse = (): unknown => parseBundle(bundle)
    expect(parse).toThrow(AuditError)
    const verdict = await checkBundle(bundle, { keys: [] })
    expect(verdict).toMatchObject({ ok: false, level: 0, findings: [{ code: 'malformed' }] })
  })
})

test('spec/bundle.md names every check and every code', () => {
  const page = readFileSync(new URL('../../spec/bundle.md', import.meta.url), 'utf8')
  const checks = [...page.matchAll(/^\d+\. \*\*`(\w+)`\*\*/gm)].map(([, check]) => check)
  expect(checks).toEqual(BUNDLE_CHECKS)
  expect(BUNDLE_FINDING_CODES.filter((code) => !page.includes(`\`${code}\``))).toEqual([])
})

describe('bundle-proofs.json', () => {
  const { entries, roots, inclusion, consistency, tiles } =
    readVectors<ProofVectors>('bundle-proofs.json')

  test('inclusion and consistency hold', () => {
    for (const { index, size, path } of inclusion) {
      const leaf = leafHash(Buffer.from(entries[index] as string))
      expect(inclusionRoot(leaf, { index, size }, path)).toBe(roots[size])
    }
    for (const { first, second, proof } of consistency) {
      const heads = [first, second].map((size) => ({ size, root: roots[size] as string }))
      const [from, to] = heads as [(typeof heads)[number], (typeof heads)[number]]
      expect(isConsistent(from, to, proof)).toBe(true)
    }
  })

  test('tiles have these paths', () => {
    for (const { path, entries: bundle, ...tile } of tiles) {
      expect(tilePath(tile)).toBe(path)
      expect(entriesPath(tile)).toBe(bundle)
    }
  })
})
