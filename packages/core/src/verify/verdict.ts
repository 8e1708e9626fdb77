// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint } from '../checkpoint.ts'

/** Named checks, cheap first. */
export const CHECKS = [
  'parse',
  'canonical',
  'schema',
  'sequence',
  'link',
  'epoch',
  'calls',
  'time',
  'checkpoint',
  'completeness',
  'witness',
  'timestamp',
] as const
export type Check = (typeof CHECKS)[number]

/** `spec/verify.md` says what each means. The first group are faults, the last four only notices. */
export const FINDING_CODES = [
  'edited',
  'forged',
  'forked',
  'duplicated',
  'missing',
  'truncated',
  'reordered',
  'schema',
  'unanswered',
  'torn',
  'unclosed',
  'unsigned',
  'unverifiable',
  'clock',
  'expired',
  'gap',
  'newer_rev',
] as const
export type FindingCode = (typeof FINDING_CODES)[number]

export interface Finding {
  readonly kind: 'fault' | 'notice'
  readonly code: FindingCode
  readonly check: Check
  /** One sentence for a person; holds no content of records beyond ids and names. */
  readonly message: string
  readonly file?: string
  /** 1-based. */
  readonly line?: number
  /** Of the line's first byte in `file`. */
  readonly byteOffset?: number
  readonly epoch?: string
  readonly seq?: number
  /** The last `seq` in doubt, where a range is. */
  readonly lastSeq?: number
}

/** How an epoch ends: closed by itself, named by a head, seen crashed by a later one, or open. */
export interface EpochEnds {
  readonly closed: number
  readonly headed: number
  readonly crashed: number
  readonly open: number
}

/** How many of the caller's witnesses cosigned the tenant log's checkpoint. */
export interface Witnessed {
  /** Valid cosignatures, one a public key. */
  readonly k: number
  /** Witnesses that the caller named. */
  readonly n: number
  /** How many of them the caller asks for; 0 where none were named. */
  readonly threshold: number
  /**
   * That many of them cosigned it at this time or later, `YYYY-MM-DDTHH:mm:ss.sssZ`: how fresh the log is.
   * An older log with its older cosignatures would have passed then.
   */
  readonly at?: string
}

/** The outcome of a verification; nothing returns a bare boolean. */
export interface Verdict {
  /** No faults, and something was checked. */
  readonly ok: boolean
  /** The highest of the levels 1 to 5 that holds with all lower ones; 0 when there are faults. */
  readonly level: 0 | 1 | 2 | 3 | 4 | 5
  /** No faults in the records themselves; given keys and heads may still not fit them. */
  readonly selfConsistent: boolean
  /**
   * A key that a pinned key vouches for signed a checkpoint of every epoch; one that died before its
   * first is held by the signed epoch that found it.
   */
  readonly signed: boolean
  /**
   * Complete up to a head that was kept outside: every epoch reaches one that the caller gave, or the
   * tenant log reaches one of its own and every epoch that it names up to there is present.
   */
  readonly headMatched: boolean
  /** The tenant log's head up to which completeness was checked; undefined where none held. */
  readonly tenantHead?: Checkpoint
  readonly witnessed: Witnessed
  /** A time-stamp authority that the caller trusts attests the tenant log's head. */
  readonly timestamped: boolean
  /** The earliest such time, `YYYY-MM-DDTHH:mm:ss.sssZ`. */
  readonly timestampedAt?: string
  /** What lies behind `tenantHead`: epochs that it does not name at all, and records that it does not cover. */
  readonly beyondHead: { readonly epochs: number; readonly records: number }
  /** Heads that were reached: of each epoch, and of the tenant log. Kept outside, they show what goes missing. */
  readonly heads: readonly Checkpoint[]
  /** Records that a trusted head stands for and that were not read again; edits in them are not seen. */
  readonly heldByHead: number
  /** Records that retention removed, and that a stub stands for. */
  readonly expired: number
  readonly ends: EpochEnds
  /** Records behind the last checkpoint: linked, not signed. */
  readonly attestedTail: number
  /** Epochs (durability `none`) whose checkpoints were signed before their records were durable. */
  readonly unsynced: number
  /**
   * What the log says of itself that it lacks, in the records checked: how many such records, how many
   * others could not be written, how many calls were not made for it.
   */
  readonly gaps: { readonly count: number; readonly records: number; readonly refused: number }
  /**
   * In the records checked: how often tools were let run although their intent could not be made
   * durable, how often that ended, and how many tools ran so.
   */
  readonly breakglass: {
    readonly opened: number
    readonly closed: number
    readonly calls: number
  }
  /** Records checked. */
  readonly checked: number
  /** Records there should be at least, by what is there and what checkpoints, heads and observers name. */
  readonly expected: number
  readonly epochs: number
  /** Up to 1,000 in full, faults before notices; messages are safe to print, `file` is as it was given. */
  readonly findings: readonly Finding[]
  /** All findings, counted per code. */
  readonly counts: Readonly<Partial<Record<FindingCode, number>>>
}
