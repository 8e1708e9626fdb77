// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { build } from 'esbuild'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { answers } from './answers.ts'
import { openBrowser, ROOT } from './verifier-page.ts'

let browser: Browser

beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())

it('a page gets the answers that Node gives: hashes, bytes, texts, odd Ed25519 signatures', async () => {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    stdin: {
      contents: "import { answers } from './answers.ts'; globalThis.answered = answers()",
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    write: false,
    platform: 'browser',
    conditions: ['spanseal-source'],
    alias: { 'node:crypto': './packages/verifier/src/page/node-crypto.ts' },
    inject: ['packages/verifier/src/page/buffer-global.ts'],
  })
  const page = await browser.newPage()
  const inPage = await page.evaluate(`${outputFiles[0]?.text ?? ''}; JSON.stringify(answered)`)
  const there = JSON.parse(inPage as string) as ReturnType<typeof answers>
  const here = JSON.parse(JSON.stringify(answers())) as ReturnType<typeof answers>
  // OpenSSL refuses keys of small order since 3.5; Node 20 and 22 have an earlier one.
  expect((there['small'] as string[]).join('')).not.toContain('1')
  if (Number.parseFloat(process.versions.openssl) < 3.5) here['small'] = there['small']
  expect(there).toEqual(here)
  // The odd ones are odd: some hold, some do not.
  expect(here['valid']).toBe(true)
  expect(here['flipped']).not.toContain(true)
  expect(here['scalars']).toEqual([false, false, true, ...Array.from({ length: 6 }, () => false)])
  expect(new Set(here['ofMixedOrder'] as boolean[])).toEqual(new Set([true, false]))
})
