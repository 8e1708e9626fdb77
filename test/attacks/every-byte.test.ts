// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Verdict, VerifyOptions } from '@spanseal/core'
import { parseVkey, verify } from '@spanseal/core'
import { openWriter } from '@spanseal/journal'
import { afterAll, expect, it } from 'vitest'
import { epochsOf } from '../vectors/journal-files.ts'
import { LOG, writeAttackedLog, writeCalls, writerOptions } from './attacked-log.ts'
import { aKey, certifiedKeyring } from './host-secrets.ts'
import { journalBytes, verifyWith } from './journal-bytes.ts'

const SLOW = process.env['SLOW'] === '1'
const FLIPS = SLOW ? 100_000 : 2_000

const root = mkdtempSync(join(tmpdir(), 'spanseal-bytes-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A generator whose numbers are the same at every run: mulberry32. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** What a change of `path` may come to: found; or, in checkpoints, listed as torn, with all records there. */
function expectFound(verdict: Verdict, path: string, records: number): void {
  if (!verdict.ok) return
  const { findings, checked } = verdict
  const listed = findings.some(({ code, file }) => code === 'torn' && file === path)
  const inCheckpoints = path.endsWith('/checkpoints')
  expect({ path, inCheckpoints, listed, checked }).toEqual({
    path,
    inCheckpoints: true,
    listed: true,
    checked: records,
  })
}

it(`${FLIPS} flips of one bit, anywhere, are found`, async () => {
  const log = writeAttackedLog(join(root, 'flips'), { small: true })
  const files = journalBytes(log.journal)
  const options: VerifyOptions = { keys: log.pinned, heads: log.heads }
  const untouched = await verify(epochsOf(files), options)
  expect(untouched).toMatchObject({ ok: true, level: 3 })
  const all = [...files].flatMap(([path, bytes]) => Array.from(bytes, (_, at) => ({ path, at })))
  const random = numbersFrom(1)
  for (let i = 0; i < FLIPS; i++) {
    const { path, at } = all[random(all.length)] as (typeof all)[number]
    const bytes = Buffer.from(files.get(path) as Buffer)
    bytes[at] = (bytes[at] as number) ^ (1 << random(8))
    expectFound(await verifyWith(files, { path, bytes }, options), path, untouched.checked)
  }
})

it('a small journal that is cut at any byte of any file is found to be cut', async () => {
  const journal = join(root, 'cuts', 'journal')
  const tenant = aKey(LOG)
  const { keyring } = certifiedKeyring({ journal, keyring: `${journal}.keys` }, tenant)
  const writer = openWriter(writerOptions(journal, keyring))
  writeCalls(writer, keyring, 1)
  writer.close()
  const files = journalBytes(journal)
  const keys = [parseVkey(tenant.vkey)]
  const untouched = await verify(epochsOf(files), { keys })
  expect(untouched).toMatchObject({ ok: true, level: 2, checked: 4 })
  for (const [path, whole] of files) {
    for (let end = 0; end < whole.length; end++) {
      const verdict = await verifyWith(files, { path, bytes: whole.subarray(0, end) }, { keys })
      expectFound(verdict, path, untouched.checked)
    }
  }
})
