// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, WitnessKey } from '@spanseal/core'
import {
  checkBundle,
  formatBundle,
  formatHeadLine,
  parseVkey,
  proveRecord,
  proveRecordInLog,
} from '@spanseal/core'
import { proveJournalRecord } from '@spanseal/journal'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aJournal, emptyFolder, TestAgent } from '../../packages/cli/src/journal.fixture.ts'
import {
  aRevocation,
  aSealedJournal,
  aWitness,
} from '../../packages/core/src/bundle/a-bundle.fixture.ts'
import { formatWitnessKey } from '../../packages/core/src/tlog/cosignature.ts'
import type { GoVerdict } from './go-verifier.ts'
import { codesOf, options, runGo } from './go-verifier.ts'

/** Proof bundles: what our library makes and says of them, against the verifier in Go. */

const witnessKeyOf = ({ name, publicKey }: WitnessKey): string => formatWitnessKey(name, publicKey)

async function checkText(text: string | Uint8Array, ...args: string[]): Promise<GoVerdict> {
  const file = join(emptyFolder(), 'bundle.json')
  writeFileSync(file, text)
  return runGo('bundle', file, ...args)
}

function sealed(): ReturnType<typeof aSealedJournal> & { readonly keys: readonly string[] } {
  const all = aSealedJournal({ before: 300 })
  return { ...all, keys: [all.journal.tenant.vkey] }
}

test('every record of a journal that the library wrote is proved', async () => {
  const journal = aJournal()
  for (let i = 0; i < 8; i++) new TestAgent(journal).task()
  const epoch = journal.writer.epoch as string
  journal.writer.close()
  for (let seq = 0; seq < 34; seq += 3) {
    const bundle = await proveJournalRecord(journal.folder, { epoch, seq })
    const verdict = await checkText(formatBundle(bundle), '--key', journal.vkey)
    expect(verdict.faults, `seq ${seq}`).toBe(null)
  }
})

describe('a bundle with everything', () => {
  test('holds: inclusion, certificates, tenant log, cosignatures, openings', async () => {
    const { epoch, log, start, end, openings, keys } = sealed()
    const witnesses = [aWitness(1), aWitness(2), aWitness(3)]
    log.cosign(witnesses[0]!).cosign(witnesses[2]!)
    const known = witnesses.map(({ known }) => witnessKeyOf(known))
    for (const [seq, of] of [
      [start, ['/invocation/input']],
      [end, ['/invocation/output']],
    ] as const) {
      const proof = await proveRecordInLog(epoch.bytes(), seq, { log: log.tiles })
      const bundle = {
        ...proof,
        openings: openings.filter(({ field }) => (of as readonly string[]).includes(field)),
      }
      const args = [...options('key', keys), ...options('witness', known)]
      const two = await checkText(formatBundle(bundle), ...args, '--threshold', '2')
      expect(two.faults).toBe(null)
      expect(two.counts?.['openings']).toBe(1)
      const three = await checkText(formatBundle(bundle), ...args, '--threshold', '3')
      expect(codesOf(three)).toEqual(['unsigned'])
    }
  })

  test('is compared with heads that were kept elsewhere', async () => {
    const { epoch, log, start, keys } = sealed()
    const text = formatBundle(await proveRecordInLog(epoch.bytes(), start, { log: log.tiles }))
    const head = { origin: log.text.split('\n')[0]!, size: log.size, root: log.root }
    const args = options('key', keys)
    const same = await checkText(text, ...args, '--head', formatHeadLine(head))
    expect(same).toMatchObject({ ok: true, notices: null })
    const other = { ...head, root: '00'.repeat(32) }
    expect(codesOf(await checkText(text, ...args, '--head', formatHeadLine(other)))).toEqual([
      'forked',
    ])
  })

  test('whose issuer was revoked holds only below the revocation', async () => {
    const { epoch, log, start, keys } = sealed()
    const proof = await proveRecordInLog(epoch.bytes(), start, { log: log.tiles })
    const certificate = proof.tenant!.certificate.entry
    for (const size of [certificate, certificate + 1]) {
      const file = join(emptyFolder(), 'revocation')
      writeFileSync(file, aRevocation(size))
      const given = await checkText(
        formatBundle(proof),
        ...options('key', keys),
        '--revocation',
        file,
      )
      const inside = { ...proof, tenant: { ...proof.tenant!, revocations: [aRevocation(size)] } }
      const carried = await checkText(formatBundle(inside), ...options('key', keys))
      const expected = size > certificate ? [] : ['unsigned']
      expect([codesOf(given), codesOf(carried)]).toEqual([expected, expected])
    }
  })
})

/** All places of a bundle that hold a text or a number, as paths of keys. */
function placesOf(value: unknown, path: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [[...path]]
  return Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...path, key]))
}

function changed(
  bundle: object,
  path: readonly (string | number)[],
  change: (old: unknown) => unknown,
): object {
  const copy = structuredClone(bundle) as Record<string | number, unknown>
  let parent = copy
  for (const key of path.slice(0, -1)) parent = parent[key] as typeof parent
  const last = path.at(-1)!
  parent[last] = change(parent[last])
  return copy
}

