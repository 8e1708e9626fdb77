// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Commitment } from '../commitment.ts'
import type { Actor, Authorization } from '../record.ts'
import { circumstanceTexts } from './circumstance-texts.ts'
import { fitText, padText, printable, textColumns } from './printable.ts'
import { counted, formatDuration, formatMillis, formatSizeClass } from './quantities.ts'
import type { CommittedContent, Timeline, TimelineEntry, TimelineStatus } from './timeline.ts'

export interface RenderOptions {
  /** ANSI colours; default false. */
  readonly color?: boolean
  /** Columns of the terminal, 60 or more; default 80. */
  readonly width?: number
}

const DEFAULT_WIDTH = 80
const WIDTH_MIN = 60
/** `09:15:02.123 +82.5 ms ` */
const TIME_COLUMNS = 22
/** `cancelled  1h 03m` */
const OUTCOME_COLUMNS = 17
/** Lines of one fact, after which the rest is cut: clear text may have 4 KiB. */
const FACT_LINES_MAX = 4
/** Columns that a name has at least: levels that would leave less are shown at the one above. */
const NAME_COLUMNS_MIN = 16

type Paint = (style: Style, text: string) => string
type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'
const CODES: Readonly<Record<Style, string>> = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  cyan: '36',
}

const LOOKS: Readonly<Record<TimelineStatus, readonly [glyph: string, style: Style]>> = {
  success: ['✓', 'green'],
  granted: ['✓', 'green'],
  error: ['✗', 'red'],
  denied: ['⊘', 'red'],
  timeout: ['✗', 'red'],
  cancelled: ['■', 'yellow'],
  unknown: ['?', 'yellow'],
  open: ['…', 'yellow'],
  recorded: ['·', 'dim'],
}

/**
 * The timeline as text: a head, then a line for each entry with UTC time, distance to the beginning,
 * place in the tree, outcome and duration, and under it who acted, what was decided and what was
 * committed. Every string of a record is made harmless for a terminal. Lines end with LF.
 */
export function renderTimeline(timeline: Timeline, options: RenderOptions = {}): string {
  const width = Math.max(options.width ?? DEFAULT_WIDTH, WIDTH_MIN)
  const paint: Paint =
    options.color === true
      ? (style, text) => `\u001b[${CODES[style]}m${text}\u001b[0m`
      : (_, t) => t
  const lines = head(timeline, { width, paint })
  for (const placed of flatten(timeline.roots, depthMax(width)))
    lines.push(...entryLines(placed, { width, paint }))
  for (const text of circumstanceTexts(timeline)) {
    const wrapped = wrap(printable(text).split(' '), { columns: width - 2, separator: ' ' })
    lines.push(...wrapped.map((line, i) => paint('yellow', i === 0 ? line : `  ${line}`)))
  }
  return `${lines.join('\n')}\n`
}

interface Sheet {
  readonly width: number
  readonly paint: Paint
}

function head(timeline: Timeline, { width, paint }: Sheet): string[] {
  const title = paint('bold', `Trace ${printable(timeline.traceId)}`)
  if (timeline.records === 0) return [title, 'No records.']
  const first = timeline.roots[0]?.actor
  const length = formatMillis(Date.parse(timeline.to) - Date.parse(timeline.from))
  const { taskIds, environments, dataClassifications } = timeline
  const facts = [
    `${timeline.from.slice(0, 10)} ${timeline.from.slice(11, 23)} UTC, ${length}`,
    `${counted(timeline.records, 'record')} in ${counted(timeline.epochs.length, 'epoch')}`,
    toolCallCounts(timeline),
    ...(first === undefined ? [] : [`agent ${agentText(first)}`, `user ${userText(first)}`]),
    ...taskIds.map((id) => `task ${printable(id)}`),
    ...environments.map((name) => `environment ${printable(name)}`),
    ...(dataClassifications.length === 0
      ? []
      : [`data ${dataClassifications.map(printable).join(', ')}`]),
  ]
  return [title, ...wrap(facts, { columns: width, separator: ' · ' }), '']
}

function toolCallCounts({ toolCalls }: Timeline): string {
  const total = Object.values(toolCalls).reduce((a, b) => a + b, 0)
  const parts = Object.entries(toolCalls).map(([status, number]) => `${number} ${status}`)
  return total === 0 ? 'no tool calls' : `${counted(total, 'tool call')}: ${parts.join(', ')}`
}

