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
import { readTenantLog } from '@spanseal/transparency'
import type { AttackedLog } from './attacked-log.ts'
import type { Moment, SealedLog } from './sealed-log.ts'
import type { TamperedCopy } from './tampered-copy.ts'

/** What an attacker has besides the right to write to the files. */
export type Attacker =
  | 'nothing'
  | 'an epoch key'
  | 'the issuer key'
  | 'the retention key'
  | 'all keys of the host'
  | 'the tenant key too'
  | 'the tenant key and the witnesses'

/**
 * What an auditor holds from elsewhere. All but the first have the tenant's public key. `log`: the
 * tenant log, and a head of it that was kept. `witnesses` and `stamp` have kept nothing: the log and the
 * witnesses' keys; and a time-stamp authority's certificate besides.
 */
export const HOLDINGS = ['nothing', 'keys', 'heads', 'log', 'witnesses', 'stamp'] as const
export type Holding = (typeof HOLDINGS)[number]

/** The level that each lets an auditor claim. */
export const LEVEL_OF: Readonly<Record<Holding, Verdict['level']>> = {
  nothing: 1,
  keys: 2,
  heads: 3,
  log: 3,
  witnesses: 4,
  stamp: 5,
}

/**
 * What comes of an attack: `passes`; a code that is found; `beyond head`: the level is reached, and the
 * verdict counts epochs or records that its head does not cover; `level <n>`: no fault, but the level
 * asked for is not reached, and the verdict says so.
 */
export type Outcome = 'passes' | 'beyond head' | FindingCode | BundleFindingCode | `level ${number}`

/** What an attacker has to work with. */
export interface Scene {
  readonly log: AttackedLog
  readonly sealed: SealedLog
  /** Another log, of another tenant. */
  readonly other: AttackedLog
  /** A copy of the journal to tamper with; what it holds at the end is shown to the auditor. */
  readonly copy: TamperedCopy
  /** The auditor's, where there is an authority. */
  readonly verifyTimestamp?: VerifyOptions['verifyTimestamp']
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
  /** Heads of epochs that the auditor holds besides those of the moment. */
  readonly heads?: readonly string[]
  /** When what the auditor holds left the host; default `full`. */
  readonly moment?: Moment
  /** The tenant log that is shown instead of the one that left the host. */
  readonly tenantLog?: string
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
export function uncaught(others: Partial<Record<Holding, Outcome>> = {}): Attack['expect'] {
  return caught('stamp', 'passes', others)
}

/** Behind what the tenant log covers: the verdict counts it and vouches for nothing. */
export const BEYOND = {
  log: 'beyond head',
  witnesses: 'beyond head',
  stamp: 'beyond head',
} as const

function optionsOf(
  holding: Holding,
  { log, sealed, verifyTimestamp }: Scene,
  shown: Shown,
): VerifyOptions {
  const { live = false, revocations = [], moment = 'full' } = shown
  const { folder, head, epochHeads } = sealed.moments[moment]
  const known = { live, keys: log.pinned, revocations }
  const tenantLog = readTenantLog(shown.tenantLog ?? folder)
  const witnesses = sealed.witnessKeys
  switch (holding) {
    case 'nothing':
      return { live }
    case 'keys':
      return known
    case 'heads':
      return { ...known, heads: [...epochHeads, ...(shown.heads ?? [])] }
    case 'log':
      return { ...known, tenantLog, heads: [head] }
    case 'witnesses':
      return { ...known, tenantLog, witnesses }
    case 'stamp':
      return { ...known, tenantLog, witnesses, ...(verifyTimestamp && { verifyTimestamp }) }
  }
}

/** What an auditor who holds that much is told of what an attack left. */
export async function outcomesOf(
  scene: Scene,
  shown: Shown,
  holding: Holding,
): Promise<readonly Outcome[]> {
  const options = optionsOf(holding, scene, shown)
  const verdict =
    shown.bundle === undefined
      ? await verify(readJournal(shown.journals ?? [scene.copy.journal]), options)
      : await checkBundle(shown.bundle, bundleOptions(options))
  const { ok, level, findings } = verdict
  const faults = findings.filter(({ kind }) => kind === 'fault').map(({ code }) => code)
  if (!ok) return [...new Set(faults)]
  if (level < LEVEL_OF[holding]) return [`level ${level}`]
  const beyond = 'beyondHead' in verdict ? verdict.beyondHead : { epochs: 0, records: 0 }
  return beyond.epochs + beyond.records > 0 ? ['beyond head'] : ['passes']
}

function bundleOptions(options: VerifyOptions): CheckBundleOptions {
  const { keys = [], live: _live, tenantLog: _tenantLog, ...rest } = options
  return { ...rest, keys }
}
