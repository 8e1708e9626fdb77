// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { formatHeadLine, printable, printableJson } from '@spanseal/core'
import type { CollectedCosignatures, Refusal, SealRound, TenantLog } from '@spanseal/transparency'
import type { Terminal } from '../terminal.ts'

/** What one round did, and whether something must be told. */
export interface RoundOutcome {
  readonly round: SealRound
  readonly revocations: number
  readonly witnessed: CollectedCosignatures
  /** Cosignatures asked for. */
  readonly threshold: number
}

/** Whether a person has to look. */
export function hasFaults({ round, threshold, witnessed }: RoundOutcome): boolean {
  return round.refused.length > 0 || witnessed.k < threshold
}

/** The outcome as one JSON document; on one line where it is one of many. */
export function outcomeJson(log: TenantLog, outcome: RoundOutcome, indent?: number): string {
  const { revocations, round, threshold, witnessed } = outcome
  const { head } = log
  return `${printableJson(
    {
      log: log.name,
      ...(head === undefined
        ? {}
        : { head: formatHeadLine(head), size: head.size, root: head.root }),
      ...round,
      revocations,
      witnessed: {
        k: witnessed.k,
        n: witnessed.n,
        threshold,
        refused: witnessed.refused.map(({ error, reason, witness }) => ({
          witness: witness.key.name,
          reason,
          message: error.message,
        })),
      },
    },
    indent,
  )}\n`
}

/** The outcome for a person. */
export function printOutcome(log: TenantLog, outcome: RoundOutcome, terminal: Terminal): void {
  const { revocations, round, threshold, witnessed } = outcome
  const { added, refused, unchanged, waiting } = round
  const records = added.reduce((sum, { size }) => sum + size, 0)
  const sealed =
    added.length === 0
      ? 'Nothing new to seal'
      : `Sealed ${count(added.length, 'epoch')} (${count(records, 'record')})`
  const revoked = revocations === 0 ? '' : `, ${count(revocations, 'revocation')} added`
  terminal.print(
    `${sealed}${revoked}; the tenant log ${log.name} has ${count(log.size, 'entry')}.\n`,
  )
  if (log.head !== undefined) terminal.print(`head: ${formatHeadLine(log.head)}\n`)
  if (added.length + unchanged + waiting + refused.length === 0 && revocations === 0) {
    terminal.note(
      'spanseal: no epoch was found; name the folder that holds a folder for each epoch',
    )
  }
  if (waiting > 0) terminal.print(`Waiting for records of ${count(waiting, 'epoch')}.\n`)
  if (witnessed.n > 0) {
    const line = `cosigned by ${witnessed.k} of ${witnessed.n} witnesses (${threshold} asked for)`
    terminal.print(`${terminal.paint(witnessed.k < threshold ? 'red' : 'green', line)}\n`)
  }
  for (const refusal of refused) terminal.print(`${refusalLine(refusal, terminal)}\n`)
  for (const { error, reason } of witnessed.refused) {
    const alarm = reason === 'ahead' || reason === 'inconsistent' ? 'ALARM ' : ''
    terminal.note(`spanseal: ${alarm}${error.code}: ${printable(`${error.message} (${reason})`)}`)
  }
}

function refusalLine(
  { alarm, epoch, evidence, message, reason, source }: Refusal,
  terminal: Terminal,
): string {
  const what = terminal.paint('red', `${alarm ? 'ALARM ' : ''}refused (${reason})`)
  const where = source.includes(epoch) ? source : `${source}, epoch ${epoch}`
  const kept = evidence === undefined ? '' : `; both heads are kept in ${evidence}`
  return `${what}: ${printable(`${where}: ${message}${kept}`)}`
}

function count(number: number, noun: string): string {
  const plural = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`
  return `${number.toLocaleString('en-US')} ${number === 1 ? noun : plural}`
}
