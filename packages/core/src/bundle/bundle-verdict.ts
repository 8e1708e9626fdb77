// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** Named checks of a bundle, in the order of `spec/bundle.md`. */
export const BUNDLE_CHECKS = [
  'bundle',
  'record',
  'inclusion',
  'signature',
  'revocation',
  'tenant',
  'head',
  'witness',
  'timestamp',
  'opening',
] as const
export type BundleCheck = (typeof BUNDLE_CHECKS)[number]

/** As `verify` names them, and `malformed` for what is no bundle. The last three are only notices. */
export const BUNDLE_FINDING_CODES = [
  'malformed',
  'edited',
  'forged',
  'forked',
  'schema',
  'unsigned',
  'unverifiable',
  'clock',
  'expired',
  'newer_rev',
] as const
export type BundleFindingCode = (typeof BUNDLE_FINDING_CODES)[number]

export interface BundleFinding {
  readonly kind: 'fault' | 'notice'
  readonly code: BundleFindingCode
  readonly check: BundleCheck
  /** One sentence for a person; holds no content of the record beyond ids and names. */
  readonly message: string
}

/** What the record says of itself. */
export interface BundleRecord {
  readonly log: string
  readonly epoch: string
  readonly seq: number
  readonly type: string
  /** A claim of the writer. */
  readonly at: string
  /** Its leaf hash, 64 hex digits. */
  readonly leaf: string
}

/** Whether an opening's value is what the record committed to. */
export interface OpeningVerdict {
  readonly field: string
  readonly holds: boolean
  /** Length of the encoded value. */
  readonly bytes: number
  /** Parts of the value could not be read when it was committed to. */
  readonly partial: boolean
}

/** What a bundle shows. It never says that the log is complete. */
export interface BundleVerdict {
  /** No faults. */
  readonly ok: boolean
  /** The highest of the levels 1 to 5 that holds with all lower ones; 0 when there are faults. */
  readonly level: 0 | 1 | 2 | 3 | 4 | 5
  /** Absent where the record cannot be read. */
  readonly record?: BundleRecord
  /** What was asked and how it came out; `absent`: the bundle or the caller gave nothing to check. */
  readonly checks: Readonly<Record<BundleCheck, 'held' | 'failed' | 'absent'>>
  /** The record leads to the root of the epoch's checkpoint. */
  readonly included: boolean
  /** A key that a pinned key vouches for signed the epoch's checkpoint. */
  readonly signed: boolean
  /** A head that the caller gave is the bundle's. */
  readonly headMatched: boolean
  /** Witnesses of the caller's that cosigned, of how many. */
  readonly witnessed: { readonly k: number; readonly n: number }
  /** When the tenant log's head was stamped at the latest, by the earliest valid token. */
  readonly timestamped?: string
  readonly openings: readonly OpeningVerdict[]
  readonly findings: readonly BundleFinding[]
}

/** Collects what the checks find. */
export class BundleReport {
  readonly findings: BundleFinding[] = []
  readonly #asked = new Set<BundleCheck>()

  /** Notes that there was something to check. */
  asked(check: BundleCheck): void {
    this.#asked.add(check)
  }

  fault(check: BundleCheck, code: BundleFindingCode, message: string): void {
    this.asked(check)
    this.findings.push({ kind: 'fault', code, check, message })
  }

  notice(check: BundleCheck, code: BundleFindingCode, message: string): void {
    this.findings.push({ kind: 'notice', code, check, message })
  }

  /** Whether none of these checks has a fault so far. */
  holds(...checks: readonly BundleCheck[]): boolean {
    return !this.findings.some(({ kind, check }) => kind === 'fault' && checks.includes(check))
  }

  checks(): BundleVerdict['checks'] {
    const outcome = (check: BundleCheck): 'held' | 'failed' | 'absent' =>
      !this.holds(check) ? 'failed' : this.#asked.has(check) ? 'held' : 'absent'
    return Object.fromEntries(
      BUNDLE_CHECKS.map((check) => [check, outcome(check)]),
    ) as BundleVerdict['checks']
  }
}
