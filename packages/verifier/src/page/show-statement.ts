// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { FindingGroup, Statement } from '@spanseal/core'
import { KEEP_HEADS } from '@spanseal/core'
import type { TitledStatement } from '../statement.ts'

/**
 * An element with text or others in it. Everything that comes from files goes through here and becomes
 * a text node, never markup.
 */
export function element(
  name: string,
  attributes: Readonly<Record<string, string>>,
  ...inner: readonly (Node | string)[]
): HTMLElement {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...inner)
  return made
}

/** A statement as a part of the page. */
export function statementElement(statement: TitledStatement): HTMLElement {
  const { groups, holds, next, rows, subject, title } = statement
  const list = element('dl', {})
  for (const [label, text] of rows) {
    list.append(element('dt', {}, label), element('dd', {}, text))
  }
  const steps = element('ul', {}, ...next.map((step) => element('li', {}, step)))
  return element(
    'article',
    { class: holds ? 'holds' : 'fails' },
    element('p', { class: 'subject' }, subject),
    element('h2', { tabindex: '-1' }, title),
    list,
    ...groups.map(groupElement),
    ...headsElements(statement),
    element('section', { class: 'advice' }, element('h3', {}, 'Next'), steps),
  )
}

function headsElements({ heads, moreHeads }: Statement): HTMLElement[] {
  if (heads.length === 0) return []
  const list = element(
    'ul',
    {},
    ...heads.map((head) => element('li', {}, element('code', {}, head))),
  )
  if (moreHeads > 0) {
    list.append(element('li', {}, `and ${moreHeads.toLocaleString('en-US')} more, in the JSON`))
  }
  return [element('section', { class: 'advice' }, element('h3', {}, KEEP_HEADS), list)]
}

function groupElement({ check, code, count, items, kind, means }: FindingGroup): HTMLElement {
  const number = count > 1 ? ` (${count.toLocaleString('en-US')})` : ''
  const more = count - items.length
  const list = element('ul', {})
  for (const { message, place } of items) {
    const where = place.length === 0 ? [] : [element('code', {}, place.join(', '))]
    list.append(element('li', {}, element('span', {}, message), ...where))
  }
  if (more > 0) {
    list.append(
      element('li', {}, `and ${more.toLocaleString('en-US')} more; the JSON lists up to 1,000`),
    )
  }
  const name = check === undefined ? code : `${code} (${check})`
  const heading = `${kind === 'fault' ? 'Fault' : 'Notice'} ${name}${number}`
  return element(
    'section',
    { class: kind },
    element('h3', {}, heading),
    element('p', {}, means),
    list,
  )
}
