// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { formatCheckpoint, leafHash, MerkleFrontier, NO_PREV, signNoteSync } from '@spanseal/core'
import type { EpochFiles } from './epoch-files.ts'
import { certify } from './epoch-files.ts'
import { goldenEpochs, journalFiles } from './journal.ts'
import type { Departures } from './journal.ts'
import { issuer, LOG, signingKey, seedOf, strangeIssuer, stranger, tenant } from './keys.ts'
import { jsonFile } from './text-files.ts'
import type { Files } from './text-files.ts'

/** One way of tampering with the golden journal. */
interface Case {
  readonly name: string
  readonly about: string
  /** The faults that a verifier must report, at least one of each. */
  readonly faults: readonly string[]
  /** Faults that may come with them, because they follow; no others may. */
  readonly also?: readonly string[]
  /** Notices that it must report among others. */
  readonly notices?: readonly string[]
  readonly level?: number
  readonly files: Map<string, string | Uint8Array>
}

type Expected = Pick<Case, 'faults' | 'also' | 'notices' | 'level'>
type Change = (files: Map<string, string>, epochs: readonly [EpochFiles, EpochFiles]) => void

function golden(departures: Departures = {}): {
  readonly epochs: readonly [EpochFiles, EpochFiles]
  readonly files: Map<string, string>
} {
  const epochs = goldenEpochs(departures)
  return { epochs, files: new Map([...epochs[0].files(), ...epochs[1].files()]) }
}

function changed(name: string, about: string, expect: Expected, change: Change, departures: Departures = {}): Case {
  const { epochs, files } = golden(departures)
  change(files, epochs)
  return { name, about, ...expect, files }
}

function faulty(name: string, about: string, expect: Expected, departures: Departures): Case {
  return changed(name, about, expect, () => undefined, departures)
}

// Tools of the tamperer.

function segment(epoch: EpochFiles, first: number): string {
  return `${epoch.id}/${String(first).padStart(12, '0')}.jsonl`
}

/** The lines of an epoch, segment by segment; what is behind the last LF stays where it is. */
function segmentsOf(files: Map<string, string>, epoch: EpochFiles): { readonly path: string; readonly lines: string[]; readonly torn: string }[] {
  return epoch.segments.map((first) => {
    const path = segment(epoch, first)
    const lines = (files.get(path) as string).split('\n')
    return { path, torn: lines.pop() as string, lines }
  })
}

function put(files: Map<string, string>, segments: ReturnType<typeof segmentsOf>): void {
  for (const { path, lines, torn } of segments) {
    files.set(path, lines.map((line) => `${line}\n`).join('') + torn)
  }
}

/** Changes the lines of the segment that begins with record 1; `lines[i]` is record i + 1. */
function editLines(files: Map<string, string>, epoch: EpochFiles, edit: (lines: string[]) => void): void {
  const segments = segmentsOf(files, epoch)
  edit(segments[1]?.lines as string[])
  put(files, segments)
}

