// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Finding, FindingCode, Verdict } from '@spanseal/core'
import { formatBytes, formatHeadLine, formatMillis, printable } from '@spanseal/core'
import { fold } from './fold.ts'
import type { Terminal } from './terminal.ts'
import type { LevelText } from './verdict-words.ts'
import {
  AGAINST_GIVEN,
  FINDING_TEXTS,
  LEVEL_TEXTS,
  NOTHING_CHECKED,
  OPEN_END,
} from './verdict-words.ts'

/** Findings of one code that are listed; the JSON has up to 1,000 in full. */
const LISTED_MAX = 10
const IGNORED_SHOWN = 3
const HEADS_SHOWN = 3
const LABEL_COLUMNS = 12

/** A file or folder that was not read. */
export interface Ignored {
  readonly path: string
  readonly reason: string
}

/** What the verdict is about and how it was come by. */
export interface VerdictFrame {
  readonly paths: readonly string[]
  readonly keysPinned: number
  readonly headsGiven: number
  /** What lies in the folders and is no part of a journal. */
  readonly ignored: readonly Ignored[]
  readonly bytes: number
  readonly millis: number
}

type Sheet = Pick<Terminal, 'paint' | 'width'>

/**
 * The verdict for a person: what holds, what that means, what it does not prove, what was found and
 * where, and what to do next. "Complete" is not said below level 3.
 */
export function verdictText(verdict: Verdict, frame: VerdictFrame, sheet: Sheet): string {
  const { paint } = sheet
  const { level, ok } = verdict
  const words = wordsFor(verdict)
  const title = ok ? `HOLDS at level ${level} of 5: ${words.name}` : `DOES NOT HOLD: ${words.name}`
  const lines = [
    paint('bold', paint(ok ? 'green' : 'red', title)),
    '',
    ...labelled('Means', words.means, sheet),
    ...labelled('Not proved', notProvedText(verdict, words), sheet),
    ...labelled('Checked', checkedText(verdict, frame), sheet),
    ...labelled('Ends', endsText(verdict), sheet),
    ...labelled('Tail', tailText(verdict), sheet),
    ...witnessLines(verdict, sheet),
    ...beyondLines(verdict, sheet),
    ...heldLines(verdict, sheet),
    ...unsyncedLines(verdict, sheet),
    ...ignoredLines(frame, sheet),
    ...findingLines(verdict, sheet),
    ...headLines(verdict, sheet),
    '',
    ...labelled('Next', stepsText(nextSteps(verdict, frame)), sheet),
  ]
  return `${lines.join('\n')}\n`
}

const OPEN_END_CODES: ReadonlySet<string> = new Set(['torn', 'unanswered', 'unclosed'])

/** Faults may lie in the records, at their end only, or between them and what was given. */
function wordsFor(verdict: Verdict): LevelText {
  const { checked, findings, heldByHead, level, ok, selfConsistent } = verdict
  if (ok) return LEVEL_TEXTS[level]
  if (checked + heldByHead === 0) return NOTHING_CHECKED
  if (selfConsistent) return AGAINST_GIVEN
  const faults = findings.filter(({ kind }) => kind === 'fault')
  const openEnd = faults.length > 0 && faults.every(({ code }) => OPEN_END_CODES.has(code))
  return openEnd ? OPEN_END : LEVEL_TEXTS[level]
}

function labelled(label: string, text: string, { paint, width }: Sheet): string[] {
  const folded = text.split('\n').flatMap((line) => fold(line, width - LABEL_COLUMNS))
  return folded.map((line, i) =>
    i === 0
      ? `${paint('bold', label)}${' '.repeat(LABEL_COLUMNS - label.length)}${line}`
      : `${' '.repeat(LABEL_COLUMNS)}${line}`,
  )
}

function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}

function checkedText(verdict: Verdict, { bytes, millis }: VerdictFrame): string {
  const { checked, epochs, expected, expired, heldByHead } = verdict
  const wanted =
    expected === checked + heldByHead + expired
      ? ''
      : `, where ${plural(expected, 'record')} ${expected === 1 ? 'is' : 'are'} accounted for`
  const rate = millis < 100 ? '' : `, ${formatBytes((bytes / millis) * 1_000)}/s`
  return (
    `${plural(checked, 'record')} in ${plural(epochs, 'epoch')}${wanted}; ` +
    `${formatBytes(bytes)} in ${formatMillis(millis)}${rate}`
  )
}

