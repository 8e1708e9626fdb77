// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { formatBytes, printable, printableJson } from '@spanseal/core'
import type { DeadLetter, Replay, ReplayOutcome } from '@spanseal/kafka'
import type { Terminal } from '../terminal.ts'

/** Where a dead letter lies: `<partition>/<offset>`. */
export function placeOf({ place }: DeadLetter): string {
  return `${place.partition}/${place.offset}`
}

function originOf({ origin }: DeadLetter): string {
  if (origin === undefined) return 'unknown'
  const offset = origin.offset === undefined ? 'never taken' : `offset ${origin.offset}`
  return `${origin.topic}/${origin.partition} ${offset}`
}

/** One line: where it lies, when it was put aside, where it came from, how large it is, why. */
export function deadLetterText(letter: DeadLetter, { paint }: Pick<Terminal, 'paint'>): string {
  const { leftOut, replayed, valueBytes } = letter
  const size = `${formatBytes(valueBytes)}${leftOut.includes('value') ? ', left out' : ''}`
  const parts = [placeOf(letter).padEnd(8), isoTime(letter), originOf(letter), size, letter.reason]
  const line = printable(parts.join('  '))
  return replayed ? `${paint('dim', `${line}  (put back)`)}\n` : `${line}\n`
}

/** The same for programs, on one line. */
export function deadLetterJson(letter: DeadLetter, withValues: boolean): string {
  const { place, origin, reason, valueBytes, leftOut, replayed, key, value } = letter
  const bytes = (from: Uint8Array | null): string | null =>
    from === null ? null : Buffer.from(from).toString('base64')
  const values = withValues ? { key: bytes(key), value: bytes(value) } : {}
  const at = isoTime(letter)
  const shown = { at: placeOf(letter), place, origin, reason, putAside: at, valueBytes, leftOut }
  return `${printableJson({ ...shown, replayed, ...values })}\n`
}

/** A time of the message, which may be any number. */
function isoTime({ at }: DeadLetter): string {
  return Number.isNaN(at.getTime()) ? 'no usable time' : at.toISOString()
}

export function listEnd({
  waiting,
  shown,
}: {
  readonly waiting: number
  readonly shown: number
}): string {
  if (shown === 0) return 'No dead letters.\n'
  const way = waiting === 0 ? '' : ' Put back what can be: spanseal dead-letters replay --dry-run'
  return `\n${count(waiting)} not put back.${way}\n`
}

/** Why a dead letter had to stay. */
export function outcomeText(letter: DeadLetter, outcome: ReplayOutcome): string {
  const what = outcome.kind === 'replayed' ? 'put back' : `stays: ${outcome.why}`
  return printable(`dead letter ${placeOf(letter)} (${originOf(letter)}) ${what}`)
}

export function replayEnd({ replayed, left, refused }: Replay, dryRun: boolean): string {
  const done = dryRun ? 'would be put back' : 'put back'
  const rest = [
    ...(refused > 0 ? [`${count(refused)} had to stay`] : []),
    ...(left > 0 ? [`${count(left)} not selected`] : []),
  ]
  return `${[`${count(replayed)} ${done}`, ...rest].join(', ')}.\n`
}

export function replayJson(replay: Replay, dryRun: boolean): string {
  return `${printableJson({ ...replay, dryRun }, 2)}\n`
}

function count(number: number): string {
  return `${number.toLocaleString('en-US')} dead letter${number === 1 ? '' : 's'}`
}
