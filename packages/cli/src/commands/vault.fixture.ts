// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Commitment } from '@spanseal/core'
import {
  block,
  commit,
  commitmentSalt,
  digestEncoded,
  encodeArguments,
  encodeValue,
} from '@spanseal/core'
import { defaultVaultFolder, openVault } from '@spanseal/keys'
import { onTestFinished } from 'vitest'
import type { TestJournal } from '../journal.fixture.ts'
import { aJournal, LOG } from '../journal.fixture.ts'

/** A value that the journal commits to. */
export interface Said {
  readonly value: unknown
  /** Data subjects; default: none. */
  readonly subjects?: readonly string[]
  /** Who the record names as its user; default: nobody. */
  readonly user?: string
  /** Also keep it in the journal's vault; default false. */
  readonly kept?: boolean
  /** Several arguments of a call. */
  readonly args?: readonly unknown[]
}

/** Where a value was committed. */
export interface SaidAt {
  readonly id: string
  readonly commitment: Commitment
}

export const FIELD = '/detail/content'

/** Records that somebody said something, committed as the recorder does it. */
export async function say(journal: TestJournal, said: Said): Promise<SaidAt> {
  const { keyring, writer, folder } = journal
  const { args, kept = false, subjects = [], user, value } = said
  const keys = keyring.commitKeys(subjects)
  const encoded = args === undefined ? encodeValue(value) : encodeArguments(args)
  let commitment: Commitment | undefined
  const { epoch, seq } = writer.append((at) => {
    commitment = commit(digestEncoded(encoded), { ...at, pointer: FIELD }, keys)
    return {
      type: 'user.input',
      severity: 'info',
      actor: block({
        agent: { id: 'support-1' },
        user: { ref: user === undefined ? 'unattributed' : keyring.personRef(user) },
      }),
      context: block({
        data_classifications: [],
        environment: 'test',
        task_id: 'task-1',
        ...(subjects.length > 0 && {
          subjects: { count: subjects.length, refs: subjects.map((id) => keyring.personRef(id)) },
        }),
      }),
      detail: { bytes: 64, content: commitment },
      trace: { span_id: '0'.repeat(15) + '1', trace_id: '0'.repeat(31) + '1' },
    }
  })
  const place = { epoch, seq, pointer: FIELD }
  if (kept) {
    const vault = openVault({ keyring, folder: defaultVaultFolder(folder) })
    await vault.put({
      commitment: commitment as Commitment,
      place,
      salt: commitmentSalt(place, keys),
      kids: keys.keys.map(({ kid }) => kid),
      body: encoded.body,
    })
  }
  return { id: `${epoch}/${seq}`, commitment: commitment as Commitment }
}

/** A journal in which things were said; its writer is closed, so that all of it is signed. */
export async function aJournalOf(
  sayings: readonly Said[],
): Promise<{ readonly journal: TestJournal; readonly said: readonly SaidAt[] }> {
  const journal = aJournal({ log: LOG })
  const said: SaidAt[] = []
  for (const one of sayings) said.push(await say(journal, one))
  journal.writer.close()
  return { journal, said }
}

/** A file with this content, gone when the test has finished. */
export function aFile(journal: TestJournal, content: string | Uint8Array): string {
  const path = join(journal.folder, `../value-${Math.random().toString(36).slice(2)}`)
  writeFileSync(path, content)
  onTestFinished(() => undefined)
  return path
}
