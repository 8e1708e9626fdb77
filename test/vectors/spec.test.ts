// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from 'node:fs'
import {
  CHECKS,
  EVENT_TYPES,
  FINDING_CODES,
  LATER_EVENT_TYPES,
  recordSchema,
  VOCABULARY,
} from '@spanseal/core'
import { describe, expect, test } from 'vitest'

/** Tables in `spec/` that say the same as code. */

const folder = new URL('../../spec/', import.meta.url)

function page(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8')
}

/** The rows of the table whose head begins with these cells, head included. */
function table(text: string, ...head: readonly string[]): readonly (readonly string[])[] {
  const lines = text.split('\n').map(cellsOf)
  const start = lines.findIndex((cells) => head.every((cell, i) => cells[i] === cell))
  const end = lines.findIndex((cells, i) => i > start && cells.length === 0)
  return lines.slice(start, end).filter(([cell = '']) => !/^-+$/.test(cell))
}

function cellsOf(line: string): readonly string[] {
  if (!line.startsWith('|')) return []
  const cells = line.slice(1, line.lastIndexOf('|')).split(/(?<!\\)\|/)
  return cells.map((cell) => cell.trim().replaceAll('`', ''))
}

interface TypeSchema {
  readonly properties: Readonly<Record<string, unknown>>
  readonly required: readonly string[]
}

describe('spec/record.md', () => {
  test('the matrix of types and blocks is that of the schema', () => {
    const [[, ...blocks] = [], ...rows] = table(page('record.md'), 'type', 'actor')
    const defs = recordSchema['$defs'] as Readonly<Record<string, TypeSchema>>
    const envelope = ['chain', 'rev', 'severity', 'time', 'type', 'v']
    expect(rows.map(([type = '']) => type).toSorted()).toEqual([...EVENT_TYPES])
    for (const [type = '', ...cells] of rows) {
      const { properties, required } = defs[type] as TypeSchema
      const expected = blocks.map((block) => {
        if (required.includes(block)) return 'R'
        return Object.hasOwn(properties, block) ? 'O' : '–'
      })
      expect(cells).toEqual(expected)
      expect(Object.keys(properties).toSorted()).toEqual(
        [...envelope, ...blocks.filter((block) => Object.hasOwn(properties, block))].toSorted(),
      )
    }
  })

  test('every key of the schema is named', () => {
    const text = ['record.md', 'chain.md', 'commitments.md'].map(page).join('')
    const names = new Set(
      [...JSON.stringify(recordSchema).matchAll(/"([a-z_]+)":\{/g)].map(([, name = '']) => name),
    )
    const words = new Set(text.match(/[a-z_]+/g))
    const unsaid = [...names].filter(
      (name) => !words.has(name) && !words.has(name.replace(/_more$/, '')) && name !== 'properties',
    )
    expect(unsaid.filter((name) => !['items', 'defs'].includes(name))).toEqual([])
  })

  test('the foreign names are those of the code', () => {
    const [, ...rows] = table(page('record.md'), 'foreign name')
    expect(rows).toEqual(
      VOCABULARY.map(({ name, type, status }) => [
        name,
        status ? `${type}, status ${status}` : type,
      ]),
    )
  })
})

test('spec/versions.md names the types to come', () => {
  const text = page('versions.md').replace(/\s+/g, ' ')
  // Written as `group.last`, or as `.last` behind another type of its group.
  const unnamed = LATER_EVENT_TYPES.filter((type) => {
    const [group = '', last = ''] = type.split('.')
    return (
      !text.includes(`\`${type}\``) && !new RegExp(`\`${group}\\.[^;]*\`\\.${last}\``).test(text)
    )
  })
  expect(unnamed).toEqual([])
})

test('spec/verify.md names every check and every code', () => {
  const text = page('verify.md')
  expect(
    table(text, 'check')
      .slice(1)
      .map(([name]) => name),
  ).toEqual([...CHECKS])
  const faults = table(text, 'code')
    .slice(1)
    .map(([code]) => code as string)
  const notices = ['clock', 'expired', 'gap', 'newer_rev']
  expect([...faults, ...notices]).toEqual([...FINDING_CODES])
  for (const notice of notices) expect(text).toContain(`\`${notice}\``)
})

test('pages and vectors that are named exist', () => {
  const names = readdirSync(folder)
  const stored = readdirSync(new URL('../../vectors/', import.meta.url))
  for (const name of names) {
    const text = page(name)
    for (const [, link = ''] of text.matchAll(/\]\(([a-z]+\.md)\)/g)) expect(names).toContain(link)
    const [, vectors = ''] = /^Vectors: (.*)$/m.exec(text) ?? []
    for (const [, file = ''] of vectors.matchAll(/`([a-z.]+)\/?`/g)) expect(stored).toContain(file)
  }
})
