// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EpochOutcome } from './epoch-outcome.ts'
import type { Findings } from './findings.ts'
import type { TenantLogOutcome } from './tenant-log-check.ts'

/** What a tenant log is held against. */
export interface CompletenessChecks {
  readonly findings: Findings
  readonly epochs: ReadonlyMap<string, EpochOutcome>
  /** Epochs that were reported as missing before. */
  readonly absent: ReadonlySet<string>
  /** Some epochs of the log only. */
  readonly partial: boolean
  /** Of the tenant log, for findings. */
  readonly name: string | undefined
}

/**
 * The check `completeness` against the epochs: each that the tenant log names is there, with the roots
 * that it names. Shorter ones are found by the check of their ends.
 *
 * @returns how many records are named of epochs that are not there
 */
export function checkCompleteness(tenantLog: TenantLogOutcome, checks: CompletenessChecks): number {
  const { epochs, findings, name, partial } = checks
  let absent = 0
  checkName(tenantLog, checks)
  for (const [epoch, { firstIndex, sizes }] of tenantLog.named) {
    const outcome = epochs.get(epoch)
    if (outcome !== undefined) {
      checkRoot(outcome, checks)
      continue
    }
    if (checks.absent.has(epoch)) continue
    const what = sizes.count === 0 ? '' : ` of ${sizes.largest} records`
    const message = `Epoch ${epoch}${what}, which entry ${firstIndex} of the tenant log names,`
    const place = { file: name, epoch }
    const report = { code: 'missing', check: 'completeness', outside: true } as const
    if (partial) {
      findings.notice({ ...report, message: `${message} was not given.` }, place)
    } else {
      absent += sizes.largest
      findings.fault({ ...report, message: `${message} is missing.` }, place)
    }
  }
  return absent
}

function checkName(
  { log }: TenantLogOutcome,
  { epochs, findings, name }: CompletenessChecks,
): void {
  const other = [...epochs.values()].find((one) => one.log !== undefined && one.log !== log)
  if (log === undefined || other === undefined) return
  const message = `The tenant log is that of ${log}, and the epochs are of ${other.log}.`
  findings.fault({ code: 'forged', check: 'completeness', message, outside: true }, { file: name })
}

/**
 * Another root than the tenant log names: `forked` where the epoch's own signature covers the records
 * that are here, so that its key has signed two histories; `forged` where it does not.
 */
function checkRoot(outcome: EpochOutcome, { findings }: CompletenessChecks): void {
  const { checkpointFaults, coveredSize, epoch, loggedMismatch, opening } = outcome
  if (loggedMismatch === undefined || checkpointFaults > 0) return
  const { index, size } = loggedMismatch
  const isFork = coveredSize >= size
  const why = isFork
    ? "and the epoch's own key signed these here: it was continued twice"
    : 'and nothing signs those here: they were replaced'
  const message = `The first ${size} records are other ones than entry ${index} of the tenant log names, ${why}.`
  const report = { code: isFork ? 'forked' : 'forged', check: 'completeness', message } as const
  const place = { file: opening.source.name, epoch, seq: 0, lastSeq: size - 1 }
  findings.fault({ ...report, outside: true }, place)
}
