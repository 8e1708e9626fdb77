// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { appendFileSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Verdict } from '@spanseal/core'
import { isEpochId, verify } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import { afterAll, afterEach, expect, it } from 'vitest'
import { defaultThreads, VerifyThreads } from './verify-threads.ts'

const vectors = join(import.meta.dirname, '../../../vectors')
const golden = join(vectors, 'journal')
const scratch = mkdtempSync(join(tmpdir(), 'spanseal-threads-'))
const open: VerifyThreads[] = []

afterEach(async () => {
  for (const threads of open.splice(0)) await threads.close()
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

function threads(count: number): VerifyThreads {
  const made = new VerifyThreads(count)
  open.push(made)
  return made
}

async function both(paths: readonly string[], runner: VerifyThreads): Promise<[Verdict, Verdict]> {
  const now = (): number => Date.parse('2026-11-22T00:00:00.000Z')
  return [
    await verify(readJournal(paths), { now }),
    await verify(readJournal(paths), { now, runner }),
  ]
}

it('threads come to the same verdict, findings and their order included', async () => {
  const runner = threads(2)
  const cases = readdirSync(join(vectors, 'tampered'))
  for (const name of ['', ...cases.filter((_, i) => i % 6 === 0)]) {
    const journal = join(scratch, `case-${name}`)
    cpSync(golden, journal, { recursive: true })
    if (name !== '') cpSync(join(vectors, 'tampered', name), journal, { recursive: true })
    const [alone, together] = await both([journal], runner)
    expect({ name, ...together }).toEqual({ name, ...alone })
  }
})

it('a call that ends in another epoch, copies of an epoch and calls without an end are matched', async () => {
  const journal = join(scratch, 'copies')
  cpSync(golden, journal, { recursive: true })
  const other = join(scratch, 'other')
  cpSync(golden, other, { recursive: true })
  const [epoch = ''] = readdirSync(other).filter(isEpochId)
  const segment = readdirSync(join(other, epoch)).findLast((file) => file.endsWith('.jsonl')) ?? ''
  appendFileSync(join(other, epoch, segment), '{"torn":')
  const [alone, together] = await both([journal, other], threads(2))
  expect(alone.counts.duplicated).toBeGreaterThan(0)
  expect(together).toEqual(alone)
})

it('what a thread cannot read is told with its code', async () => {
  const gone = {
    name: join(scratch, 'nothing-here'),
    async *segments() {},
    async *checkpoints() {},
  }
  const verdict = verify([gone], { runner: threads(1) })
  await expect(verdict).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

it('small journals take one thread', () => {
  expect(defaultThreads(1024)).toBe(1)
  expect(defaultThreads(2 ** 31)).toBeGreaterThanOrEqual(1)
})
