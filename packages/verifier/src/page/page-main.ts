// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { printable } from '@spanseal/core'
import type { Job, JobNews } from './job.ts'
import type { PageFile } from './page-files.ts'
import { filesOfDrop, filesOfInput } from './page-files.ts'
import { element, statementElement } from './show-statement.ts'
import { serveJobs, startJob } from './start-job.ts'

function byId<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T
}

function valueOf(id: string): string {
  return byId<HTMLTextAreaElement | HTMLInputElement>(id).value
}

/** The form and what it shows; `source` is this script's own text, of which workers are made. */
function servePage(source: string): void {
  const form = byId<HTMLFormElement>('form')
  const drop = byId('drop')
  const results = byId('results')
  let files: readonly PageFile[] = []
  let stop: (() => void) | undefined

  const take = (taken: readonly PageFile[]): void => {
    files = taken
    const bytes = files.reduce((sum, { file }) => sum + file.size, 0)
    const first = files[0]?.path.split('/')[0] ?? ''
    byId('chosen').textContent =
      files.length === 0
        ? 'Nothing chosen yet.'
        : printable(`${first}: ${files.length.toLocaleString('en-US')} file(s), ${sizeText(bytes)}`)
    byId<HTMLButtonElement>('verify').disabled = files.length === 0
  }
  for (const id of ['folder', 'files']) {
    const input = byId<HTMLInputElement>(id)
    input.addEventListener('change', () =>
      take(input.files === null ? [] : filesOfInput(input.files)),
    )
  }
  const finish = (): void => {
    stop = undefined
    byId('working').hidden = true
    byId<HTMLButtonElement>('verify').disabled = files.length === 0
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    if (files.length === 0 || stop !== undefined) return
    results.replaceChildren()
    byId('working').hidden = false
    byId<HTMLButtonElement>('verify').disabled = true
    showProgress(0, 0)
    byId('stop').focus()
    stop = startJob(jobOf(files), source, (news) => {
      if (news.kind === 'progress') return showProgress(news.bytes, news.totalBytes)
      finish()
      showOutcome(news, results)
    })
  })
  byId('stop').addEventListener('click', () => {
    stop?.()
    finish()
    results.replaceChildren(element('p', { class: 'plain' }, 'Stopped. Nothing was concluded.'))
    byId('verify').focus()
  })
  acceptDrops(drop, (taken) => take(taken))
}

function acceptDrops(drop: HTMLElement, take: (files: readonly PageFile[]) => void): void {
  // A file dropped beside the field would replace the page.
  document.addEventListener('dragover', (event) => event.preventDefault())
  document.addEventListener('drop', (event) => event.preventDefault())
  drop.addEventListener('dragover', () => drop.classList.add('over'))
  drop.addEventListener('dragleave', () => drop.classList.remove('over'))
  drop.addEventListener('drop', (event) => {
    drop.classList.remove('over')
    const items = event.dataTransfer?.items
    if (items === undefined) return
    filesOfDrop(items).then(take, (error: unknown) => {
      byId('chosen').textContent = `It cannot be read: ${printable(String(error))}`
    })
  })
}

function jobOf(files: readonly PageFile[]): Job {
  return {
    files,
    keys: valueOf('keys'),
    heads: valueOf('heads'),
    witnesses: valueOf('witnesses'),
    revocations: valueOf('revocations'),
    threshold: valueOf('threshold'),
    live: byId<HTMLInputElement>('live').checked,
  }
}

function showProgress(bytes: number, totalBytes: number): void {
  const bar = byId<HTMLProgressElement>('bar')
  if (totalBytes === 0) {
    bar.removeAttribute('value')
    byId('rate').textContent = 'Reading…'
    return
  }
  bar.value = Math.min(1, bytes / totalBytes)
  byId('rate').textContent = `${sizeText(bytes)} of ${sizeText(totalBytes)}`
}

function showOutcome(news: Exclude<JobNews, { kind: 'progress' }>, results: HTMLElement): void {
  if (news.kind === 'failed') {
    const message = printable(news.message)
    results.replaceChildren(
      element(
        'article',
        { class: 'fails' },
        element('h2', { tabindex: '-1' }, 'It could not be checked'),
        element('p', {}, `${news.code}: ${message}`),
      ),
    )
  } else {
    const details = element(
      'details',
      {},
      element('summary', {}, 'The verdict as JSON, to keep'),
      element('pre', { id: 'json', tabindex: '0' }, news.json),
    )
    results.replaceChildren(...news.statements.map(statementElement), details)
  }
  results.querySelector('h2')?.focus()
}

function sizeText(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`
}

// The same script runs in the page and in its workers.
if (typeof document === 'undefined') serveJobs()
else servePage(document.currentScript?.textContent ?? '')
