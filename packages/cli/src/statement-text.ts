// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { FindingGroup, FindingItem, Statement } from '@spanseal/core'
import { KEEP_HEADS } from '@spanseal/core'
import { fold } from './fold.ts'
import type { Terminal } from './terminal.ts'

const LABEL_COLUMNS = 12

/** What a statement is laid out for. */
export type Sheet = Pick<Terminal, 'paint' | 'width'>

/** A statement in lines for a terminal, no wider than the sheet but for what is there to be copied. */
export function statementText(statement: Statement, sheet: Sheet): string {
  const { paint } = sheet
  const { groups, holds, next, rows, title } = statement
  const lines = [
    paint('bold', paint(holds ? 'green' : 'red', title)),
    '',
    ...rows.flatMap(([label, text]) => labelled(label, text, sheet)),
    ...groups.flatMap((group) => groupLines(group, sheet)),
    ...headLines(statement, sheet),
    '',
    ...labelled('Next', listed(next), sheet),
  ]
  return `${lines.join('\n')}\n`
}

function labelled(label: string, text: string, { paint, width }: Sheet): string[] {
  const folded = text.split('\n').flatMap((line) => fold(line, width - LABEL_COLUMNS))
  const indent = ' '.repeat(LABEL_COLUMNS)
  return folded.map((line, i) =>
    i === 0 ? `${paint('bold', label)}${indent.slice(label.length)}${line}` : `${indent}${line}`,
  )
}

function listed(steps: readonly string[]): string {
  if (steps.length < 2) return steps.join('')
  return steps.map((step) => `- ${step.replaceAll('\n', '\n  ')}`).join('\n')
}

function groupLines(group: FindingGroup, sheet: Sheet): string[] {
  const { paint, width } = sheet
  const { check, code, count, items, kind, means } = group
  const name = check === undefined ? code : `${code} (${check})`
  const title = `${kind.toUpperCase()} ${name}${count > 1 ? ` (${count.toLocaleString('en-US')})` : ''}`
  const more = count - items.length
  return [
    '',
    paint('bold', paint(kind === 'fault' ? 'red' : 'yellow', title)),
    ...fold(means, width - 2).map((line) => `  ${paint('dim', line)}`),
    ...items.flatMap((item) => itemLines(item, sheet)),
    ...(more > 0 ? [`  … and ${more.toLocaleString('en-US')} more; --json lists up to 1,000`] : []),
  ]
}

function itemLines({ message, place }: FindingItem, { paint, width }: Sheet): string[] {
  const said = fold(message, width - 4).map((line, i) => `${i === 0 ? '  - ' : '    '}${line}`)
  if (place.length === 0) return said
  // No line break within a part.
  const text = place.map((part) => part.replaceAll(' ', '\u00a0')).join(', ')
  const where = fold(text, width - 4).map(
    (line) => `    ${paint('cyan', line.replaceAll('\u00a0', ' '))}`,
  )
  return [...said, ...where]
}

/** Not folded: they are there to be copied. */
function headLines({ heads, moreHeads }: Statement, { paint }: Sheet): string[] {
  if (heads.length === 0) return []
  const more = `${moreHeads.toLocaleString('en-US')} more head${moreHeads === 1 ? '' : 's'}`
  return [
    '',
    paint('bold', KEEP_HEADS),
    ...heads.map((head) => `  ${head}`),
    ...(moreHeads > 0 ? [`  … and ${more}: spanseal head export`] : []),
  ]
}
