// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { BundleOpening } from '../bundle/bundle.ts'
import type { BundleVerdict, OpeningVerdict } from '../bundle/bundle-verdict.ts'
import { printable } from '../timeline/printable.ts'
import type { GivenCounts, StatementHints } from './advice.ts'
import { bundleAdvice } from './advice.ts'
import { bundleLevel } from './bundle-level.ts'
import { BUNDLE_CODES } from './code-texts.ts'
import { findingGroups } from './finding-groups.ts'
import type { Statement } from './statement.ts'
import { titleOf } from './statement.ts'

/** Of an opened value, as many characters are shown; the bundle has all of it. */
const VALUE_LENGTH_MAX = 2000

/** What the verdict on a bundle is about. */
export interface BundleFrame extends Pick<GivenCounts, 'keysPinned'> {
  /** Those of the bundle, in its order, where their values are to be shown. */
  readonly openings?: readonly BundleOpening[]
  /** Default: none. */
  readonly hints?: StatementHints
}

type Row = readonly [label: string, text: string]

/** The verdict on a proof bundle in words: of one record, never of a whole log. */
export function bundleStatement(verdict: BundleVerdict, frame: BundleFrame): Statement {
  const { checks, findings, level, ok } = verdict
  const words = bundleLevel(verdict)
  const held = Object.entries(checks).filter(([, outcome]) => outcome === 'held')
  return {
    holds: ok,
    title: titleOf(ok, level, words),
    rows: [
      ...recordRows(verdict),
      ['Means', words.means],
      ['Not proved', words.notProved],
      ['Checked', held.map(([name]) => name).join(', ') || 'nothing'],
      ...outsideRows(verdict),
      ...verdict.openings.map(
        (opening, i) => ['Opened', openingText(opening, frame.openings?.[i])] as const,
      ),
    ],
    groups: findingGroups(findings, { means: BUNDLE_CODES, byCheck: true }),
    heads: [],
    moreHeads: 0,
    next: [bundleAdvice(verdict, frame, frame.hints ?? {})],
  }
}

function recordRows({ record }: BundleVerdict): Row[] {
  if (record === undefined) return []
  const { at, epoch, log, seq, type } = record
  const text = `${printable(type)} of ${printable(log)}, at ${printable(at)} by its writer’s clock`
  return [['Record', `${printable(epoch)}/${seq}\n${text}`]]
}

function outsideRows({ timestamped, witnessed: { k, n } }: BundleVerdict): Row[] {
  return [
    ...(n === 0 ? [] : [['Witnesses', `${k} of ${n} cosigned`] as const]),
    ...(timestamped === undefined
      ? []
      : [['Stamped', printable(`the log’s head was there at ${timestamped}`)] as const]),
  ]
}

/** Values are shown where they are what was committed to, and nowhere else. */
function openingText(
  { bytes, field, holds, partial }: OpeningVerdict,
  opening: BundleOpening | undefined,
): string {
  if (!holds) return `${printable(field)}: NOT what was committed to`
  const enc = opening === undefined ? '' : `, ${opening.enc}`
  const part = partial ? ', in part: some of it could not be read' : ''
  const about = `${printable(field)} (${bytes} bytes${enc}${part})`
  if (opening === undefined) return `${about}: what was committed to`
  if (opening.enc === 'bytes') return about
  const text = printable(Buffer.from(opening.value, 'base64').toString('utf8'))
  const cut = text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text
  return `${about}:\n${cut}`
}
