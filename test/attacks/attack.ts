// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type {
  BundleFindingCode,
  CheckBundleOptions,
  FindingCode,
  Verdict,
  VerifyOptions,
} from '@spanseal/core'
import { checkBundle, verify } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { AttackedLog } from './attacked-log.ts'
import type { TamperedCopy } from './tampered-copy.ts'

/** What an attacker has besides the right to write to the files. */
export type Attacker =
  | 'nothing'
  | 'an epoch key'
  | 'the issuer key'
  | 'the retention key'
  | 'all keys of the host'
  | 'the tenant key too'

/** What an auditor holds from elsewhere; each with all before it, but for the two of level 3. */
export const HOLDINGS = ['nothing', 'keys', 'heads'] as const
export type Holding = (typeof HOLDINGS)[number]

/** The level that each lets an auditor claim. */
export const LEVEL_OF: Readonly<Record<Holding, Verdict['level']>> = {
  nothing: 1,
  keys: 2,
  heads: 3,
}

/**
 * What comes of an attack: `passes`, a code that is found, or `level <n>`: no fault, but the level
 * asked for is not reached, and the verdict says so.
 */
export type Outcome = 'passes' | FindingCode | BundleFindingCode | `level ${number}`

/** What an attacker has to work with. */
export interface Scene {
  readonly log: AttackedLog
  /** Another log, of another tenant. */
  readonly other: AttackedLog
  /** A copy of the journal to tamper with; what it holds at the end is shown to the auditor. */
  readonly copy: TamperedCopy
  /** A fresh folder for whatever else. */
  readonly folder: () => string
}

/** What the auditor is shown instead, or asked for, where it is not simply the copy. */
export interface Shown {
  readonly journals?: readonly string[]
  /** The text of a proof bundle; then no journal is. */
  readonly bundle?: string
  /** Writers may be at work. */
  readonly live?: boolean
  /** What the tenant revoked before the attack. */
  readonly revocations?: readonly string[]
  /** Heads that the auditor holds besides those of the log. */
  readonly heads?: readonly string[]
  /** What the auditor holds instead of the newest heads of all epochs. */
  readonly heldHeads?: readonly string[]
}

export interface Attack {
  readonly name: string
  readonly by: Attacker
  readonly expect: Readonly<Record<Holding, Outcome>>
  /** Said in the table, for instance why nothing can catch it. */
  readonly remark?: string
  readonly run: (scene: Scene) => Shown | void | Promise<Shown | void>
}

/** Caught from `from` on by `code`, and passing below it. */
export function caught(
  from: Holding,
  code: Outcome,
  others: Partial<Record<Holding, Outcome>> = {},
): Attack['expect'] {
  const first = HOLDINGS.indexOf(from)
  const entries = HOLDINGS.map((holding, i) => [holding, i < first ? 'passes' : code] as const)
  return { ...(Object.fromEntries(entries) as Attack['expect']), ...others }
}

/** Nothing that an auditor can hold shows it. */
export const UNCAUGHT: Attack['expect'] = Object.fromEntries(
  HOLDINGS.map((holding) => [holding, 'passes']),
) as Attack['expect']

function optionsOf(holding: Holding, log: AttackedLog, shown: Shown): VerifyOptions {
  const { live = false, revocations = [] } = shown
  const keys = log.pinned
  switch (holding) {
    case 'nothing':
      return { live }
    case 'keys':
      return { live, keys, revocations }
    case 'heads': {
      const heads = [...(shown.heldHeads ?? log.heads), ...(shown.heads ?? [])]
      return { live, keys, revocations, heads }
    }
  }
}

/** What an auditor who holds that much is told of what an attack left. */
export async function outcomesOf(
  scene: Scene,
  shown: Shown,
  holding: Holding,
): Promise<readonly Outcome[]> {
  const options = optionsOf(holding, scene.log, shown)
  const { ok, level, findings } =
    shown.bundle === undefined
      ? await verify(readJournal(shown.journals ?? [scene.copy.journal]), options)
      : await checkBundle(shown.bundle, bundleOptions(options))
  const faults = findings.filter(({ kind }) => kind === 'fault').map(({ code }) => code)
  if (!ok) return [...new Set(faults)]
  return level >= LEVEL_OF[holding] ? ['passes'] : [`level ${level}`]
}

function bundleOptions(options: VerifyOptions): CheckBundleOptions {
  const { keys = [], heads = [], revocations = [] } = options
  return { keys, heads, revocations }
}