function endsText({ ends, epochs }: Verdict): string {
  if (epochs === 0) return 'no epoch'
  const { closed, headed, crashed, open } = ends
  const parts = [
    [closed, 'closed by the writer'],
    [headed, 'fixed by a given head'],
    [crashed, 'crashed, end named by a later epoch'],
    [open, 'open: nothing names the end'],
  ] as const
  const shown = parts.filter(([count]) => count > 0)
  return shown.map(([count, text]) => `${count.toLocaleString('en-US')} ${text}`).join('; ')
}

function tailText({ attestedTail: tail, checked, heldByHead }: Verdict): string {
  if (checked + heldByHead === 0) return 'none'
  if (tail === 0) return 'none: the last checkpoints cover every record'
  return `${plural(tail, 'record')} behind the last checkpoint: linked, but not signed`
}

/** What a head stands for was not looked at. */
function notProvedText({ heldByHead }: Verdict, { notProved }: LevelText): string {
  if (heldByHead === 0) return notProved
  return `That the ${plural(heldByHead, 'record')} which your head file stands for are still what they were. ${notProved}`
}

function witnessLines({ timestampedAt, witnessed }: Verdict, sheet: Sheet): string[] {
  const { k, n, threshold } = witnessed
  const parts = [
    ...(threshold > 0 ? [`${k} of ${n} cosigned the tenant log, ${threshold} asked for`] : []),
    ...(timestampedAt === undefined ? [] : [`time-stamped at ${timestampedAt}`]),
  ]
  return parts.length === 0 ? [] : labelled('Witnesses', parts.join('; '), sheet)
}

/** What a head says nothing of is never called complete. */
function beyondLines({ beyondHead, tenantHead }: Verdict, sheet: Sheet): string[] {
  const { epochs, records } = beyondHead
  if (records === 0 && epochs === 0) return []
  const head =
    tenantHead === undefined ? 'your heads' : `entry ${tenantHead.size} of the tenant log`
  const text = `${plural(records, 'record')} behind ${head}, ${plural(epochs, 'epoch')} of which nothing is named there`
  return labelled('Beyond', text, sheet)
}

function heldLines({ expired, heldByHead }: Verdict, sheet: Sheet): string[] {
  const held = `${plural(heldByHead, 'record')} not read again: the head file you gave stands for them, and what was edited there since is not seen`
  const gone = `${plural(expired, 'record')} removed when their time had passed; a stub stands for them`
  return [
    ...(heldByHead > 0 ? labelled('Held', held, sheet) : []),
    ...(expired > 0 ? labelled('Expired', gone, sheet) : []),
  ]
}

/** Not folded: they are there to be copied. */
function headLines({ heads, ok, tenantHead }: Verdict, { paint }: Sheet): string[] {
  if (!ok || heads.length === 0) return []
  const shown = tenantHead === undefined ? heads.slice(-HEADS_SHOWN) : heads.slice(-1)
  const more = heads.length - shown.length
  return [
    '',
    paint('bold', 'Keep elsewhere: with these heads it shows what goes missing later'),
    ...shown.map((head) => `  ${printable(formatHeadLine(head))}`),
    ...(more > 0 ? [`  … and ${plural(more, 'more head')}: spanseal head export`] : []),
  ]
}

function unsyncedLines({ unsynced }: Verdict, sheet: Sheet): string[] {
  if (unsynced === 0) return []
  const text =
    `${plural(unsynced, 'epoch')} written with durability "none": checkpoints there may cover ` +
    'records that a power cut has taken from the disk'
  return labelled('Not synced', text, sheet)
}

function ignoredLines({ ignored }: VerdictFrame, sheet: Sheet): string[] {
  const shown = ignored.slice(0, IGNORED_SHOWN).map(({ path, reason }) => `${path}: ${reason}`)
  if (shown.length === 0) return []
  const more = ignored.length - shown.length
  const lines = more > 0 ? [...shown, `… and ${more} more`] : shown
  return labelled('Not read', lines.map(printable).join('\n'), sheet)
}

function findingLines({ counts, findings }: Verdict, sheet: Sheet): string[] {
  const groups = Map.groupBy(findings, ({ code, kind }) => `${kind} ${code}`)
  const ordered = [...groups.values()].sort((a, b) => rank(a) - rank(b))
  return ordered.flatMap((group) => groupLines(group, counts, sheet))
}

