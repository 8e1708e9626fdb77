// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { BundleVerdict, Finding, Verdict } from '@spanseal/core'
import { printable } from '@spanseal/core'
import type { Report, Trusted } from './examine.ts'
import type { LevelWords } from './level-words.ts'
import {
  AGAINST_TRUSTED,
  BUNDLE_WORDS,
  CODE_WORDS,
  JOURNAL_WORDS,
  NOTHING_THERE,
} from './level-words.ts'

/** Findings of one code that are listed; the JSON has up to 1,000. */
const LISTED_MAX = 20
const IGNORED_SHOWN = 5

/** A verdict for a person, to be laid out as text or as a page. All of it is safe to show as text. */
export interface Statement {
  readonly holds: boolean
  readonly subject: string
  readonly title: string
  /** A label, and what it says. */
  readonly rows: readonly (readonly [string, string])[]
  readonly groups: readonly FindingGroup[]
}

export interface FindingGroup {
  readonly kind: 'fault' | 'notice'
  readonly code: string
  readonly means: string
  /** All of this code, of which `items` are the first. */
  readonly count: number
  readonly items: readonly { readonly message: string; readonly place: string }[]
}

/** What a report says: of the journal first, then of each bundle. */
export function statementsOf(report: Report, trusted: Trusted): Statement[] {
  const { journal, bundles, ignored } = report
  const left = ignored.slice(0, IGNORED_SHOWN).map(({ path, reason }) => `${path}: ${reason}`)
  const more = ignored.length - left.length
  const notRead = [...left, ...(more > 0 ? [`and ${more} more`] : [])].map(printable).join('\n')
  return [
    ...(journal === undefined ? [] : [journalStatement(journal, trusted, notRead)]),
    ...bundles.map(({ file, verdict }) => bundleStatement(file, verdict, trusted)),
  ]
}

function titleOf(ok: boolean, level: number, { name }: LevelWords): string {
  return ok ? `HOLDS at level ${level} of 5: ${name}` : `DOES NOT HOLD: ${name}`
}

function journalStatement(verdict: Verdict, trusted: Trusted, notRead: string): Statement {
  const words = journalWords(verdict)
  return {
    holds: verdict.ok,
    subject: 'Journal',
    title: titleOf(verdict.ok, verdict.level, words),
    rows: [
      ['Means', words.means],
      ['Not proved', words.notProved],
      ['Checked', checkedText(verdict)],
      ['Ends', endsText(verdict)],
      ...tailRows(verdict),
      ...outsideRows(verdict),
      ...(notRead === '' ? [] : [['Not read', notRead] as const]),
      ['Next', nextText(verdict, trusted)],
    ],
    groups: groupsOf(verdict.findings, verdict.counts),
  }
}

function journalWords({ checked, level, ok, selfConsistent }: Verdict): LevelWords {
  if (ok) return JOURNAL_WORDS[level]
  if (checked === 0) return NOTHING_THERE
  return selfConsistent ? AGAINST_TRUSTED : JOURNAL_WORDS[0]
}

function bundleStatement(file: string, verdict: BundleVerdict, trusted: Trusted): Statement {
  const { level, ok, record, checks, openings } = verdict
  const words = BUNDLE_WORDS[level]
  const held = Object.entries(checks).filter(([, outcome]) => outcome === 'held')
  const about =
    record === undefined
      ? 'cannot be read'
      : `${record.type}, seq ${record.seq} of epoch ${record.epoch}, at ${record.at} by its writer's clock`
  return {
    holds: ok,
    subject: printable(`Bundle ${file}`),
    title: titleOf(ok, level, words),
    rows: [
      ['Means', words.means],
      ['Not proved', words.notProved],
      ['Record', printable(about)],
      ['Checked', held.map(([name]) => name).join(', ') || 'nothing'],
      ...openings.map(
        ({ field, holds, bytes }) =>
          [
            'Value',
            printable(`${field}, ${bytes} bytes: ${holds ? 'as committed' : 'another'}`),
          ] as const,
      ),
      ['Next', keyAdvice(trusted) ?? 'Nothing; keep the verdict.'],
    ],
    groups: groupsOf(verdict.findings, {}),
  }
}

function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}

function checkedText({ checked, epochs, expected }: Verdict): string {
  const wanted =
    expected === checked ? '' : `, where there should be ${plural(expected, 'record')} at least`
  return `${plural(checked, 'record')} in ${plural(epochs, 'epoch')}${wanted}`
}

