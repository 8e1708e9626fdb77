// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint } from '../checkpoint.ts'
import { sumOfAdmissions } from './admissions.ts'
import type { EpochEnd } from './epoch-end.ts'
import type { EpochOutcome } from './epoch-outcome.ts'
import type { Findings } from './findings.ts'
import type { TenantLogOutcome } from './tenant-log-check.ts'
import type { EpochEnds, Verdict } from './verdict.ts'

/** All that a verification found out. */
export interface Evidence {
  readonly findings: Findings
  readonly outcomes: readonly EpochOutcome[]
  readonly ends: readonly EpochEnd[]
  readonly tenantLog: TenantLogOutcome
  /** See {@link Verdict.signed}. */
  readonly signed: boolean
  /** The epochs are some of a log's. */
  readonly partial: boolean
  /** The caller gave heads of epochs. */
  readonly headsGiven: boolean
  /** Records of what is named and not there. */
  readonly expectedElsewhere: number
}

/** What the evidence comes to: the level, and the counts beside it. */
export function verdictOf(evidence: Evidence): Verdict {
  const { ends, findings, outcomes, signed } = evidence
  const { anchor, head, timestampedAt, witnessed } = evidence.tenantLog
  const heads = outcomes.flatMap(headOf)
  return {
    ok: findings.faults === 0,
    level: levelOf(evidence),
    selfConsistent: findings.ownFaults === 0,
    signed,
    headMatched: isHeadMatched(evidence),
    ...(anchor !== undefined && { tenantHead: anchor }),
    witnessed,
    timestamped: timestampedAt !== undefined,
    ...(timestampedAt !== undefined && { timestampedAt }),
    beyondHead: beyondHead(evidence),
    heads: head === undefined ? heads : [...heads, plainHead(head)],
    heldByHead: sum(outcomes, ({ heldSize }) => heldSize),
    expired: sum(outcomes, ({ expiredSize }) => Math.max(0, expiredSize - 1)),
    ends: countEnds(ends),
    attestedTail: sum(outcomes, ({ size, coveredSize }) => Math.max(0, size - coveredSize)),
    unsynced: sum(outcomes, ({ unsynced }) => (unsynced ? 1 : 0)),
    ...sumOfAdmissions(outcomes.map(({ admissions }) => admissions)),
    checked: sum(outcomes, ({ checked }) => checked),
    expected: sum(ends, ({ expected }) => expected) + evidence.expectedElsewhere,
    epochs: outcomes.length,
    findings: findings.list(),
    counts: findings.counts(),
  }
}

function levelOf(evidence: Evidence): Verdict['level'] {
  const { anchor, cosigned, head, timestampedAt } = evidence.tenantLog
  if (evidence.findings.faults > 0) return 0
  if (!evidence.signed) return 1
  if (!isHeadMatched(evidence)) return 2
  if (!isByTenantLog(evidence) || !cosigned || anchor === undefined) return 3
  return timestampedAt !== undefined && anchor.size === head?.size ? 5 : 4
}

function isHeadMatched(evidence: Evidence): boolean {
  // An epoch that died before its first record has no head.
  const headed = evidence.outcomes.filter(({ size }) => size > 0)
  const byEpochs = headed.length > 0 && headed.every(({ headSize }) => headSize > 0)
  return byEpochs || isByTenantLog(evidence)
}

function isByTenantLog({ findings, partial, tenantLog }: Evidence): boolean {
  return tenantLog.anchor !== undefined && !partial && findings.faults === 0
}

/** What no head that was kept outside covers; nothing where none was given. */
function beyondHead({ headsGiven, outcomes, tenantLog }: Evidence): Verdict['beyondHead'] {
  const { anchor } = tenantLog
  const there = outcomes.filter(({ size }) => size > 0)
  if (anchor === undefined && !headsGiven) return { epochs: 0, records: 0 }
  const coveredSize = ({ headSize, named }: EpochOutcome): number =>
    Math.max(headSize, anchor === undefined ? 0 : (named?.anchoredSize ?? 0))
  return {
    epochs: there.filter((outcome) => coveredSize(outcome) === 0).length,
    records: sum(there, (outcome) => Math.max(0, outcome.size - coveredSize(outcome))),
  }
}

function headOf({ epoch, log, root, size, unverifiable }: EpochOutcome): Checkpoint[] {
  const isKnown = log !== undefined && root !== undefined && size > 0 && !unverifiable
  return isKnown ? [{ origin: `${log}/${epoch}`, size, root }] : []
}

function plainHead({ origin, size, root }: Checkpoint): Checkpoint {
  return { origin, size, root }
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

function countEnds(ends: readonly EpochEnd[]): EpochEnds {
  const count = { closed: 0, headed: 0, crashed: 0, open: 0 }
  for (const { kind } of ends) count[kind]++
  return count
}