/** Parts side by side, as many as fit a line; what does not fit one is cut. */
function wrap(
  parts: readonly string[],
  { columns, separator }: { readonly columns: number; readonly separator: string },
): string[] {
  const lines: string[] = []
  for (const part of parts) {
    const last = lines.at(-1)
    const joined = `${last}${separator}${part}`
    if (last !== undefined && textColumns(joined) <= columns) lines[lines.length - 1] = joined
    else lines.push(fitText(part, columns))
  }
  return lines
}

function agentText({ agent }: Actor): string {
  const name = agent.name === undefined || agent.name === agent.id ? '' : `${agent.name} `
  return printable(name === '' ? agent.id : `${name}(${agent.id})`)
}

function userText({ user }: Actor): string {
  return printable(user.role === undefined ? user.ref : `${user.ref} (${user.role})`)
}

interface Placed {
  readonly entry: TimelineEntry
  readonly parent: TimelineEntry | undefined
  /** What stands before the entry's own line, and before the lines under it. */
  readonly branch: string
  readonly trunk: string
}

/** The tree as a list, without recursion: what nests as deep as a record claims is hostile input. */
function flatten(roots: readonly TimelineEntry[], deepest: number): Placed[] {
  const placed: Placed[] = []
  const stack = placeAll(roots, { depth: 0, deepest, trunk: '', parent: undefined })
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    placed.push(next.placed)
    const { entry, trunk } = next.placed
    stack.push(
      ...placeAll(entry.children, { depth: next.depth + 1, deepest, trunk, parent: entry }),
    )
  }
  return placed
}

function depthMax(width: number): number {
  const left = width - TIME_COLUMNS - OUTCOME_COLUMNS - NAME_COLUMNS_MIN - 3
  return Math.max(2, Math.floor(left / 3))
}

interface Level {
  readonly depth: number
  readonly deepest: number
  readonly trunk: string
  readonly parent: TimelineEntry | undefined
}

/** Siblings in reverse, as a stack wants them. */
function placeAll(
  siblings: readonly TimelineEntry[],
  { depth, deepest, trunk, parent }: Level,
): { readonly depth: number; readonly placed: Placed }[] {
  return siblings
    .map((entry, i) => {
      if (depth === 0) return { depth, placed: { entry, parent, branch: '', trunk: '' } }
      const isLast = i === siblings.length - 1
      const stem = depth > deepest ? trunk.slice(0, -3) : trunk
      const branch = `${stem}${isLast ? '└─ ' : '├─ '}`
      return { depth, placed: { entry, parent, branch, trunk: `${stem}${isLast ? '   ' : '│  '}` } }
    })
    .reverse()
}

function entryLines({ entry, parent, branch, trunk }: Placed, sheet: Sheet): string[] {
  const { width, paint } = sheet
  const [glyph, style] = LOOKS[entry.status]
  const clock = entry.at.slice(11, 23)
  const offset = `+${formatMillis(Math.max(0, entry.offsetMillis))}`
  const time = `${clock} ${offset.padStart(TIME_COLUMNS - clock.length - 2)} `
  const duration =
    entry.durationNanos === undefined ? '' : formatDuration(BigInt(entry.durationNanos))
  const status = entry.status === 'recorded' ? '' : entry.status
  const outcome = `${status.padEnd(10)}${duration.padStart(OUTCOME_COLUMNS - 10)}`
  const room = width - TIME_COLUMNS - branch.length - 2 - OUTCOME_COLUMNS - 1
  const line =
    paint('dim', time + branch) +
    `${paint(style, glyph)} ${padText(title(entry), Math.max(room, 8))} ` +
    paint(style, outcome)
  const below = entry.children.length > 0 ? `${trunk}│ ` : `${trunk}  `
  const indent = ' '.repeat(TIME_COLUMNS) + below
  return [line.trimEnd(), ...factLines(factsOf(entry, parent), indent, sheet)]
}

function title({ kind, name, tool }: TimelineEntry): string {
  if (tool !== undefined) return printable(`${name} ${tool.version}`)
  return printable(kind === 'task' || kind === 'handoff' ? `${kind} ${name}` : name)
}

