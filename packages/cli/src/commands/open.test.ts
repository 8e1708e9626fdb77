// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { checkBundle, formatBundle, parseBundle, parseVkey } from '@spanseal/core'
import { describe, expect, test } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aFile, aJournalOf, FIELD } from './vault.fixture.ts'

const ORDER = { order: 'A-1', note: 'two adults, one child, late arrival' }

async function open(
  id: string,
  journal: string,
  ...rest: readonly string[]
): Promise<Awaited<ReturnType<typeof runCommand>>> {
  return runCommand(['open', id, '--journal', journal, '--field', FIELD, ...rest])
}

describe('open', () => {
  test('takes a record as tail shows it, and by one of its epochs', async () => {
    const { journal, said } = await aJournalOf([{ value: 'yes' }])
    const [{ id } = { id: '' }] = said
    const [epoch = '', seq = ''] = id.split('/')
    const file = aFile(journal, 'yes')
    const tail = await runCommand(['tail', journal.folder])
    const short = `${epoch.slice(-6)}/${seq}`
    expect(tail.stdout).toContain(short)
    const { status, stderr } = await open(short, journal.folder, '--value', file)
    expect([status, stderr]).toEqual([0, expect.stringContaining(id)])
    const inEpoch = await runCommand(['prove', id, '--journal', join(journal.folder, epoch)])
    expect(inEpoch.status).toBe(0)
    const none = await open(`${'0'.repeat(6)}/${seq}`, journal.folder, '--value', file)
    expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('no epoch in')])
  })

  test('proves a value to somebody without journal and keyring', async () => {
    const { journal, said } = await aJournalOf([{ value: ORDER }, { value: 'a secret of others' }])
    const [{ id } = { id: '' }] = said
    const out = join(journal.folder, '../proof.json')
    const file = aFile(journal, JSON.stringify(ORDER, null, 4))
    const { status, stderr } = await open(id, journal.folder, '--value', file, '--out', out)
    expect(stderr).toContain(`this is what ${id} committed at ${FIELD}`)
    expect(stderr).toContain('eq')
    expect(status).toBe(0)
    expect(statSync(out).mode & 0o077).toBe(0)
    const text = readFileSync(out, 'utf8')
    const verdict = await checkBundle(text, { keys: [parseVkey(journal.vkey)] })
    expect(verdict).toMatchObject({ ok: true, level: 2 })
    const { openings } = parseBundle(text)
    expect(openings).toHaveLength(1)
    expect(JSON.parse(Buffer.from(openings?.[0]?.value ?? '', 'base64').toString())).toEqual(ORDER)
  })

  test('another value is not proved', async () => {
    const { journal, said } = await aJournalOf([{ value: ORDER }])
    const [{ id } = { id: '' }] = said
    const other = aFile(journal, JSON.stringify({ ...ORDER, order: 'A-2' }))
    const { status, stdout, stderr } = await open(id, journal.folder, '--value', other)
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain('not the value that the record committed')
    const json = await open(id, journal.folder, '--value', other, '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ opens: false, record: id })
    const text = aFile(journal, 'no JSON')
    expect((await open(id, journal.folder, '--value', text)).stderr).toContain(
      'which this file is not',
    )
    const enc = await open(id, journal.folder, '--value', other, '--enc', 'text')
    expect([enc.status, enc.stderr]).toEqual([1, expect.stringContaining('as json, not as text')])
  })

  test.each([
    ['a text', { value: 'yes' }, 'yes'],
    ['a text with the line feed of an editor', { value: 'yes' }, 'yes\n'],
    ['bytes', { value: Buffer.from([0, 255, 10]) }, Buffer.from([0, 255, 10])],
    ['several arguments', { value: 0, args: ['a', { b: 1 }, 2] }, '["a", {"b": 1}, 2]'],
    ['no argument', { value: 0, args: [] }, '[]'],
    ['a person’s value', { value: ORDER, subjects: ['alice'] }, JSON.stringify(ORDER)],
    ['of two people', { value: ORDER, subjects: ['alice', 'bob'] }, JSON.stringify(ORDER)],
  ])('opens %s', async (_, said, file) => {
    const { journal, said: at } = await aJournalOf([said])
    const path = aFile(journal, file)
    const { status, stdout } = await open(at[0]?.id ?? '', journal.folder, '--value', path)
    expect(status).toBe(0)
    expect(await checkBundle(stdout, { keys: [parseVkey(journal.vkey)] })).toMatchObject({
      ok: true,
    })
  })

  test('takes encoded bytes for what has no file form, and values from the vault', async () => {
    const when = new Map([['at', new Date(0)]])
    const { journal, said } = await aJournalOf([{ value: when, kept: true }])
    const [{ id } = { id: '' }] = said
    const out = join(journal.folder, '../encoded')
    const got = await runCommand([
      'vault',
      'get',
      id,
      '--field',
      FIELD,
      '--journal',
      journal.folder,
      '--out',
      out,
    ])
    expect(got.status).toBe(0)
    expect((await open(id, journal.folder, '--value', out, '--encoded')).status).toBe(0)
    const { status, stdout } = await open(id, journal.folder, '--from-vault', '--json')
    expect(status).toBe(0)
    const { bundle } = JSON.parse(stdout) as { bundle: { openings: { enc: string }[] } }
    expect(bundle.openings[0]?.enc).toBe('typed/1')
  })

  test('says what it cannot do', async () => {
    const { journal, said } = await aJournalOf([{ value: ORDER, subjects: ['alice'] }])
    const [{ id } = { id: '' }] = said
    const file = aFile(journal, JSON.stringify(ORDER))
    const none = await runCommand(['open', id, '--journal', journal.folder, '--value', file])
    expect([none.status, none.stderr]).toEqual([
      2,
      expect.stringContaining('it has /detail/content'),
    ])
    expect((await open('nonsense', journal.folder, '--value', file)).status).toBe(2)
    expect(
      (await open(id.replace(/\d+$/, '99'), journal.folder, '--value', file)).stderr,
    ).toContain('NOT_FOUND')
    expect((await open(id, journal.folder)).stderr).toContain('INVALID_OPTION')
    journal.keyring.forget('alice')
    const { status, stderr } = await open(id, journal.folder, '--value', file)
    expect([status, stderr]).toEqual([2, expect.stringContaining('was destroyed')])
  })

  test('one salt opens nothing else', async () => {
    const texts = Array.from({ length: 6 }, () => 'the same text, said six times over')
    const { journal, said } = await aJournalOf([
      ...texts.map((value) => ({ value })),
      { value: texts[0], subjects: ['alice'] },
    ])
    const file = aFile(journal, texts[0] ?? '')
    const { stdout } = await open(said[0]?.id ?? '', journal.folder, '--value', file)
    const opened = parseBundle(stdout)
    for (const { id } of said.slice(1)) {
      const other = parseBundle((await open(id, journal.folder, '--value', file)).stdout)
      expect(other.openings?.[0]?.salt).not.toBe(opened.openings?.[0]?.salt)
      const moved = formatBundle({ ...other, openings: opened.openings ?? [] })
      const verdict = await checkBundle(moved, { keys: [parseVkey(journal.vkey)] })
      expect(verdict).toMatchObject({ ok: false, findings: [{ check: 'opening', code: 'forged' }] })
    }
  })
})
