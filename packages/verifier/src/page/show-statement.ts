// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { FindingGroup, Statement } from '../statement.ts'

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
export function statementElement(statement: Statement): HTMLElement {
  const { groups, holds, rows, subject, title } = statement
  const list = element('dl', {})
  for (const [label, text] of rows) {
    list.append(element('dt', {}, label), element('dd', {}, text))
  }
  return element(
    'article',
    { class: holds ? 'holds' : 'fails' },
    element('p', { class: 'subject' }, subject),
    element('h2', { tabindex: '-1' }, title),
    list,
    ...groups.map(groupElement),
  )
}

function groupElement({ code, count, items, kind, means }: FindingGroup): HTMLElement {
  const number = count > 1 ? ` (${count.toLocaleString('en-US')})` : ''
  const more = count - items.length
  const list = element('ul', {})
  for (const { message, place } of items) {
    const where = place === '' ? [] : [element('code', {}, place)]
    list.append(element('li', {}, element('span', {}, message), ...where))
  }
  if (more > 0) {
    list.append(
      element('li', {}, `and ${more.toLocaleString('en-US')} more; the JSON lists up to 1,000`),
    )
  }
  const heading = `${kind === 'fault' ? 'Fault' : 'Notice'} ${code}${number}`
  return element(
    'section',
    { class: kind },
    element('h3', {}, heading),
    element('p', {}, means),
    list,
  )
}
