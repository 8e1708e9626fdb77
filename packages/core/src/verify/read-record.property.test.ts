// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { actorOf, anEpoch, contextOf, LOG, toolOf } from './a-journal.fixture.ts'
import type { Line } from './lines.ts'
import { LineSplitter } from './lines.ts'
import { RecordReader } from './read-record.ts'

/** Lines with everything that blocks can meet: several tasks and tools, `ext`, other types. */
function someLines(): string[] {
  const epoch = anEpoch({ calls: 1 })
  for (let i = 0; i < 3; i++) {
    const own = {
      actor: actorOf(`${i}`),
      context: contextOf(`task-${i}`),
      tool: toolOf(`tool_${i}`),
    }
    epoch.call(own)
  }
  return epoch.close().lines
}

const LINES = someLines()
const BLOCKS = LINES.flatMap((line) => [
  ...line.matchAll(
    /"(?:actor|authorization|context|retention|tool)":(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})/g,
  ),
]).map(([whole]) => whole)

/** What a change does to a line: characters replaced, pieces repeated, moved, or put in. */
const change = fc.oneof(
  fc.record({ at: fc.nat(), take: fc.nat({ max: 3 }), put: fc.string({ maxLength: 3 }) }),
  fc.record({ at: fc.nat(), take: fc.nat({ max: 400 }), put: fc.constantFrom('', ...BLOCKS) }),
  fc.record({
    at: fc.nat(),
    take: fc.constant(0),
    put: fc.constantFrom(
      ...BLOCKS.map((block) => `"ext":{"a":{},${block},"z":{}},`),
      ...BLOCKS.map((block) => `,${block}`),
      '}',
      '{',
      '"',
      '\\',
      '0',
      ',"trace":{}',
    ),
  }),
)

function lineOf(text: string): Line {
  const splitter = new LineSplitter()
  splitter.begin()
  splitter.push(Buffer.from(text.replaceAll('\n', ' ')))
  splitter.next()
  return splitter.rest() as Line
}

const NAMES = ['actor', 'authorization', 'context', 'retention', 'tool']

/** What a reading says, but for what stands in for blocks. */
function essence(read: ReturnType<RecordReader['read']>): unknown {
  if (read.kind !== 'record') return read
  const envelope = Object.entries(read.envelope).map(([name, value]: [string, unknown]) => [
    name,
    NAMES.includes(name) ? 'a block' : value,
  ])
  return { ...read, envelope, record: read.record !== undefined }
}

it('knowing blocks changes nothing about what is accepted, and as what', () => {
  fc.assert(
    fc.property(fc.constantFrom(...LINES), fc.array(change, { maxLength: 3 }), (line, changes) => {
      const text = changes.reduce((now, { at, take, put }) => {
        const start = at % (now.length + 1)
        return now.slice(0, start) + put + now.slice(start + take)
      }, line)
      if (text === '') return
      const knowing = new RecordReader()
      for (const known of LINES) knowing.read(lineOf(known))
      const fresh = new RecordReader().read(lineOf(text))
      const place = /"chain":\{"epoch":"([^"]*)","log":"[^"]*","prev":"([^"]*)","seq":(\d+)/.exec(
        line,
      )
      const [, epoch = '', prev = '', seq = ''] = place ?? []
      const next = { epoch, log: LOG, prev, seq: Number(seq) }
      for (const given of [undefined, next]) {
        expect(essence(knowing.read(lineOf(text), given))).toEqual(essence(fresh))
      }
    }),
  )
})
