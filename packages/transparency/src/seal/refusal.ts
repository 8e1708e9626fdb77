// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** Why a sealer did not add a checkpoint (`spec/tenant-log.md`). */
export type RefusalReason =
  | 'malformed'
  | 'foreign'
  | 'certificate'
  | 'expired'
  | 'revoked'
  | 'signature'
  | 'records-missing'
  | 'root'
  | 'forked'
  | 'rolled-back'

/** What a sealer was shown and did not take. */
export interface Refusal {
  readonly reason: RefusalReason
  /** The epoch's id, as far as it is known. */
  readonly epoch: string
  /** Where it was found. */
  readonly source: string
  /** Of the checkpoint. */
  readonly size?: number
  readonly message: string
  /** Evidence of tampering rather than of a mistake. */
  readonly alarm: boolean
  /** The file with both heads. */
  readonly evidence?: string
}

const ALARMS: readonly RefusalReason[] = ['root', 'forked', 'rolled-back', 'signature']

export function isAlarm(reason: RefusalReason): boolean {
  return ALARMS.includes(reason)
}

/** Ends the judging of one epoch. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly reason: RefusalReason
  readonly size: number | undefined

  constructor(reason: RefusalReason, message: string, size?: number) {
    super(message)
    this.reason = reason
    this.size = size
  }
}
