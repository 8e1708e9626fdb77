// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { formatHeadLine, formatStub, leafHash, MerkleFrontier } from '@spanseal/core'
import { goldenEpochs } from './journal.ts'
import { jsonFile } from './text-files.ts'
import type { Files } from './text-files.ts'

/** `heads.json`: head lines and the texts of stubs, in their one form and in others. */
export function headVectors(): Files {
  const [first] = goldenEpochs()
  const tree = new MerkleFrontier()
  const leaves = first.lines.map((line) => leafHash(Buffer.from(line)))
  for (const leaf of leaves.slice(0, 14)) tree.append(leaf)
  const head = { origin: first.key.name, size: 14, root: tree.root() }
  const line = formatHeadLine(head)
  const stub = {
    origin: first.key.name,
    lastSeq: 13,
    keepUntil: '2033-11-21T00:00:00.000Z',
    lastLeaf: leaves[13] as string,
    nodes: tree.nodes(),
  }
  const text = formatStub(stub)
  return new Map([
    jsonFile('heads.json', {
      about: 'Head lines, and the texts that a retention key signs, of the first 14 records of the first epoch in journal/.',
      lines: {
        valid: [{ line, ...head }],
        malformed: [
          { name: 'two spaces', line: line.replace(' ', '  ') },
          { name: 'a line feed', line: `${line}\n` },
          { name: 'a tab', line: line.replaceAll(' ', '\t') },
          { name: 'no root', line: line.slice(0, line.lastIndexOf(' ')) },
          { name: 'four parts', line: `${line} x` },
          { name: 'a leading zero', line: line.replace(' 14 ', ' 014 ') },
          { name: 'a size beyond 2^53-1', line: line.replace(' 14 ', ' 9007199254740992 ') },
          { name: 'a root without padding', line: line.slice(0, -1) },
          { name: 'a root of 31 bytes', line: line.replace(/\S+$/, Buffer.alloc(31).toString('base64')) },
          { name: 'no origin', line: line.replace(/^\S+/, '') },
        ],
      },
      stubs: {
        valid: [{ text, ...stub }],
        malformed: [
          { name: 'another version', text: text.replace('stub/1', 'stub/2') },
          { name: 'no last line feed', text: text.slice(0, -1) },
          { name: 'a line more', text: `${text}\n` },
          { name: 'a node less', text: `${text.trimEnd().split('\n').slice(0, -1).join('\n')}\n` },
          { name: 'a node more', text: `${text}${text.trimEnd().split('\n').at(-1) as string}\n` },
          { name: 'epoch.open alone', text: text.replace('\n13\n', '\n0\n') },
          { name: 'a leading zero', text: text.replace('\n13\n', '\n013\n') },
          { name: 'a day that is none', text: text.replace('2033-11-21', '2033-02-30') },
          { name: 'a time without milliseconds', text: text.replace('.000Z', 'Z') },
          { name: 'hex in the place of base64', text: text.replace(Buffer.from(stub.lastLeaf, 'hex').toString('base64'), stub.lastLeaf) },
        ],
      },
    }),
  ])
}