/** Links and counts everything again, as who knows the format does. */
function relink(files: Map<string, string>, epoch: EpochFiles): void {
  const segments = segmentsOf(files, epoch)
  let prev = NO_PREV
  let seq = 0
  for (const { lines } of segments) {
    for (const [i, line] of lines.entries()) {
      lines[i] = line.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`).replace(/"seq":\d+\}/, `"seq":${seq++}}`)
      prev = leafHash(Buffer.from(lines[i]))
    }
  }
  put(files, segments)
}

function replaced(line: string | undefined, from: string, to: string): string {
  if (line?.includes(from) !== true) throw new Error(`no ${from} to change`)
  return line.replace(from, () => to)
}

function notesFile(notes: readonly string[]): string {
  return notes.map((note) => `${Buffer.byteLength(note)}\n${note}`).join('')
}

function rootOf(lines: readonly string[]): string {
  const tree = new MerkleFrontier()
  for (const line of lines) tree.append(leafHash(Buffer.from(line)))
  return tree.root()
}

// Without the observation of the second epoch nothing explains how the first one ends.
const UNEXPLAINED = ['torn', 'unanswered', 'unclosed']

const EDITED_FROM = 'refund_order'
const EDITED_TO = 'refund_0rder'

function records(): readonly Case[] {
  return [
    changed('edited-byte', 'One byte of a record is another.', { faults: ['edited'] }, (files, [first]) => {
      editLines(files, first, (lines) => (lines[3] = replaced(lines[3], '"version":"4"', '"version":"5"')))
    }),
    changed('edited-and-linked', 'A record is edited and every link behind it made again.', { faults: ['forged', 'forked'], also: UNEXPLAINED }, (files, [first]) => {
      editLines(files, first, (lines) => (lines[3] = replaced(lines[3], '"version":"4"', '"version":"5"')))
      relink(files, first)
    }),
    changed('edited-tail-observed', 'The part behind the last checkpoint is rewritten; the second epoch had seen it.', { faults: ['forked'], also: UNEXPLAINED }, (files, [first]) => {
      const path = segment(first, 14)
      files.set(path, replaced(files.get(path), 'nightly report', 'nightly rep0rt'))
      relink(files, first)
    }),
    changed('removed-record', 'A record is gone.', { faults: ['missing'] }, (files, [first]) => {
      editLines(files, first, (lines) => lines.splice(4, 1))
    }),
    changed('removed-and-linked', 'A record is gone and the rest counted and linked again.', { faults: ['forged', 'truncated'], also: ['unanswered'] }, (files, [, second]) => {
      editLines(files, second, (lines) => lines.splice(1, 1))
      relink(files, second)
    }),
    changed('swapped-records', 'Two records have changed places.', { faults: ['reordered'] }, (files, [first]) => {
      editLines(files, first, (lines) => ([lines[4], lines[5]] = [lines[5] as string, lines[4] as string]))
    }),
    changed('repeated-record', 'A record stands there twice.', { faults: ['duplicated'] }, (files, [, second]) => {
      editLines(files, second, (lines) => lines.splice(3, 0, lines[2] as string))
    }),
    changed('two-records-for-one-seq', 'A second record for a number that is taken.', { faults: ['forked'] }, (files, [, second]) => {
      editLines(files, second, (lines) => lines.splice(3, 0, replaced(lines[2], 'merge_accounts', 'merge_acc0unts')))
    }),
    changed('foreign-record', 'A record of another epoch in the middle.', { faults: ['forged'] }, (files, [first, second]) => {
      editLines(files, second, (lines) => lines.splice(4, 0, first.lines[4] as string))
    }),
    changed('reformatted-line', 'The same record with a space.', { faults: ['edited'] }, (files, [first]) => {
      editLines(files, first, (lines) => (lines[3] = replaced(lines[3], '"rev":0', '"rev": 0')))
    }),
    changed('cr-lf', 'A line ends with CR LF.', { faults: ['edited'] }, (files, [first]) => {
      editLines(files, first, (lines) => (lines[3] += '\r'))
    }),
    changed('no-json', 'A line is something else.', { faults: ['edited'] }, (files, [first]) => {
      editLines(files, first, (lines) => (lines[3] = 'Lorem ipsum'))
    }),
    changed('over-long-line', 'A line of 70,000 bytes.', { faults: ['edited'] }, (files, [first]) => {
      editLines(files, first, (lines) => (lines[3] = replaced(lines[3], EDITED_FROM, EDITED_TO.padEnd(70_000, 'x'))))
    }),
  ]
}

function ends(): readonly Case[] {
  return [
    changed('cut-closed-epoch', 'The second epoch lacks its last three records.', { faults: ['truncated'], also: ['unanswered'] }, (files, [, second]) => {
      editLines(files, second, (lines) => lines.splice(-3))
    }),
    changed('cut-closed-epoch-and-checkpoints', 'The second epoch is cut back to its first checkpoint: nobody can tell it from one whose process died.', { faults: ['unclosed'], also: ['unanswered'] }, (files, [, second]) => {
      editLines(files, second, (lines) => lines.splice(2))
      files.set(`${second.id}/checkpoints`, notesFile(second.notes.slice(0, 1)))
    }),
    changed('cut-observed-epoch', 'The first epoch is cut back to one of its checkpoints; the second had seen more.', { faults: ['truncated'] }, (files, [first]) => {
      files.set(segment(first, 14), first.lines.slice(14, 17).map((line) => `${line}\n`).join(''))
    }),
    changed('removed-segment', 'A segment in the middle is gone.', { faults: ['missing'] }, (files, [first]) => {
      files.delete(segment(first, 1))
    }),
    changed('removed-opening', 'The segment with epoch.open is gone.', { faults: ['missing'], also: UNEXPLAINED }, (files, [, second]) => {
      files.delete(segment(second, 0))
    }),
    changed('removed-epoch', 'The first epoch is gone, but the second had seen it.', { faults: ['missing'] }, (files, [first]) => {
      for (const path of files.keys()) if (path.startsWith(first.id)) files.delete(path)
    }),
    changed('removed-newest-epoch', 'The second epoch is gone: what is left ends open.', { faults: ['unclosed'], also: UNEXPLAINED }, (files, [, second]) => {
      for (const path of files.keys()) if (path.startsWith(second.id)) files.delete(path)
    }),
    changed('closed-behind-the-last-checkpoint', 'A record behind the last checkpoint of a closed epoch is replaced, and the note that covered it taken away.', { faults: ['unclosed'] }, (files, [, second]) => {
      editLines(files, second, (lines) => (lines[7] = replaced(lines[7], '"cancelled"', '"success"')))
      relink(files, second)
      files.set(`${second.id}/checkpoints`, notesFile(second.notes.slice(0, -1)))
    }),
    changed('nothing', 'An empty journal.', { faults: ['missing'] }, (files) => files.clear()),
    changed('changed-torn-tail', 'The torn bytes of the crash are other ones.', { faults: ['torn'] }, (files, [first]) => {
      const path = segment(first, first.segments.at(-1) as number)
      files.set(path, `${(files.get(path) as string).slice(0, -1)}~`)
    }),
    changed('torn-not-observed', 'Bytes behind the last record of a closed epoch.', { faults: ['torn'] }, (files, [, second]) => {
      const path = segment(second, 1)
      files.set(path, `${files.get(path) as string}{"actor":`)
    }),
    changed('record-past-the-crash', 'A record continues an epoch behind what the second saw as its end.', { faults: ['unclosed'], also: ['unanswered'] }, (files, [first]) => {
      const path = segment(first, 14)
      const whole = (files.get(path) as string).slice(0, -first.torn.length)
      files.set(path, `${whole}${first.lines.at(-1) as string}\n`)
      relink(files, first)
    }),
  ]
}

function signatures(): readonly Case[] {
  const strangeCerts = (key: { readonly vkey: string }): readonly string[] => [
    certify(key.vkey, strangeIssuer, 'epoch'),
    certify(strangeIssuer.vkey, stranger, 'issuer'),
  ]
  return [
    changed('no-checkpoints', 'The checkpoints of an epoch are gone.', { faults: ['unsigned'] }, (files, [, second]) => {
      files.delete(`${second.id}/checkpoints`)
    }),
    changed('checkpoint-of-another-key', 'A checkpoint signed by another key under the same name.', { faults: ['forged'] }, (files, [, second]) => {
      const other = signingKey(second.key.name, seedOf('somebody else'))
      const text = formatCheckpoint({ origin: second.key.name, size: second.size, root: rootOf(second.lines) })
      files.set(`${second.id}/checkpoints`, notesFile([second.notes[0] as string, signNoteSync(text, other)]))
    }),
    changed('checkpoint-of-another-epoch', 'The checkpoints of the first epoch in the place of the second’s.', { faults: ['forged'] }, (files, [first, second]) => {
      files.set(`${second.id}/checkpoints`, notesFile(first.notes))
    }),
    changed('checkpoint-with-another-root', 'The epoch’s own key signed another root.', { faults: ['forged'] }, (files, [, second]) => {
      const text = formatCheckpoint({ origin: second.key.name, size: 5, root: rootOf(second.lines.slice(0, 4)) })
      files.set(`${second.id}/checkpoints`, notesFile([...second.notes, signNoteSync(text, second.key)]))
    }),
    changed('changed-signature', 'A byte of a signature is another.', { faults: ['forged'] }, (files, [, second]) => {
      const last = second.notes.at(-1) as string
      const note = last.replace(/(.)=*\n$/, (end) => (end.startsWith('A') ? end.replace('A', 'Q') : end.replace(/^./, 'A')))
      files.set(`${second.id}/checkpoints`, notesFile([...second.notes.slice(0, -1), note]))
    }),
    changed('torn-checkpoint', 'The last checkpoint is only partly there: the epoch.close behind the one before is not signed.', { faults: ['unclosed'], notices: ['torn'] }, (files, [, second]) => {
      const whole = files.get(`${second.id}/checkpoints`) as string
      files.set(`${second.id}/checkpoints`, whole.slice(0, -20))
    }),
    faulty('another-tenant', 'A journal that is right in itself, by keys that nobody pinned.', { faults: ['unsigned'] }, {
      first: { certs: strangeCerts },
      second: { certs: strangeCerts },
    }),
    faulty('certificate-by-another-issuer', 'The epoch’s certificate is not by the issuer whose certificate stands beside it.', { faults: ['forged'] }, {
      second: { certs: ({ vkey }) => [certify(vkey, strangeIssuer, 'epoch'), certify(issuer.vkey, tenant, 'issuer')] },
    }),
    faulty('certificate-by-the-tenant', 'The epoch’s certificate is by the tenant, not by an issuer.', { faults: ['forged'] }, {
      second: { certs: ({ vkey }) => [certify(vkey, tenant, 'epoch')] },
    }),
    faulty('certificate-of-another-key', 'The epoch’s certificate is for another key.', { faults: ['forged'] }, {
      second: { certs: () => [certify(signingKey(`${LOG}/019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00`, seedOf('x')).vkey, issuer, 'epoch'), certify(issuer.vkey, tenant, 'issuer')] },
    }),
  ]
}

/** Journals whose writer was at fault: linked and signed, and wrong all the same. */
function writers(): readonly Case[] {
  const at = (wanted: number, change: (line: string) => string) => (line: string, seq: number) =>
    seq === wanted ? change(line) : line
  return [
    faulty('unknown-key', 'A record has a key that its type has not.', { faults: ['schema'] }, {
      second: { alter: at(2, (line) => replaced(line, '"v":1', '"v":1,"w":1')) },
    }),
    faulty('over-long-name', 'A record breaks a cap.', { faults: ['schema'] }, {
      second: { alter: at(1, (line) => replaced(line, 'merge accounts', 'm'.repeat(257))) },
    }),
    faulty('unknown-version', 'The records of an epoch are of version 2.', { faults: ['unverifiable'], also: UNEXPLAINED }, {
      second: { alter: (line) => replaced(line, '"v":1}', '"v":2}') },
    }),
    faulty('newer-revision', 'The records of an epoch are of revision 1, one of them of a type of the future.', { faults: [], notices: ['newer_rev'], level: 2 }, {
      first: {
        alter: (line) => replaced(line, '"rev":0,', '"rev":1,').replace('"type":"user.input"', '"type":"user.gesture"'),
      },
    }),
    faulty('revision-changes', 'One record is of another revision than the rest of its epoch.', { faults: ['schema'] }, {
      second: { alter: at(2, (line) => replaced(line, '"rev":0,', '"rev":1,')) },
    }),
    faulty('end-unlike-its-start', 'An end names another tool than its start.', { faults: ['forged'] }, {
      second: { alter: at(5, (line) => replaced(line, 'find_customer', 'find_anybody')) },
    }),
    faulty('end-without-start', 'An end names a record that is no start.', { faults: ['forged', 'unanswered'] }, {
      second: { alter: at(6, (line) => line.replace(/("start":"[^"/]*\/)3"/, '$12"')) },
    }),
    faulty('two-ends', 'A call ends twice.', { faults: ['duplicated'] }, { endTwice: true }),
    faulty('no-end', 'A call never ends, and the epoch that closes does not say so.', { faults: ['unanswered'] }, { withoutEnd: true }),
    faulty('clock-goes-back', 'A record says that it was written before the one before it.', { faults: [], notices: ['clock'], level: 2 }, {
      second: { alter: at(4, (line) => replaced(line, '"at":"2026-11-21T09:05', '"at":"2026-11-21T08:05')) },
    }),
  ]
}

const GAP = {
  first_at: '2026-11-21T09:05:01.500Z',
  last_at: '2026-11-21T09:05:01.750Z',
  reason: 'sync_failed',
  records: 3,
  refused: 1,
  types: { 'agent.output': 1, 'tool.end': 1, 'tool.start': 1 },
} as const

/** What a log says that it lacks. */
function gaps(): readonly Case[] {
  const counted = { ...GAP, types: { ...GAP.types, 'tool.end': 2 } }
  const gapOf = (epoch: EpochFiles): number => epoch.lines.findIndex((line) => line.includes('"type":"gap"'))
  return [
    faulty('gap', 'Records could not be written, and the log says so: it holds.', { faults: [], notices: ['gap'], level: 2 }, { gap: GAP }),
    faulty('gap-that-counts-wrong', 'A gap counts other records by their types than in all.', { faults: ['forged'], notices: ['gap'] }, { gap: counted }),
    faulty('gap-of-nothing', 'A gap says that nothing was lost and no call not made.', { faults: ['forged'], notices: ['gap'] }, {
      gap: { first_at: GAP.first_at, last_at: GAP.last_at, reason: GAP.reason, records: 0, types: {} },
    }),
    changed('gap-removed', 'The gap is gone.', { faults: ['missing'] }, (files, [, second]) => {
      editLines(files, second, (lines) => lines.splice(gapOf(second) - 1, 1))
    }, { gap: GAP }),
    changed('gap-made-smaller', 'The gap counts fewer records than its writer did.', { faults: ['edited'] }, (files, [, second]) => {
      editLines(files, second, (lines) => {
        const at = gapOf(second) - 1
        lines[at] = replaced(replaced(lines[at], '"records":3', '"records":2'), '"agent.output":1,', '')
      })
    }, { gap: GAP }),
    changed('gap-put-in', 'A gap is put in, to explain what was taken away, and the rest counted and linked again.', { faults: ['forged'], also: ['unanswered'], notices: ['gap'] }, (files, [, second]) => {
      const line = goldenEpochs({ gap: GAP })[1].lines.find((one) => one.includes('"type":"gap"')) as string
      editLines(files, second, (lines) => lines.splice(3, 1, line))
      relink(files, second)
    }),
  ]
}

/** `tampered/<name>/`: `case.json`, and only the files that differ from `journal/`. */
export function tamperedVectors(): Files {
  const original = journalFiles(goldenEpochs(), '.')
  const all = new Map<string, string | Uint8Array>()
  for (const { name, about, faults, also, notices, level, files } of [...records(), ...ends(), ...signatures(), ...writers(), ...gaps()]) {
    const removed = [...original.keys()].map((path) => path.slice(2)).filter((path) => !files.has(path))
    all.set(...jsonFile(`tampered/${name}/case.json`, { about, faults, ...(also && { also }), ...(notices && { notices }), ...(level !== undefined && { level }), removed }))
    for (const [path, content] of files) {
      if (original.get(`./${path}`) !== content) all.set(`tampered/${name}/${path}`, content)
    }
  }
  return all
}