/** Faults before notices, each in the order of the list of codes. */
function rank([first]: readonly Finding[]): number {
  const at = Object.keys(FINDING_TEXTS).indexOf(first?.code ?? '')
  return first?.kind === 'fault' ? at : at + 100
}

function groupLines(group: readonly Finding[], counts: Verdict['counts'], sheet: Sheet): string[] {
  const { paint, width } = sheet
  const [first] = group
  if (first === undefined) return []
  const { code, kind } = first
  // Beyond 1,000 findings are only counted, and there faults and notices of a code together.
  const total = Math.max(group.length, group.length < LISTED_MAX ? 0 : (counts[code] ?? 0))
  const title = `${kind.toUpperCase()} ${code}${total > 1 ? ` (${total.toLocaleString('en-US')})` : ''}`
  const style = kind === 'fault' ? 'red' : 'yellow'
  const about = fold(FINDING_TEXTS[code].means, width - 2)
  const listed = group
    .slice(0, LISTED_MAX)
    .flatMap((finding) => [
      ...fold(printable(finding.message), width - 4).map(
        (line, i) => `${i === 0 ? '  - ' : '    '}${line}`,
      ),
      ...placeLines(finding, sheet),
    ])
  const more = total - Math.min(group.length, LISTED_MAX)
  return [
    '',
    paint('bold', paint(style, title)),
    ...about.map((line) => `  ${paint('dim', line)}`),
    ...listed,
    ...(more > 0 ? [`  … and ${more.toLocaleString('en-US')} more; --json lists up to 1,000`] : []),
  ]
}

/** `file:line` first, as editors and `grep` have it. */
function placeLines(finding: Finding, { paint, width }: Sheet): string[] {
  const { byteOffset, epoch, file, lastSeq, line, seq } = finding
  const range = lastSeq === undefined || lastSeq === seq ? '' : `–${lastSeq}`
  const parts = [
    ...(file === undefined ? [] : [`${file}${line === undefined ? '' : `:${line}`}`]),
    ...(byteOffset === undefined ? [] : [`byte ${byteOffset}`]),
    ...(seq === undefined ? [] : [`seq ${seq}${range}`]),
    ...(file === undefined && epoch !== undefined ? [`epoch ${epoch}`] : []),
  ]
  if (parts.length === 0) return []
  // No line break within a part.
  const text = parts.map((part) => printable(part).replaceAll(' ', '\u00a0')).join(', ')
  return fold(text, width - 4).map(
    (shown) => `    ${paint('cyan', shown.replaceAll('\u00a0', ' '))}`,
  )
}

function stepsText(steps: readonly string[]): string {
  if (steps.length < 2) return steps.join('')
  return steps.map((step) => `- ${step.replaceAll('\n', '\n  ')}`).join('\n')
}

function nextSteps(verdict: Verdict, frame: VerdictFrame): string[] {
  if (verdict.checked + verdict.heldByHead === 0) {
    return ['Name the journal folder: the one that holds a folder for each epoch.']
  }
  const codes = new Set<FindingCode>(
    verdict.findings.filter((f) => f.kind === 'fault').map((f) => f.code),
  )
  const steps: string[] = []
  for (const [code, { next }] of Object.entries(FINDING_TEXTS)) {
    if (next !== undefined && codes.has(code as FindingCode) && !steps.includes(next))
      steps.push(next)
  }
  if (frame.keysPinned === 0) {
    const folder = frame.paths[0] ?? '<folder>'
    steps.push(
      `Pin a key that you have from elsewhere than the journal: on the host that wrote it,\n` +
        `  spanseal keys show --journal ${printable(folder)}\n` +
        `then verify again with --key <vkey>.`,
    )
  } else if (verdict.ok && verdict.level === 2 && frame.headsGiven === 0) {
    steps.push(
      'To learn whether records were cut off or epochs taken away, give heads that left the host in ' +
        "time (from the topic audit.checkpoints.v1, or an auditor's copy): --head <file>; or the " +
        'tenant log, with the witnesses that cosign it: --log <folder> --witness k/n.',
    )
  }
  return steps.length === 0 ? ['Nothing; keep the verdict with --json.'] : steps
}