function endsText({ ends, epochs }: Verdict): string {
  if (epochs === 0) return 'no epoch'
  const parts = [
    [ends.closed, 'closed by the writer'],
    [ends.headed, 'fixed by a head'],
    [ends.crashed, 'crashed, end named by a later epoch'],
    [ends.open, 'open: nothing names the end'],
  ] as const
  return parts
    .filter(([count]) => count > 0)
    .map(([count, text]) => `${count.toLocaleString('en-US')} ${text}`)
    .join('; ')
}

type Rows = (readonly [string, string])[]

function tailRows({ attestedTail, unsynced, expired }: Verdict): Rows {
  const rows: Rows = []
  if (attestedTail > 0) {
    rows.push([
      'Tail',
      `${plural(attestedTail, 'record')} behind a last checkpoint: linked, not signed`,
    ])
  }
  if (unsynced > 0) {
    rows.push(['Not synced', `${plural(unsynced, 'epoch')} signed before the records were durable`])
  }
  if (expired > 0) {
    rows.push([
      'Expired',
      `${plural(expired, 'record')} removed by retention; a signed stub stands for them`,
    ])
  }
  return rows
}

/** What was compared with things outside: the tenant log's head, witnesses, time. */
function outsideRows({ tenantHead, witnessed, beyondHead, timestampedAt }: Verdict): Rows {
  const rows: Rows = []
  if (tenantHead !== undefined) {
    const { epochs, records } = beyondHead
    const beyond =
      epochs + records === 0
        ? ''
        : `; beyond it ${plural(epochs, 'epoch')} and ${plural(records, 'record')}, of which it says nothing`
    rows.push(['Tenant log', printable(`${tenantHead.origin}, size ${tenantHead.size}`) + beyond])
  }
  if (witnessed.n > 0) {
    const { k, n, threshold } = witnessed
    rows.push(['Witnesses', `${k} of ${n} cosigned, where you ask for ${threshold}`])
  }
  if (timestampedAt !== undefined) rows.push(['Stamped', `existed at ${timestampedAt}`])
  return rows
}

function keyAdvice({ keys }: Trusted): string | undefined {
  if (keys.length > 0) return undefined
  return 'Ask whoever runs the log for its key by another way than these files came, and check again with it.'
}

function nextText(verdict: Verdict, trusted: Trusted): string {
  if (verdict.checked === 0) return 'Give the folder that holds a folder for each epoch.'
  const advice = keyAdvice(trusted)
  if (!verdict.ok) {
    return `Keep the files as they are, and ask for another copy to compare.${advice === undefined ? '' : ` ${advice}`}`
  }
  if (advice !== undefined) return advice
  if (verdict.level === 2) {
    return 'To learn whether records were cut off, give heads that you were sent earlier, or the keys of witnesses.'
  }
  return 'Nothing; keep the verdict, and the heads in it for the next time.'
}

type Found = Pick<
  Finding,
  'kind' | 'message' | 'file' | 'line' | 'byteOffset' | 'seq' | 'epoch'
> & {
  readonly code: string
}

/** Faults first, each code once. */
function groupsOf(
  findings: readonly Found[],
  counts: Readonly<Partial<Record<string, number>>>,
): FindingGroup[] {
  const groups = new Map<string, Found[]>()
  for (const kind of ['fault', 'notice']) {
    for (const finding of findings) {
      if (finding.kind !== kind) continue
      const name = `${kind} ${finding.code}`
      const group = groups.get(name)
      if (group === undefined) groups.set(name, [finding])
      else group.push(finding)
    }
  }
  return [...groups.values()].map((group) => {
    const { code, kind } = group[0] as Found
    // Beyond 1,000 findings are only counted, and there faults and notices of a code together.
    const count =
      group.length < LISTED_MAX ? group.length : Math.max(group.length, counts[code] ?? 0)
    return {
      kind,
      code,
      means: CODE_WORDS[code] ?? '',
      count,
      items: group.slice(0, LISTED_MAX).map((finding) => ({
        message: printable(finding.message),
        place: placeOf(finding),
      })),
    }
  })
}

/** `file:line` first, as editors have it. */
function placeOf({ byteOffset, epoch, file, line, seq }: Found): string {
  const parts = [
    ...(file === undefined ? [] : [`${file}${line === undefined ? '' : `:${line}`}`]),
    ...(byteOffset === undefined ? [] : [`byte ${byteOffset}`]),
    ...(seq === undefined ? [] : [`seq ${seq}`]),
    ...(file === undefined && epoch !== undefined ? [`epoch ${epoch}`] : []),
  ]
  return printable(parts.join(', '))
}
