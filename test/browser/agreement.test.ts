// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatBundle, proveRecord } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  CASES,
  emptyFolder,
  goldenCopy,
  HEADS,
  KEYS,
  OUTSIDE_WHOLE,
  outsideCopy,
} from './evidence.ts'
import { runVerifier } from './run-verifier.ts'
import type { Examination } from './verifier-page.ts'
import { fillIn, openBrowser, openVerifier, verifyInPage } from './verifier-page.ts'

let browser: Browser
let page: Page

beforeAll(async () => {
  browser = await openBrowser()
  page = await openVerifier(browser)
})
afterAll(() => browser.close())

const keyArgs = KEYS.flatMap((key) => ['--key', key])

interface Agreed {
  readonly ok: boolean
  readonly journal?: { readonly level: number; readonly checked: number }
  readonly bundles: readonly {
    readonly verdict: { readonly ok: boolean; readonly level: number }
  }[]
}

/** An empty folder is none to a page: there is nothing to press, and so nothing that could differ. */
async function shownInPage(asked: Examination, verdict: Agreed): Promise<unknown> {
  if (asked.folder === undefined || readdirSync(asked.folder).length > 0) {
    return verifyInPage(page, asked)
  }
  await fillIn(page, asked)
  return (await page.isDisabled('#verify')) ? verdict : undefined
}

/** What both say, which must be the same to the last finding. */
async function agreed(cwd: string, args: readonly string[], asked: Examination): Promise<Agreed> {
  const program = await runVerifier([...args, '--json'], { cwd })
  expect(program.stderr).toBe('')
  const verdict = JSON.parse(program.stdout) as Agreed
  await page.reload()
  expect(await shownInPage(asked, verdict)).toEqual(verdict)
  expect(program.status).toBe(verdict.ok ? 0 : 1)
  return verdict
}

describe('program and page', () => {
  it('hold the golden journal alike', async () => {
    const parent = emptyFolder()
    const folder = goldenCopy(parent)
    const verdict = await agreed(parent, ['journal', ...keyArgs], { folder, keys: KEYS })
    expect(verdict).toMatchObject({ ok: true, journal: { level: 2, checked: 29 } })
    expect((await agreed(parent, ['journal'], { folder })).journal?.level).toBe(1)
  })

  it('hold it complete with the heads that complete it', async () => {
    const parent = emptyFolder()
    const folder = goldenCopy(parent)
    const heads = join(parent, 'heads')
    writeFileSync(heads, HEADS.join('\n'))
    const asked = { folder, keys: KEYS, heads: HEADS.join('\n') }
    const verdict = await agreed(parent, ['journal', ...keyArgs, '--head', heads], asked)
    expect(verdict.journal?.level).toBe(3)
  })

  it('say alike what a journal says that it lacks', async () => {
    const parent = emptyFolder()
    const folder = join(parent, 'journal')
    cpSync(new URL('../../vectors/gaps', import.meta.url), folder, { recursive: true })
    const verdict = await agreed(parent, ['journal', ...keyArgs], { folder, keys: KEYS })
    expect(verdict).toMatchObject({
      ok: true,
      journal: { level: 2, gaps: { count: 2, records: 5, refused: 3 }, breakglass: { calls: 1 } },
    })
  })

  it.each(CASES)('find alike what was done to it: %s', async (name) => {
    const parent = emptyFolder()
    const folder = goldenCopy(parent, name)
    const expected = JSON.parse(
      readFileSync(new URL(`../../vectors/tampered/${name}/case.json`, import.meta.url), 'utf8'),
    ) as { readonly faults: readonly string[] }
    const verdict = await agreed(parent, ['journal', ...keyArgs], { folder, keys: KEYS })
    expect(verdict.ok).toBe(expected.faults.length === 0)
  })

  it.each(OUTSIDE_WHOLE)('go by what is brought along alike: %s', async (name) => {
    const parent = emptyFolder()
    const { brought, faults } = outsideCopy(parent, name)
    const { heads = [], revocations = [], witnesses } = brought
    const given = {
      heads: heads.join('\n'),
      revocations: revocations.join('\n'),
      witnesses: witnesses?.keys.join('\n') ?? '',
    }
    const args = Object.entries(given).flatMap(([option, text]) => {
      if (text === '') return []
      writeFileSync(join(parent, option), text)
      return [`--${option === 'witnesses' ? 'witness' : option.slice(0, -1)}`, option]
    })
    const threshold = witnesses === undefined ? '' : String(witnesses.threshold)
    if (threshold !== '') args.push('--threshold', threshold)
    const asked = { folder: join(parent, 'evidence'), keys: KEYS, ...given, threshold }
    const verdict = await agreed(parent, ['evidence', ...keyArgs, ...args], asked)
    // Some ask for another time than now.
    const expected = brought.now === undefined ? faults.length === 0 : verdict.ok
    expect(verdict.ok).toBe(expected)
  })

  it('check the bundles of the vectors alike, and refuse the same that are none', async () => {
    const parent = emptyFolder()
    const { cases, malformed } = JSON.parse(
      readFileSync(new URL('../../vectors/bundle.json', import.meta.url), 'utf8'),
    ) as { cases: readonly { bundle: string }[]; malformed: readonly { bundle: string }[] }
    const files = [...cases, ...malformed].map(({ bundle }, i) => {
      writeFileSync(join(parent, `${i}.json`), bundle)
      return `${i}.json`
    })
    // The page takes files by name, as the program is given them.
    files.sort()
    const asked = { files: files.map((file) => join(parent, file)), keys: KEYS }
    const { bundles } = await agreed(parent, [...files, ...keyArgs], asked)
    expect(bundles).toHaveLength(cases.length + malformed.length)
    expect(bundles.filter(({ verdict }) => verdict.ok).length).toBeGreaterThan(1)
  })

  it('check proof bundles alike, whole and with any character changed', async () => {
    const parent = emptyFolder()
    const [epoch] = await Array.fromAsync(readJournal(goldenCopy(parent)))
    if (epoch === undefined) throw new Error('no epoch')
    const whole = formatBundle(await proveRecord(epoch, 3))
    const files = Array.from({ length: 12 }, (_, i) => {
      const at = Math.floor((i * whole.length) / 12)
      const text = i === 0 ? whole : `${whole.slice(0, at)}~${whole.slice(at + 1)}`
      writeFileSync(join(parent, `b${String(i).padStart(2, '0')}.json`), text)
      return `b${String(i).padStart(2, '0')}.json`
    })
    const asked = { files: files.map((file) => join(parent, file)), keys: KEYS }
    const { bundles } = await agreed(parent, [...files, ...keyArgs], asked)
    expect(bundles).toHaveLength(12)
    expect(bundles.map(({ verdict }) => verdict.ok)).toEqual(files.map((_, i) => i === 0))
    expect(bundles[0]?.verdict.level).toBe(2)
  })
})
