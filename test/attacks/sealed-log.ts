// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { WitnessKey } from '@spanseal/core'
import { formatRevocation, parseNote, signNoteSync } from '@spanseal/core'
import { collectCosignatures, TenantLog } from '@spanseal/transparency'
import type { AttackedLog } from './attacked-log.ts'
import { addressed, fetchOf, HonestWitness } from './honest-witness.ts'
import { linesOf, notesOf } from './tampered-copy.ts'

/** What left the host before the attack, at one of four moments. */
export interface Sealed {
  /** The tenant log as it was served then, with cosignatures and time-stamps. */
  readonly folder: string
  /** Its head, as a signed note. */
  readonly head: string
  /** Heads of epochs, as signed notes. */
  readonly epochHeads: readonly string[]
}

/**
 * `old`: before the newest epoch was opened. `early`: while it was being written. `full`: when all was
 * closed. `revoked`: afterwards, when the issuer's key had been revoked.
 */
export type Moment = 'old' | 'early' | 'full' | 'revoked'

export interface SealedLog {
  readonly moments: Readonly<Record<Moment, Sealed>>
  readonly witnesses: readonly HonestWitness[]
  readonly witnessKeys: { readonly keys: readonly WitnessKey[]; readonly threshold: number }
  /** Gives a served tenant log a new time-stamp; where there is an authority. */
  readonly stamp: (log: TenantLog) => Promise<void>
}

/** Gives the DER of a time-stamp over a text. */
export type Stamp = (text: string) => Promise<Uint8Array>

/** Brings a log's epochs into its tenant log step by step, cosigned by two of three at each. */
export async function sealLog(log: AttackedLog, folder: string, stamp?: Stamp): Promise<SealedLog> {
  const { journal, epochs, heads, tenant } = log
  const names = ['one', 'two', 'three']
  const witnesses = names.map((name) => new HonestWitness(`${name}.example`, tenant.vkey))
  const tenantLog = await TenantLog.open({ folder: join(folder, 'tenant-log'), signer: tenant })
  const stampLog = async (one: TenantLog): Promise<void> => {
    if (stamp === undefined || one.signedHead === undefined || one.head === undefined) return
    await one.addTimestamp(one.head.size, await stamp(parseNote(one.signedHead).text))
  }
  const seal = async (moment: Moment, entries: string[], epochHeads: string[]): Promise<Sealed> => {
    await tenantLog.append(entries.map((entry) => Buffer.from(entry)))
    await collectCosignatures(tenantLog, addressed(witnesses.slice(0, 2)), {
      fetch: fetchOf(witnesses),
    })
    await stampLog(tenantLog)
    const served = join(folder, moment)
    cpSync(tenantLog.folder, served, { recursive: true })
    return { folder: served, head: tenantLog.signedHead as string, epochHeads }
  }
  const [crashed = '', closed = '', newest = ''] = heads
  const early = notesOf(journal, epochs[2])[1] as string
  const text = (note: string): string => parseNote(note).text
  const certificates = epochs.map((epoch) => certificateOf(journal, epoch))
  const [first = '', second = '', third = ''] = certificates
  const moments = {
    old: await seal('old', [first, text(crashed), second, text(closed)], [crashed, closed]),
    early: await seal('early', [third, text(early)], [crashed, closed, early]),
    full: await seal('full', [text(newest)], [crashed, closed, newest]),
    revoked: await seal('revoked', [revocation(log, 7)], [crashed, closed, newest]),
  }
  await tenantLog.close()
  return {
    moments,
    witnesses,
    witnessKeys: { keys: witnesses.map(({ key }) => key), threshold: 2 },
    stamp: stampLog,
  }
}

/** The epoch's certificate, as its first record has it. */
export function certificateOf(journal: string, epoch: string): string {
  const open = JSON.parse(linesOf(journal, epoch)[0] as string) as {
    readonly detail: { readonly key: { readonly certs: readonly string[] } }
  }
  return open.detail.key.certs[0] as string
}

/** What the tenant says when the issuer's key was stolen: it counts for the first entries only. */
function revocation({ log, issuer, tenant }: AttackedLog, tenantLogSize: number): string {
  return signNoteSync(formatRevocation({ log, vkey: issuer.vkey, tenantLogSize }), tenant)
}
