// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Text in lines of at most `columns`, broken at spaces, all as far in as the first one's text; a
 * longer word keeps a line of its own.
 */
export function fold(text: string, columns: number): string[] {
  const lead = /^ *(?:- )?/.exec(text)?.[0] ?? ''
  const indent = ' '.repeat(lead.length)
  const lines: string[] = []
  let line = ''
  for (const word of text.slice(lead.length).trimEnd().split(' ')) {
    if (line === '') line = lead + word
    else if (line.length + 1 + word.length <= columns) line += ` ${word}`
    else {
      lines.push(line)
      line = indent + word
    }
  }
  return [...lines, line]
}
