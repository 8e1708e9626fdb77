// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { FindingGroup, Statement } from '@spanseal/core'
import { KEEP_HEADS } from '@spanseal/core'
import type { TitledStatement } from './statement.ts'

const LABEL_COLUMNS = 12

interface Layout {
  readonly width: number
  readonly color: boolean
}

/** A statement in lines for a terminal or a file. */
export function statementText(statement: TitledStatement, layout: Layout): string {
  const { groups, holds, next, rows, subject, title } = statement
  const lines = [
    subject,
    bold(title, holds ? '32' : '31', layout),
    '',
    ...rows.flatMap(([label, text]) => labelled(label, text, layout)),
    ...groups.flatMap((group) => groupLines(group, layout)),
    ...headLines(statement, layout),
    '',
    ...nextLines(next, layout),
  ]
  return `${lines.join('\n')}\n`
}

function bold(text: string, colorCode: string, { color }: Layout): string {
  return color ? `\u001b[1;${colorCode}m${text}\u001b[0m` : text
}

function labelled(label: string, text: string, layout: Layout): string[] {
  const folded = text.split('\n').flatMap((line) => fold(line, layout.width - LABEL_COLUMNS))
  return folded.map((line, i) => (i === 0 ? label : '').padEnd(LABEL_COLUMNS) + line)
}

/** Several steps are a list. */
function nextLines(steps: readonly string[], layout: Layout): string[] {
  const [mark, indent] = steps.length > 1 ? ['- ', '  '] : ['', '']
  const folded = steps.flatMap((step) =>
    fold(step, layout.width - LABEL_COLUMNS - indent.length).map(
      (line, i) => (i === 0 ? mark : indent) + line,
    ),
  )
  return folded.map((line, i) => (i === 0 ? 'Next' : '').padEnd(LABEL_COLUMNS) + line)
}

function groupLines(group: FindingGroup, layout: Layout): string[] {
  const { check, code, count, items, kind, means } = group
  const name = check === undefined ? code : `${code} (${check})`
  const title = `${kind.toUpperCase()} ${name}${count > 1 ? ` (${count.toLocaleString('en-US')})` : ''}`
  const listed = items.flatMap(({ message, place }) => [
    ...fold(message, layout.width - 4).map((line, i) => (i === 0 ? '  - ' : '    ') + line),
    ...(place.length === 0 ? [] : [`    ${place.join(', ')}`]),
  ])
  const more = count - items.length
  return [
    '',
    bold(title, kind === 'fault' ? '31' : '33', layout),
    ...fold(means, layout.width - 2).map((line) => `  ${line}`),
    ...listed,
    ...(more > 0 ? [`  … and ${more.toLocaleString('en-US')} more; --json lists up to 1,000`] : []),
  ]
}

/** Not folded: they are there to be copied. */
function headLines({ heads, moreHeads }: Statement, layout: Layout): string[] {
  if (heads.length === 0) return []
  return [
    '',
    ...fold(KEEP_HEADS, layout.width),
    ...heads.map((head) => `  ${head}`),
    ...(moreHeads > 0 ? [`  … and ${moreHeads.toLocaleString('en-US')} more; --json has all`] : []),
  ]
}

/** Lines of at most `columns`, broken at spaces; a longer word keeps a line of its own. */
function fold(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line === '') line = word
    else if (line.length + 1 + word.length <= columns) line += ` ${word}`
    else {
      lines.push(line)
      line = word
    }
  }
  return [...lines, line]
}