interface Fact {
  readonly label: string
  readonly text: string
  readonly style: Style
}

/** What stands under an entry: who, where that changes; what was decided; what went wrong; content. */
function factsOf(entry: TimelineEntry, parent: TimelineEntry | undefined): Fact[] {
  const { attempt, authorization, committed, clear, error, flags, recovery } = entry
  const facts: Fact[] = []
  const add = (label: string, text: string, style: Style = 'dim'): void => {
    facts.push({ label: printable(label), text: printable(text), style })
  }
  if (parent !== undefined && agentText(parent.actor) !== agentText(entry.actor)) {
    add('agent', agentText(entry.actor), 'cyan')
  }
  if (parent !== undefined && userText(parent.actor) !== userText(entry.actor)) {
    add('user', userText(entry.actor), 'cyan')
  }
  if (entry.status === 'open') add('end', 'not recorded', 'yellow')
  if (entry.startMissing === true) add('start', 'not recorded', 'yellow')
  if (attempt !== undefined) add('attempt', `${attempt}${recovery ? `, ${recovery}` : ''}`)
  if (authorization !== undefined && authorization.decision !== 'not_required') {
    add('auth', decisionText(authorization), authorization.decision === 'granted' ? 'dim' : 'red')
  }
  if (error !== undefined) {
    const code = error.code === undefined ? '' : ` ${error.code}`
    add('error', `${error.type}${code}, fingerprint ${error.fingerprint}`, 'red')
    if (error.message !== undefined) add('', error.message, 'red')
    const message = committed.find(({ field }) => field === 'message')
    if (message !== undefined) add('', committedText(message))
  }
  if (flags.length > 0) add('flags', flags.join(', '), 'yellow')
  for (const [name, value] of Object.entries(clear)) add(name, value)
  for (const content of committed) {
    if (content.field !== 'message') add(content.field, committedText(content))
  }
  return facts
}

function committedText({ bytes, commitment }: CommittedContent): string {
  // No line break between a number and its unit.
  const size = bytes === undefined ? '' : `, ${formatSizeClass(bytes).replaceAll(' ', '\u00a0')}`
  const part = commitment.partial === true ? ', in part' : ''
  return `${shortCommitment(commitment)} ${commitment.enc}${size}${part}`
}

function factLines(facts: readonly Fact[], indent: string, { width, paint }: Sheet): string[] {
  const labelColumns = Math.min(Math.max(...facts.map(({ label }) => textColumns(label))), 16)
  const room = Math.max(width - indent.length - labelColumns - 2, 8)
  return facts.flatMap(({ label, style, text }) =>
    wrapWords(text, room).map((line, i) => {
      const shown = `${padText(i === 0 ? label : '', labelColumns)}  ${line}`
      return `${paint('dim', indent)}${paint(style, shown)}`
    }),
  )
}

function wrapWords(text: string, columns: number): string[] {
  if (textColumns(text) <= columns) return [text]
  const lines = wrap(text.split(' '), { columns, separator: ' ' })
  if (lines.length <= FACT_LINES_MAX) return lines
  const rest = lines.slice(FACT_LINES_MAX - 1).join(' ')
  return [...lines.slice(0, FACT_LINES_MAX - 1), fitText(rest, columns)]
}

function decisionText(authorization: Authorization): string {
  const { approver, decision, method, permissions_denied: refused, policy } = authorization
  const by = method === 'none' ? '' : ` by ${method}`
  const version = policy?.version === undefined ? '' : `@${policy.version}`
  const named = policy === undefined ? '' : ` ${policy.id}${version}`
  const who = approver === undefined ? '' : `, approver ${approver}`
  const lacking = refused.length === 0 ? '' : `, without ${refused.join(' ')}`
  return `${decision}${by}${named}${who}${lacking}`
}

/** `blinded-sha256:3fa9…:9f86d081…`: enough to recognise one by, the JSON has it whole. */
function shortCommitment(commitment: Commitment): string {
  const c = `${commitment.c.slice(0, 8)}…`
  if (commitment.alg === 'sha256') return `sha256:${c}`
  const kids = typeof commitment.kid === 'string' ? [commitment.kid] : commitment.kid
  return `blinded-sha256:${kids.map((kid) => `${kid.slice(0, 4)}…`).join('.')}:${c}`
}
