// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { evidenceIn } from './evidence.ts'
import { examine } from './examine.ts'
import type { GivenFile } from './given-file.ts'
import { headsIn, keysIn } from './given-text.ts'
import { filesAt } from './node-files.ts'
import { statementsOf } from './statement.ts'
import { statementText } from './statement-text.ts'

const VECTORS = fileURLToPath(new URL('../../../vectors/', import.meta.url))
const EPOCH = '01a1fd5a-0e60-7130-92d2-96d32e1bdaa5'
const NOTHING = { keys: [], heads: [], revocations: [], witnesses: [], live: false, partial: false }

function file(path: string, text = '', chosen = false): GivenFile {
  const bytes = Buffer.from(text)
  return {
    path,
    chosen,
    sizeBytes: bytes.length,
    async *chunks(from = 0, to = bytes.length) {
      yield bytes.subarray(from, to)
    },
  }
}

describe('evidenceIn', () => {
  it('tells journals, tenant logs, bundles and what is none of them apart', async () => {
    const found = await evidenceIn([
      file(`out/journal/${EPOCH}/000000000000.jsonl`),
      file(`out/journal/${EPOCH}/checkpoints`),
      file(`out/journal/${EPOCH}/writer.json`),
      file('out/log/checkpoint'),
      file('out/log/tile/0/000.p/1'),
      file('out/log/tile/entries/000.p/1'),
      file('out/proofs/one', '{"bundle":"spanseal/bundle/1",'),
      file('out/proofs/letter.txt', 'Dear auditor'),
      file('out/README.txt'),
      file('out/heads.txt'),
    ])
    expect(found.epochs.map(({ epoch, name }) => [name, epoch])).toEqual([
      [`out/journal/${EPOCH}`, EPOCH],
    ])
    expect(found.tenantLogs.map(({ name }) => name)).toEqual(['out/log'])
    expect(found.bundles.map(({ path }) => path)).toEqual(['out/proofs/one'])
    expect(found.ignored.map(({ path }) => path)).toEqual(['out/proofs/letter.txt'])
  })

  it('takes segments in the order of their numbers, whatever that of the list', async () => {
    const names = ['000000000010', '000000000002', '000000000001'].map((n) => `${EPOCH}/${n}.jsonl`)
    const { epochs } = await evidenceIn(names.map((name) => file(name)))
    const seqs: (number | undefined)[] = []
    for await (const { firstSeq } of epochs[0]!.segments()) seqs.push(firstSeq)
    expect(seqs).toEqual([1, 2, 10])
  })

  it('tells of the newest marker of an epoch, and of nothing where there is none', async () => {
    const marker = (size: number): GivenFile =>
      file(`${EPOCH}/delivered-${size}.json`, `{"size":${size},"sinks":["kafka"]}`)
    const segments = [file(`${EPOCH}/000000000000.jsonl`)]
    const found = await evidenceIn([marker(9), ...segments, marker(100), marker(20)])
    expect(found.ignored).toEqual([])
    expect(await found.epochs[0]?.delivered?.()).toBe('{"size":100,"sinks":["kafka"]}')
    const [without] = (await evidenceIn(segments)).epochs
    expect(await without?.delivered?.()).toBeUndefined()
  })

  it('takes a file that was named itself for a bundle', async () => {
    const report = await examine([file('letter.txt', 'Dear auditor', true)], NOTHING)
    expect(report).toMatchObject({ ok: false, bundles: [{ verdict: { ok: false, level: 0 } }] })
    expect(report.journal).toBeUndefined()
  })

  it('refuses two tenant logs, and more witnesses than there are keys', async () => {
    const logs = ['a', 'b'].flatMap((log) => [file(`${log}/checkpoint`), file(`${log}/tile/0/000`)])
    await expect(examine(logs, NOTHING)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    const asked = examine([], { ...NOTHING, threshold: 1 })
    await expect(asked).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})

describe('what is given as text', () => {
  it('may have comments, empty lines and line ends of Windows', () => {
    expect(keysIn('# none\r\n\r\n')).toEqual([])
    expect(headsIn('')).toEqual([])
    const root = Buffer.alloc(32, 1)
    const line = `example.com/support/${EPOCH} 3 ${root.toString('base64')}`
    const head = { origin: `example.com/support/${EPOCH}`, size: 3, root: root.toString('hex') }
    expect(headsIn(`# kept on Monday\r\n${line}\r\n`)).toEqual([head])
  })

  it('is refused where it is no key and no head', () => {
    expect(() => keysIn('nonsense')).toThrow(expect.objectContaining({ code: 'MALFORMED_KEY' }))
    expect(() => headsIn('nonsense')).toThrow(expect.objectContaining({ code: 'MALFORMED_HEAD' }))
  })
})

describe('statementsOf', () => {
  it('says what holds, what that does not prove, and what to do next', async () => {
    const report = await examine(await filesAt([`${VECTORS}journal`]), NOTHING)
    const [statement] = statementsOf(report, NOTHING)
    const text = statementText(statement!, { width: 80, color: false })
    expect(text).toContain('HOLDS at level 1 of 5: self-consistent')
    expect(text).toContain('Not proved  Who wrote it')
    expect(text.replace(/\s+/g, ' ')).toContain('ask whoever runs the log for it, by another way')
    expect(text).toContain('Keep elsewhere: with these heads')
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(140)
  })

  it('does not hold nothing', async () => {
    const [statement] = statementsOf(await examine([], NOTHING), NOTHING)
    expect(statement).toMatchObject({ holds: false, title: 'DOES NOT HOLD: nothing was checked' })
  })
})