test('both say the same of a bundle in which something is another', async () => {
  const { epoch, log, start, openings, journal } = sealed()
  log.cosign(aWitness(1))
  const keys = [parseVkey(journal.tenant.vkey)]
  const proof = await proveRecordInLog(epoch.bytes(), start, { log: log.tiles })
  const bundle: Bundle = { ...proof, openings: openings.slice(0, 1) }
  const value = JSON.parse(formatBundle(bundle)) as object
  const places = placesOf(value)
  const twist = (old: unknown, at: number): unknown => {
    if (typeof old !== 'string') return Number(old) + 1
    const index = at % old.length
    const code = old.charCodeAt(index)
    return `${old.slice(0, index)}${String.fromCharCode(code ^ 1)}${old.slice(index + 1)}`
  }
  let refused = 0
  const agreed = fc.asyncProperty(
    fc.nat({ max: places.length - 1 }),
    fc.nat({ max: 4096 }),
    async (place, at) => {
      // Whoever changes a bundle writes it as it has to be: keys in their order.
      const text = `${JSON.stringify(changed(value, places[place]!, (old) => twist(old, at)))}\n`
      const ours = await checkBundle(text, { keys })
      const theirs = await checkText(text, '--key', journal.tenant.vkey)
      expect(theirs.ok, `${places[place]!.join('.')} ${at}: ${JSON.stringify(ours.findings)}`).toBe(
        ours.ok,
      )
      if (!theirs.ok) refused++
    },
  )
  await fc.assert(agreed)
  expect(refused).toBeGreaterThan(100)
})

test('a byte that is another one is refused, wherever it stands', async () => {
  const { epoch, log, start, openings, keys } = sealed()
  const proof = await proveRecordInLog(epoch.bytes(), start, { log: log.tiles })
  const bytes = Buffer.from(formatBundle({ ...proof, openings: openings.slice(0, 1) }))
  for (let at = 0; at < bytes.length; at += process.env['SLOW'] === '1' ? 1 : 29) {
    const flipped = Buffer.from(bytes)
    flipped[at] = flipped[at]! ^ (1 << (at % 8))
    const verdict = await checkText(flipped, ...options('key', keys))
    expect(verdict.ok, `byte ${at}`).toBe(false)
  }
})

test('a bundle without a tenant log says so by not having one', async () => {
  const { epoch, start, keys } = sealed()
  const text = formatBundle(await proveRecord(epoch.bytes(), start))
  expect((await checkText(text, ...options('key', keys))).ok).toBe(true)
  const witness = witnessKeyOf(aWitness(1).known)
  const cosigned = await checkText(text, ...options('key', keys), '--witness', witness)
  expect(codesOf(cosigned)).toEqual(['unsigned'])
})

interface BundleVectors {
  readonly cases: readonly {
    readonly name: string
    readonly bundle: string
    readonly given: {
      readonly keys: readonly string[]
      readonly heads?: readonly string[]
      readonly revocations?: readonly string[]
      readonly witnesses?: { readonly keys: readonly string[]; readonly threshold: number }
    }
    readonly expect: {
      readonly ok: boolean
      readonly faults: readonly string[]
      readonly notices: readonly string[]
    }
  }[]
  readonly malformed: readonly { readonly name: string; readonly bundle: string }[]
}

describe('bundle.json', () => {
  const file = readFileSync(new URL('../../vectors/bundle.json', import.meta.url), 'utf8')
  const { cases, malformed } = JSON.parse(file) as BundleVectors
  /** The verifier in Go has no schema and no clock. */
  const isAbove = (finding: string): boolean => !/:schema$|:clock$/.test(finding)

  test.each(cases)('$name', async ({ bundle, given, expect: expected }) => {
    const { heads = [], keys, revocations = [], witnesses } = given
    const files = revocations.map((note) => {
      const path = join(emptyFolder(), 'revocation')
      writeFileSync(path, note)
      return path
    })
    const verdict = await checkText(
      bundle,
      ...options('key', keys),
      ...options(
        'head',
        heads.map((note) => note.split('\n').slice(0, 3).join(' ')),
      ),
      ...options('revocation', files),
      ...options('witness', witnesses?.keys ?? []),
      ...options('threshold', witnesses ? [String(witnesses.threshold)] : []),
    )
    const named = (found: GoVerdict['faults']): string[] => [
      ...new Set((found ?? []).map(({ at, code }) => `${at}:${code}`)),
    ]
    expect(verdict.ok).toBe(expected.ok)
    expect(named(verdict.faults).toSorted()).toEqual(expected.faults.filter(isAbove).toSorted())
    expect(named(verdict.notices)).toEqual(expected.notices.filter(isAbove))
  })

  test.each(malformed)('malformed: $name', async ({ bundle }) => {
    expect(codesOf(await checkText(bundle))).toEqual(['malformed'])
  })
})
