// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { printable } from '../timeline/printable.ts'
import type { Finding } from '../verify/verdict.ts'
import type { FindingGroup } from './statement.ts'

/** Findings of one code that are listed; the verdict as JSON has up to 1,000 in full. */
const LISTED_MAX = 10

/** What findings of journals and of bundles have in common; those of bundles have no place. */
export interface Found
  extends Pick<
    Finding,
    'kind' | 'message' | 'file' | 'line' | 'byteOffset' | 'epoch' | 'seq' | 'lastSeq'
  > {
  readonly code: string
  readonly check: string
}

interface Grouping {
  /** What each code means, in the order of the groups. */
  readonly means: Readonly<Record<string, string>>
  /** All findings of a code, where not all of them were kept. */
  readonly counts?: Readonly<Partial<Record<string, number>>>
  /** Findings of different checks are in different groups. */
  readonly byCheck?: true
}

/** Findings by code, faults before notices, each in the order of `means`. */
export function findingGroups(findings: readonly Found[], grouping: Grouping): FindingGroup[] {
  const groups = new Map<string, Found[]>()
  for (const finding of findings) {
    const name = `${finding.kind} ${finding.code} ${grouping.byCheck ? finding.check : ''}`
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [finding])
    else group.push(finding)
  }
  const order = Object.keys(grouping.means)
  const rank = ([first]: readonly Found[]): number =>
    order.indexOf(first?.code ?? '') + (first?.kind === 'fault' ? 0 : order.length)
  return [...groups.values()]
    .sort((a, b) => rank(a) - rank(b))
    .flatMap((group) => groupOf(group, grouping))
}

function groupOf(
  group: readonly Found[],
  { byCheck, counts = {}, means }: Grouping,
): FindingGroup[] {
  const [first] = group
  if (first === undefined) return []
  const { check, code, kind } = first
  return [
    {
      kind,
      code,
      ...(byCheck && { check }),
      means: means[code] ?? '',
      // Beyond 1,000 findings are only counted, and there faults and notices of a code together.
      count: Math.max(group.length, group.length < LISTED_MAX ? 0 : (counts[code] ?? 0)),
      items: group.slice(0, LISTED_MAX).map((finding) => ({
        message: printable(finding.message),
        place: placeOf(finding),
      })),
    },
  ]
}

/** `file:line` first, as editors and `grep` have it. */
function placeOf({ byteOffset, epoch, file, lastSeq, line, seq }: Found): string[] {
  const range = lastSeq === undefined || lastSeq === seq ? '' : `–${lastSeq}`
  const parts = [
    ...(file === undefined ? [] : [`${file}${line === undefined ? '' : `:${line}`}`]),
    ...(byteOffset === undefined ? [] : [`byte ${byteOffset}`]),
    ...(seq === undefined ? [] : [`seq ${seq}${range}`]),
    ...(file === undefined && epoch !== undefined ? [`epoch ${epoch}`] : []),
  ]
  return parts.map(printable)
}
