// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { formatBytes, formatMillis, plural, printable } from '@spanseal/core'
import { fold } from './fold.ts'
import type { StatusReport } from './status-report.ts'
import type { Terminal } from './terminal.ts'

const LABEL_COLUMNS = 10
const EPOCHS_SHOWN_MAX = 20
const DAY_MILLIS = 86_400_000

/** How a journal stands, for a person. */
export function statusText(report: StatusReport, terminal: Terminal): string {
  const { problems } = report
  const title = report.ok ? 'ALL IS WELL' : `LOOK AT ${plural(problems.length, 'thing')}`
  const rows: [label: string, text: string][] = [
    ['journal', `${report.folder}, ${at(report.at)}`],
    ['epochs', statesText(report)],
    ['produced', `${plural(report.watermarks.produced, 'record')}, ${durableText(report)}`],
    ...sinkRows(report),
    ['disk', diskText(report)],
    ['evidence', evidenceText(report)],
    ['view', viewText(report)],
  ]
  const lines = [
    terminal.paint(report.ok ? 'green' : 'red', title),
    ...rows.flatMap(([label, text]) => row(label, text, terminal)),
    ...problems.flatMap(({ code, message }) => {
      const [first = '', ...more] = fold(`- ${printable(`${code}: ${message}`)}`, terminal.width)
      return [terminal.paint('yellow', first), ...more]
    }),
    ...epochLines(report),
  ]
  return `${lines.join('\n')}\n`
}

function row(label: string, text: string, { width }: Terminal): string[] {
  const indent = ' '.repeat(LABEL_COLUMNS + 2)
  return fold(printable(text), width - indent.length).map((line, i) =>
    i === 0 ? `  ${label.padEnd(LABEL_COLUMNS)}${line}` : `${indent}${line}`,
  )
}

function statesText({ orphans, states }: StatusReport): string {
  const counts = Object.entries(states).map(([state, n]) => `${n.toLocaleString('en-US')} ${state}`)
  const left = orphans.length === 0 ? '' : `; ${orphans.length} left undelivered by ended processes`
  return `${counts.length === 0 ? 'none' : counts.join(', ')}${left}`
}

function durableText({ watermarks: { durable, produced } }: StatusReport): string {
  return durable >= produced ? 'all on disk' : `${durable.toLocaleString('en-US')} known on disk`
}

function sinkRows({ lag, lagAgeMillis, watermarks }: StatusReport): [string, string][] {
  const sinks = Object.entries(watermarks.acknowledged)
  if (sinks.length === 0) return [['delivered', 'nothing was ever delivered from here']]
  return sinks.map(([sink, acknowledged]) => {
    const behind = lag[sink] ?? 0
    const age = lagAgeMillis === undefined ? '' : `, the oldest for ${formatMillis(lagAgeMillis)}`
    const rest = behind === 0 ? 'nothing waits' : `${plural(behind, 'record')} wait${age}`
    return ['delivered', `${plural(acknowledged, 'record')} acknowledged by ${sink}, ${rest}`]
  })
}

function diskText({ spool }: StatusReport): string {
  const packed =
    spool.compressedBytes === 0 ? '' : `, of which ${formatBytes(spool.compressedBytes)} compressed`
  const free = spool.freeBytes === undefined ? '' : `; ${formatBytes(spool.freeBytes)} are free`
  return `${formatBytes(spool.bytes)}${packed}${free}`
}

function evidenceText({ gaps }: StatusReport): string {
  const lost = gaps.records + gaps.pending + gaps.untold
  if (lost === 0 && gaps.refused === 0) return 'no record is known to be lost'
  const refused =
    gaps.refused === 0 ? '' : `; ${plural(gaps.refused, 'call')} not made because of that`
  return `${plural(lost, 'record')} could not be written${refused}`
}

function viewText({ gaps, view }: StatusReport): string {
  if (view.endpoints.length === 0) return 'no agent here tells of an OTLP endpoint'
  const told = view.endpoints.map(
    ({ name, exported, ...bad }) =>
      `${name} took ${plural(exported, 'span')}${badText({ ...bad, exported: 0, name: '' })}`,
  )
  const whole =
    gaps.records + gaps.pending + gaps.untold === 0 ? 'the evidence has none' : 'see evidence'
  const holes =
    view.holes === 0 ? 'no holes are known' : `the view has ${plural(view.holes, 'hole')}, ${whole}`
  return `${told.join('; ')}: ${holes}`
}

function badText({ dropped, failed, rejected }: StatusReport['view']['endpoints'][number]): string {
  const bad = Object.entries({ failed, rejected, dropped }).filter(([, n]) => n > 0)
  return bad.map(([what, n]) => `, ${n.toLocaleString('en-US')} ${what}`).join('')
}

/** One line an epoch, newest first, of those that still matter. */
function epochLines({ at: now, epochs }: StatusReport): string[] {
  const shown = epochs.slice(-EPOCHS_SHOWN_MAX).reverse()
  const lines = shown.map(({ acknowledged, bytes, epoch, lastBeat, pid, produced, state }) => {
    const taken = Object.entries(acknowledged).map(([sink, n]) => `${sink} ${n}`)
    const beat = lastBeat === undefined ? '' : beatText(Date.parse(now) - lastBeat)
    const who = pid === undefined || state !== 'live' ? '' : `, process ${pid}${beat}`
    const delivered = taken.length === 0 ? '' : ` (${taken.join(', ')})`
    return `  ${epoch}  ${state.padEnd(7)} ${plural(produced, 'record')}${delivered}, ${formatBytes(bytes)}${who}`
  })
  const more = epochs.length - shown.length
  return [
    ...(lines.length === 0 ? [] : ['Epochs, newest first:']),
    ...lines.map((line) => printable(line)),
    ...(more > 0 ? [`  and ${more.toLocaleString('en-US')} older (--json has them)`] : []),
  ]
}

function beatText(ageMillis: number): string {
  return ageMillis > DAY_MILLIS ? '' : `, heard ${formatMillis(Math.max(0, ageMillis))} ago`
}

function at(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`
}
