// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalize } from '../canonical.ts'
import { AuditError } from '../errors.ts'
import { pinned } from '../verify/a-journal.fixture.ts'
import { aRevocation, aSealedJournal, aWitness } from './a-bundle.fixture.ts'
import type { Bundle } from './bundle.ts'
import { formatBundle, parseBundle } from './bundle.ts'
import type { BundleVerdict } from './bundle-verdict.ts'
import { BUNDLE_FINDING_CODES } from './bundle-verdict.ts'
import type { CheckBundleOptions } from './check-bundle.ts'
import { checkBundle } from './check-bundle.ts'
import { proveRecordInLog } from './prove-in-log.ts'

const witness = aWitness(1)
const sealed = aSealedJournal({ before: 20 })
sealed.log.cosign(witness).cosign(aWitness(2))
sealed.log.timestamps.push(Buffer.from('any token'))

/** A bundle with everything in it. */
const whole: Bundle = await (async () => {
  const { epoch, end, log, openings } = sealed
  const bundle = await proveRecordInLog(epoch.bytes(), end, { log: log.tiles })
  const tenant = bundle.tenant as NonNullable<Bundle['tenant']>
  return { ...bundle, tenant: { ...tenant, revocations: [aRevocation(99)] }, openings }
})()
const text = formatBundle(whole)
const options: CheckBundleOptions = {
  keys: pinned(sealed.journal.tenant),
  witnesses: { keys: [witness.known], threshold: 1 },
  now: () => 1_795_400_000_000,
}
const genuine = await checkBundle(text, options)

/** What may not be otherwise in anything that holds: record, leaf, opened values. */
function meaning(bundle: string | Uint8Array): object {
  const { record, openings } = parseBundle(bundle)
  return { record, opened: (openings ?? []).map(({ field, value }) => [field, value]) }
}

/** What is wrong with a verdict: it may hold only for the same record and values. */
function flawOf(verdict: BundleVerdict, bundle: string | Uint8Array): string | undefined {
  const { findings, level, ok, record } = verdict
  const faults = findings.filter(({ kind }) => kind === 'fault')
  if (!findings.every(({ code }) => BUNDLE_FINDING_CODES.includes(code))) return 'an unknown code'
  if (ok !== level > 0 || ok !== (faults.length === 0)) return 'ok, level and faults differ'
  if (!ok) return undefined
  if (canonicalize(record) !== canonicalize(genuine.record)) return 'it holds for another record'
  if (canonicalize(meaning(bundle)) === canonicalize(meaning(text))) return undefined
  return 'it holds for other values'
}

it('the bundle that is changed below holds at level 4', () => {
  expect(genuine).toMatchObject({ ok: true, level: 4, findings: [] })
})

describe('checkBundle on changed bundles', () => {
  it('takes no flipped byte for the genuine one, unless it says the same', async () => {
    const bytes = Buffer.from(text)
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (place, flip) => {
        const changed = Buffer.from(bytes)
        const at = place % changed.length
        changed[at] = (changed[at] as number) ^ flip
        expect(flawOf(await checkBundle(changed, options), changed)).toBeUndefined()
      }),
    )
  })

  it('refuses a bundle that is cut anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (place) => {
        const verdict = await checkBundle(text.slice(0, place % text.length), options)
        expect(verdict).toMatchObject({ ok: false, level: 0 })
      }),
    )
  })

  it('takes no value changed in its place, still canonical, for the genuine one', async () => {
    const places = placesOf(JSON.parse(text))
    const value = fc.oneof(
      fc.string(),
      fc.nat(),
      fc.constantFrom<unknown>('', null, [], {}, -1, 2 ** 53, '0'.repeat(64), 'YQ==', [['a']]),
      fc.constantFrom(...places).map((path) => valueAt(JSON.parse(text), path)),
    )
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), value, async (path, replacement) => {
        const changed = JSON.parse(text) as object
        const parent = valueAt(changed, path.slice(0, -1)) as Record<string, unknown>
        parent[path.at(-1) as string] = replacement
        const other = written(changed)
        expect(flawOf(await checkBundle(other, options), other)).toBeUndefined()
      }),
    )
  })
})

describe('checkBundle on anything at all', () => {
  it('gives a verdict that does not hold, and parseBundle a code', async () => {
    const any = fc.oneof(fc.string(), fc.json(), fc.uint8Array(), fc.jsonValue().map(written))
    await fc.assert(
      fc.asyncProperty(any, async (garbage) => {
        expect(await checkBundle(garbage, options)).toMatchObject({ ok: false, level: 0 })
        expect(() => parseBundle(garbage)).toThrow(AuditError)
      }),
    )
  })

  it('gives one for records and notes that are anything', async () => {
    const anyText = fc.oneof(
      fc.string({ maxLength: 300 }),
      fc.json(),
      fc.constantFrom(whole.record, whole.checkpoint, ...whole.certs, sealed.epoch.lines[0] ?? ''),
    )
    const bundles = fc.record({
      record: anyText,
      checkpoint: anyText,
      certs: fc.array(anyText, { maxLength: 2 }),
      path: fc.constant(whole.path),
    })
    await fc.assert(
      fc.asyncProperty(bundles, async (parts) => {
        const bundle = written({ ...parts, bundle: 'spanseal/bundle/1' })
        const { keys } = options
        expect(flawOf(await checkBundle(bundle, { keys }), text)).toBeUndefined()
      }),
    )
  })

  it('gives one in bounded time for the worst that fits', async () => {
    const [line] = whole.checkpoint.split('\n\n').slice(1)
    const note = (whole.checkpoint + (line ?? '').repeat(63)).slice(0, 65_536)
    const deep = `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)},"v":1}`
    const version = `{"v":${'['.repeat(30_000)}${']'.repeat(30_000)}}`
    const tenant = whole.tenant as NonNullable<Bundle['tenant']>
    const revoked = Array.from({ length: 64 }, (_, i) => aRevocation(i))
    const worst: readonly Bundle[] = [
      { ...whole, checkpoint: note },
      { ...whole, record: deep },
      { ...whole, record: version },
      { ...whole, record: 'x'.repeat(65_535) },
      { ...whole, tenant: { ...tenant, revocations: revoked } },
      { ...whole, path: Array.from({ length: 64 }, () => '0'.repeat(64)) },
      { ...whole, tenant: { ...tenant, entry: 2 ** 53 - 1 } },
    ]
    for (const bundle of worst) {
      const worded = formatBundle(bundle)
      expect(flawOf(await checkBundle(worded, options), worded)).toBeUndefined()
    }
  })
})

/** The canonical text with its LF; nothing where there is none. */
function written(value: unknown): string {
  try {
    return `${canonicalize(value)}\n`
  } catch {
    return ''
  }
}

/** Every path into a JSON value. */
function placesOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = [...path, key]
    return [here, ...placesOf(inner, here)]
  })
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce((found, key) => (found as Record<string, unknown>)[key], value)
}
