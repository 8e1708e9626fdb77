// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findEpochEnd } from '../epoch-end.ts'
import { aFolder } from '../journal.fixture.ts'
import type { DeliveredMarker } from './delivered-marker.ts'
import { formatMarker, newestMarkerText, readMarker } from './delivered-marker.ts'
import { aFilledJournal, aWriter, faultsOf, verdictOf } from './spool.fixture.ts'

const MARKER: DeliveredMarker = {
  size: 10,
  leaf: 'ab'.repeat(32),
  closed: false,
  at: 1_700_000_000_000,
  sinks: ['kafka'],
}

function put(folder: string, size: number, text: string): string {
  const path = join(folder, `delivered-${String(size).padStart(12, '0')}.json`)
  writeFileSync(path, text)
  return path
}

test('the marker with the greatest size holds', () => {
  const folder = aFolder()
  expect(readMarker(folder)).toBeUndefined()
  const torn = { bytes: 3, sha256: 'cd'.repeat(32) }
  for (const size of [10, 200, 30]) put(folder, size, formatMarker({ ...MARKER, size, torn }))
  expect(readMarker(folder)).toEqual({ ...MARKER, size: 200, torn })
  expect(newestMarkerText(folder)).toBe(formatMarker({ ...MARKER, size: 200, torn }))
})

test('what is no marker is passed over, whatever its shape', () => {
  const hostile: unknown[] = [
    { ...MARKER, size: 11 },
    { ...MARKER, size: '10' },
    { ...MARKER, size: -10 },
    { ...MARKER, leaf: 'AB'.repeat(32) },
    { ...MARKER, leaf: 5 },
    { ...MARKER, closed: 'yes' },
    { ...MARKER, at: 'now' },
    { ...MARKER, at: 1e300 },
    { ...MARKER, sinks: 'kafka' },
    { ...MARKER, sinks: ['\u001b[2J'] },
    { ...MARKER, sinks: Array.from({ length: 100 }, () => 'kafka') },
    { ...MARKER, sinks: [{}] },
    null,
    [],
    5,
    'x',
  ]
  const texts = [...hostile.map((value) => JSON.stringify(value)), '', '{', '\0'.repeat(100)]
  for (const text of texts) {
    const folder = aFolder()
    put(folder, 10, text)
    expect(readMarker(folder)).toBeUndefined()
    put(folder, 5, formatMarker({ ...MARKER, size: 5 }))
    expect(readMarker(folder)?.size).toBe(5)
  }
  const folder = aFolder()
  put(folder, 10, `${' '.repeat(10 * 1024 * 1024)}${JSON.stringify(MARKER)}`)
  mkdirSync(join(folder, 'delivered-000000000011.json'))
  execFileSync('mkfifo', [join(folder, 'delivered-000000000012.json')])
  writeFileSync(join(folder, 'aside'), formatMarker({ ...MARKER, size: 13 }))
  symlinkSync(join(folder, 'aside'), join(folder, 'delivered-000000000013.json'))
  expect(readMarker(folder)).toBeUndefined()
  expect(newestMarkerText(folder)).toBeUndefined()
  put(folder, 4, formatMarker({ ...MARKER, size: 4, torn: { bytes: -1, sha256: '' } }))
  expect(readMarker(folder)).toEqual({ ...MARKER, size: 4 })
})

test('a marker that lies about an epoch brings a fault, and never makes records appear', async () => {
  const { journal, keys, closed, live } = aFilledJournal()
  live.close()
  const epoch = [...live.epochs][0] ?? closed
  const folder = join(journal, epoch)
  const end = findEpochEnd(folder, epoch)
  put(folder, 7, formatMarker({ ...MARKER, size: 7 }))
  expect(findEpochEnd(folder, epoch)).toEqual(end)
  expect(faultsOf(await verdictOf(journal, keys))).toEqual([])
  put(folder, 90, formatMarker({ ...MARKER, size: 90 }))
  expect(findEpochEnd(folder, epoch).size).toBe(90)
  aWriter(journal, keys).close()
  expect((await verdictOf(journal, keys, false)).ok).toBe(false)
})
