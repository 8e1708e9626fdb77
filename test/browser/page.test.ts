// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { appendFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { emptyFolder, goldenCopy, KEYS } from './evidence.ts'
import { fillIn, openBrowser, openVerifier, verifyInPage } from './verifier-page.ts'

let browser: Browser

beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())

async function open(options: Parameters<typeof openVerifier>[1] = {}): Promise<Page> {
  const page = await openVerifier(browser, options)
  onTestFinished(() => page.context().close())
  return page
}

const title = (page: Page): Promise<string | null> => page.textContent('#results h2')

describe('the page', () => {
  it('makes no connection, and is refused one', async () => {
    const page = await open({ offline: true })
    const urls: string[] = []
    page.on('request', (request) => urls.push(request.url()))
    await page.reload()
    await verifyInPage(page, { folder: goldenCopy(emptyFolder()), keys: KEYS })
    expect(await title(page)).toBe('HOLDS at level 2 of 5: signed by a pinned key')
    expect(urls.filter((url) => !/^(file|blob):/.test(url))).toEqual([])
    const refused = await page.evaluate(`new Promise((done) => {
      addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective))
      fetch('http://127.0.0.1:9/').catch(() => {})
    })`)
    expect(refused).toBe('connect-src')
  })

  it('works in a worker, and without one', async () => {
    const folder = goldenCopy(emptyFolder())
    const page = await open()
    const made = page.waitForEvent('worker')
    const inWorker = await verifyInPage(page, { folder, keys: KEYS })
    expect((await made).url()).toMatch(/^blob:/)
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    await context.addInitScript('Worker = class { constructor() { throw new Error("refused") } }')
    const plain = await context.newPage()
    await plain.goto(page.url())
    expect(await verifyInPage(plain, { folder, keys: KEYS })).toEqual(inWorker)
  })

  it('shows hostile names and contents as text', async () => {
    const page = await open()
    const hostile = '<img src=x onerror=document.title=1>\u202e.txt'
    const folder = goldenCopy(emptyFolder())
    writeFileSync(join(folder, hostile), '<script>document.title = 1</script>')
    const epoch = join(folder, '01a1fd5a-0e60-7130-92d2-96d32e1bdaa5')
    mkdirSync(join(folder, '<b>bold'))
    cpSync(join(epoch, '000000000000.jsonl'), join(folder, '<b>bold', '000000000000.jsonl'))
    appendFileSync(join(epoch, '000000000001.jsonl'), '{"</pre><svg onload=document.title=1>":1}\n')
    await verifyInPage(page, { folder, keys: KEYS })
    expect(await title(page)).toContain('DOES NOT HOLD')
    const shown = (await page.textContent('#results')) ?? ''
    expect(shown).toContain('<img src=x onerror=document.title=1>')
    expect(shown).toContain('<b>bold')
    expect(shown).not.toContain('\u202e')
    expect(await page.locator('#results :is(img, script, svg, b)').count()).toBe(0)
    expect(await page.title()).toBe('spanseal verifier')
    const sink = page.evaluate("document.body.innerHTML = '<i>x</i>'")
    await expect(sink).rejects.toThrow('TrustedHTML')
  })

  it('speaks of nothing that a page does not have: options, commands', async () => {
    const page = await open()
    for (const [vector, keys] of [
      [undefined, []],
      [undefined, KEYS],
      ['edited-byte', KEYS],
    ] as const) {
      await verifyInPage(page, { folder: goldenCopy(emptyFolder(), vector), keys })
      const shown = await page.locator('#results article').innerText()
      expect(shown).toContain('Next')
      expect(shown).not.toMatch(/--|spanseal /)
    }
  })

  it('says what could not be checked, and why', async () => {
    const page = await open()
    await fillIn(page, { folder: goldenCopy(emptyFolder()), keys: ['not a key'] })
    await page.click('#verify')
    await page.waitForSelector('#results h2')
    expect(await page.textContent('#results')).toContain('MALFORMED_KEY')
    await page.fill('#keys', KEYS.join('\n'))
    await page.click('#verify')
    await page.waitForSelector('#json', { state: 'attached' })
    expect(await title(page)).toContain('HOLDS')
  })

  it('can be stopped, and used again', async () => {
    const page = await open()
    const folder = goldenCopy(emptyFolder())
    const [line = ''] = readFileSync(
      join(folder, '01a1fd55-7a80-7050-854a-e09e46db1e1e', '000000000001.jsonl'),
      'utf8',
    ).split('\n')
    const large = join(emptyFolder(), 'large')
    mkdirSync(large)
    writeFileSync(join(large, '000000000000.jsonl'), `${line}\n`.repeat(60_000))
    await fillIn(page, { folder: large })
    const stopped = page.evaluate(STOP_AT_PROGRESS)
    await page.click('#verify')
    const rate = expect.stringMatching(/^[\d.]+ [kM]B of [\d.]+ MB$/) as unknown
    expect(await stopped).toEqual({ rate, isVisible: true })
    expect(await page.textContent('#results')).toContain('Stopped. Nothing was concluded.')
    expect(await page.isVisible('#working')).toBe(false)
    await verifyInPage(page, { folder, keys: KEYS })
    expect(await title(page)).toContain('HOLDS at level 2')
  })

  it('takes a folder that is dropped on it', async () => {
    const page = await open()
    const folder = goldenCopy(emptyFolder())
    const client = await page.context().newCDPSession(page)
    const box = await page.locator('#drop').boundingBox()
    const at = { x: (box?.x ?? 0) + 20, y: (box?.y ?? 0) + 20 }
    const data = { items: [], files: [folder], dragOperationsMask: 1 }
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await client.send('Input.dispatchDragEvent', { type, ...at, data })
    }
    await expect.poll(() => page.textContent('#chosen')).toMatch(/^journal: 9 file/)
    await page.fill('#keys', KEYS.join('\n'))
    await page.click('#verify')
    await page.waitForSelector('#results h2')
    expect(await title(page)).toContain('HOLDS at level 2')
  })

  it('can be used with the keyboard alone', async () => {
    const page = await open()
    await page.setInputFiles('#folder', goldenCopy(emptyFolder()))
    const passed: string[] = []
    for (let i = 0; i < 6; i++) {
      await page.keyboard.press('Tab')
      passed.push(
        String(await page.evaluate('document.activeElement.id || document.activeElement.tagName')),
      )
    }
    expect(passed.slice(0, 5)).toEqual(['folder', 'files', 'keys', 'SUMMARY', 'verify'])
    await page.focus('#verify')
    await page.keyboard.press('Enter')
    await page.waitForSelector('#results h2')
    // The verdict has the focus, so that it is read out.
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H2')
  })

  it.each(['light', 'dark'] as const)(
    'can be read in %s colours, wide and narrow',
    async (colorScheme) => {
      const page = await open({ colorScheme, viewport: { width: 340, height: 700 } })
      await verifyInPage(page, { folder: goldenCopy(emptyFolder(), 'edited-byte'), keys: KEYS })
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(340)
      const lowest = await page.evaluate(LOWEST_CONTRAST)
      // WCAG 2.2, 1.4.3: 4.5 to 1 for text.
      expect(lowest).toBeGreaterThanOrEqual(4.5)
    },
  )
})

/**
 * Presses the button as soon as there is progress to see, and says what there was. From within: a page
 * that is asked from outside may have come to its verdict by then.
 */
const STOP_AT_PROGRESS = `new Promise((done) => {
  const shown = document.querySelector('#rate')
  const button = document.querySelector('#stop')
  const look = new MutationObserver(() => {
    const rate = shown.textContent
    if (!rate.includes(' of ')) return
    look.disconnect()
    const isVisible = button.checkVisibility()
    button.click()
    done({ rate, isVisible })
  })
  look.observe(shown, { childList: true })
})`

/** The lowest contrast of any text to the ground it stands on, by WCAG's formula. */
const LOWEST_CONTRAST = `(() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number)
  const light = (text) => {
    const [r, g, b] = channels(text).map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const groundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const ground = getComputedStyle(at).backgroundColor
      if (channels(ground)[3] !== 0) return ground
    }
    return 'rgb(255, 255, 255)'
  }
  let lowest = 21
  for (const element of document.querySelectorAll('main *')) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim() !== '')
    if (!own || element.closest('[hidden]')) continue
    const [a, b] = [light(getComputedStyle(element).color), light(groundOf(element))]
    lowest = Math.min(lowest, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05))
  }
  return lowest
})()`
