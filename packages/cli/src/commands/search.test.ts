// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aFile, aJournalOf, FIELD } from './vault.fixture.ts'

const LONG = 'long enough to have a tag for equal values'

async function search(
  journal: string,
  ...rest: readonly string[]
): Promise<{ status: number | null; matches: { record: string }[]; unsearchable: number }> {
  const { status, stdout, stderr } = await runCommand([
    'search',
    '--journal',
    journal,
    '--json',
    ...rest,
  ])
  if (status === 2) throw new Error(stderr)
  return {
    status,
    ...(JSON.parse(stdout) as { matches: { record: string }[]; unsearchable: number }),
  }
}

describe('search', () => {
  test('finds a value wherever it was committed: with tags, without, under the keys of people', async () => {
    const { journal, said } = await aJournalOf([
      { value: LONG },
      { value: 'another text that is long enough too' },
      { value: LONG },
      { value: LONG, subjects: ['alice'] },
      { value: LONG, subjects: ['alice', 'bob'] },
      { value: { text: LONG } },
    ])
    const found = await search(journal.folder, '--value', aFile(journal, LONG))
    expect(found.status).toBe(0)
    expect(found.matches.map(({ record }) => record)).toEqual([0, 2, 3, 4].map((i) => said[i]?.id))
    expect(found.unsearchable).toBe(0)
    const json = await search(
      journal.folder,
      '--value',
      aFile(journal, JSON.stringify({ text: LONG })),
    )
    expect(json.matches).toMatchObject([{ record: said[5]?.id, field: FIELD, enc: 'json' }])
  })

  test('short values, which have no tag, are computed', async () => {
    const { journal, said } = await aJournalOf([{ value: 'yes' }, { value: 'no' }])
    const found = await search(journal.folder, '--value', aFile(journal, 'yes\n'))
    expect(found.matches.map(({ record }) => record)).toEqual([said[0]?.id])
  })

  test('what is not there is not found; what is closed is counted', async () => {
    const { journal } = await aJournalOf([{ value: LONG, subjects: ['alice'] }, { value: LONG }])
    const none = await search(journal.folder, '--value', aFile(journal, 'nobody said this'))
    expect(none).toMatchObject({ status: 1, matches: [], unsearchable: 0 })
    journal.keyring.forget('alice')
    const found = await search(journal.folder, '--value', aFile(journal, LONG))
    expect(found).toMatchObject({ status: 0, unsearchable: 1 })
    expect(found.matches).toHaveLength(1)
  })

  test('--enc looks for one reading only; encoded bytes need it', async () => {
    const { journal } = await aJournalOf([{ value: [1, 2] }, { value: 0, args: [1, 2] }])
    const file = aFile(journal, '[1,2]')
    expect((await search(journal.folder, '--value', file)).matches).toHaveLength(2)
    expect((await search(journal.folder, '--value', file, '--enc', 'args/1')).matches).toHaveLength(
      1,
    )
    expect(
      (await search(journal.folder, '--value', file, '--enc', 'json', '--encoded')).matches,
    ).toHaveLength(1)
    const args = ['search', '--journal', journal.folder, '--value', file]
    expect((await runCommand([...args, '--encoded'])).stderr).toContain('INVALID_OPTION')
    expect((await runCommand([...args, '--enc', 'xml'])).stderr).toContain('INVALID_OPTION')
    const text = await runCommand(args)
    expect(text.stdout.split('\n')).toHaveLength(3)
    expect(text.stderr).toContain('2 commitments are of this value')
  })
})
