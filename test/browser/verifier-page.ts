// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { chromiumPath } from '../services/chromium.ts'

export const ROOT: string = join(import.meta.dirname, '../..')
export const DIST: string = join(ROOT, 'packages/verifier/dist')

/** Of a start, or of one step in a page, on a machine that has other work. */
const PATIENCE_MILLIS = 120_000

/** A Chromium of its own, without a window. */
export function openBrowser(): Promise<Browser> {
  const executablePath = chromiumPath()
  if (executablePath === undefined) throw new Error('no chromium')
  // As root, and in containers, its sandbox does not start; it opens our own page only.
  return chromium.launch({ executablePath, args: ['--no-sandbox'], timeout: PATIENCE_MILLIS })
}

/** The built page, opened from disk, in a session of its own. */
export async function openVerifier(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext(options)
  context.setDefaultTimeout(PATIENCE_MILLIS)
  const page = await context.newPage()
  await page.goto(pathToFileURL(join(DIST, 'verify.html')).href)
  return page
}

/** What to check, and with what. */
export interface Examination {
  /** A folder, or files. */
  readonly folder?: string
  readonly files?: readonly string[]
  readonly keys?: readonly string[]
  readonly heads?: string
  readonly witnesses?: string
  readonly threshold?: string
  readonly revocations?: string
}

/** Fills in the form and waits for the verdict; its JSON, as the page shows it. */
export async function verifyInPage(page: Page, asked: Examination): Promise<unknown> {
  await fillIn(page, asked)
  await page.click('#verify')
  await page.waitForSelector('#results h2')
  return JSON.parse((await page.textContent('#json')) ?? 'null') as unknown
}

export async function fillIn(page: Page, asked: Examination): Promise<void> {
  const { folder, files = [], keys = [] } = asked
  if (folder !== undefined) await page.setInputFiles('#folder', folder)
  else await page.setInputFiles('#files', [...files])
  await page.fill('#keys', keys.join('\n'))
  const { heads = '', witnesses = '', threshold = '', revocations = '' } = asked
  if (!(await page.isVisible('#heads'))) await page.locator('summary').first().click()
  await page.fill('#heads', heads)
  await page.fill('#witnesses', witnesses)
  await page.fill('#threshold', threshold)
  await page.fill('#revocations', revocations)
}
