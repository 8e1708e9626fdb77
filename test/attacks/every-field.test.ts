// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NoteKey, Verdict, VerifyOptions } from '@spanseal/core'
import { EVENT_TYPES, parseVkey, verify } from '@spanseal/core'
import type { EpochWriter } from '@spanseal/journal'
import { openWriter } from '@spanseal/journal'
import { openKeyring } from '@spanseal/keys'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { epochsOf } from '../vectors/journal-files.ts'
import { LOG, startCall, writerOptions } from './attacked-log.ts'
import { appendCompleteRecords } from './complete-drafts.ts'
import type { FieldEdit } from './field-edits.ts'
import { editsOf } from './field-edits.ts'
import type { NamedKey } from './host-secrets.ts'
import { aKey, certifiedKeyring, namedKey, tapKeys } from './host-secrets.ts'
import { journalBytes } from './journal-bytes.ts'
import { framed, linesOf, notesOf, relinked, signedNotes } from './tampered-copy.ts'

const SLOW = process.env['SLOW'] === '1'
/** Edits that are hashed and signed again cost more, so a random part of them is tried. */
const numRuns = SLOW ? 10_000 : 150
const root = mkdtempSync(join(tmpdir(), 'spanseal-fields-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** `epoch.open` names 64 others; with two more there is an `epoch.observed`. */
const CROWD = 66
/** `epoch.close` names 32 open calls and counts the rest. */
const OPEN_CALLS = 33

/** A journal where all is right, and the epoch in it whose fields are edited. */
interface Evidence {
  readonly files: ReadonlyMap<string, Buffer>
  readonly epoch: string
  readonly key: NamedKey
  readonly lines: readonly string[]
  readonly sizes: readonly number[]
  readonly keys: readonly NoteKey[]
  readonly head: string
}

function writeEvidence(
  name: string,
  before: number,
  write: (writer: EpochWriter) => void,
): Evidence {
  const journal = join(root, name)
  const tenant = aKey(LOG)
  const { keyring } = certifiedKeyring({ journal, keyring: `${journal}.keys` }, tenant)
  const options = { ...writerOptions(journal, keyring), durability: 'none' } as const
  // Each in a journal of its own, so that none of them is named by another.
  for (let i = 0; i < before; i++) {
    const alone = `${journal}-${i}`
    const keys = openKeyring({ log: LOG, folder: keyring.folder, journal: alone })
    openWriter({ ...options, journal: alone, keys }).close()
    cpSync(alone, journal, { recursive: true })
  }
  const { result: epoch, keys } = tapKeys(() => {
    const writer = openWriter({ ...options, checkpointRecords: 20 })
    const [id] = writer.epochs
    write(writer)
    writer.close()
    return id as string
  })
  const notes = notesOf(journal, epoch)
  return {
    files: journalBytes(journal),
    epoch,
    key: namedKey(`${LOG}/${epoch}`, keys[0] as NamedKey['key']),
    lines: linesOf(journal, epoch),
    sizes: notes.map((note) => Number(note.split('\n')[1])),
    keys: [parseVkey(tenant.vkey)],
    head: notes.at(-1) as string,
  }
}

const complete = writeEvidence('complete', 0, (writer) => {
  appendCompleteRecords(writer, [0, 3, 5])
  for (let i = 0; i < OPEN_CALLS; i++) writer.append(startCall)
})
const crowded = writeEvidence('crowded', CROWD, () => undefined)

function examine(
  { files, epoch }: Evidence,
  lines: readonly string[],
  options: VerifyOptions & { readonly notes?: readonly string[] },
): Promise<Verdict> {
  const changed = new Map(files)
  const text = (part: readonly string[]): Buffer => Buffer.from(part.map((l) => `${l}\n`).join(''))
  changed.set(`${epoch}/000000000000.jsonl`, text(lines.slice(0, 1)))
  changed.set(`${epoch}/000000000001.jsonl`, text(lines.slice(1)))
  const { notes, ...rest } = options
  if (notes !== undefined) changed.set(`${epoch}/checkpoints`, Buffer.from(framed(notes)))
  return verify(epochsOf(changed), rest)
}

function edited({ lines }: Evidence, { seq, line }: FieldEdit): string[] {
  return lines.with(seq, line)
}

const EDITS = editsOf(complete.lines)
const CROWD_EDITS = editsOf(crowded.lines).filter(({ field }) => field.includes('observed'))
/** Without those that hashing again undoes: `prev` and `seq`. */
const LASTING_EDITS = EDITS.filter(
  (edit) => relinked(edited(complete, edit)).join('\n') !== complete.lines.join('\n'),
)

it('what is edited here holds before, and has every field of every type', async () => {
  for (const evidence of [complete, crowded]) {
    const { lines, keys } = evidence
    const { findings, level } = await examine(evidence, lines, { keys })
    expect(findings.filter(({ kind }) => kind === 'fault')).toEqual([])
    expect(level).toBe(2)
  }
  const types = new Set([...EDITS, ...CROWD_EDITS].map(({ field }) => field.split(' ')[0]))
  expect(types).toEqual(new Set(EVENT_TYPES))
})

it('any edit of any field is found by whoever has no key', async () => {
  for (const [evidence, edits] of [
    [complete, EDITS],
    [crowded, CROWD_EDITS],
  ] as const) {
    // Whatever is added or removed fails the schema too: every fifth of those will do by default.
    const tried = edits.filter(({ how }, i) => SLOW || how === 'changed' || i % 5 === 0)
    for (const edit of tried) {
      const { ok, findings } = await examine(evidence, edited(evidence, edit), {})
      const near = findings.some(({ kind, epoch }) => kind === 'fault' && epoch === evidence.epoch)
      expect([edit.how, edit.field, ok, near]).toEqual([edit.how, edit.field, false, true])
    }
  }
})

it('any edit after which all is hashed again is found by whoever has no key', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...LASTING_EDITS), async (edit) => {
      const verdict = await examine(complete, relinked(edited(complete, edit)), {})
      expect([edit.field, verdict.ok]).toEqual([edit.field, false])
    }),
    { numRuns },
  )
})

it('any edit after which all is hashed and signed again is found by whoever has a head', async () => {
  const { key, keys, sizes, head } = complete
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...LASTING_EDITS), async (edit) => {
      const lines = relinked(edited(complete, edit))
      const notes = signedNotes(lines, key, sizes)
      const verdict = await examine(complete, lines, { notes, keys, heads: [head] })
      expect([edit.field, verdict.ok]).toEqual([edit.field, false])
    }),
    { numRuns },
  )
})
