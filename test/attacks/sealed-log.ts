// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { WitnessKey } from '@spanseal/core'
import { formatRevocation, parseNote, signNoteSync } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import { collectCosignatures, Sealer, TenantLog } from '@spanseal/transparency'
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
}

/** Gives the DER of a time-stamp over a text. */
export type Stamp = (text: string) => Promise<Uint8Array>

/** Brings a log's epochs into its tenant log step by step, cosigned by two of three at each. */
export async function sealLog(log: AttackedLog, folder: string, stamp?: Stamp): Promise<SealedLog> {
  const { journal, oldCopy, liveCopy, epochs, heads, tenant } = log
  const names = ['one', 'two', 'three']
  const witnesses = names.map((name) => new HonestWitness(`${name}.example`, tenant.vkey))
  const tenantLog = await TenantLog.open({ folder: join(folder, 'tenant-log'), signer: tenant })
  const sealer = await Sealer.open(tenantLog)
  const serve = async (moment: Moment, epochHeads: string[]): Promise<Sealed> => {
    const asked = addressed(witnesses.slice(0, 2))
    await collectCosignatures(tenantLog, asked, { fetch: fetchOf(witnesses) })
    if (stamp !== undefined) {
      const { text } = parseNote(tenantLog.signedHead as string)
      await tenantLog.addTimestamp(tenantLog.size, await stamp(text))
    }
    const served = join(folder, moment)
    cpSync(tenantLog.folder, served, { recursive: true })
    return { folder: served, head: tenantLog.signedHead as string, epochHeads }
  }
  const [crashed = '', closed = '', newest = ''] = heads
  const underWay = notesOf(liveCopy, epochs[2]).at(-1) as string
  await sealer.sealJournal(readJournal(oldCopy))
  const old = await serve('old', [crashed, closed])
  await sealer.sealJournal(readJournal(liveCopy))
  const early = await serve('early', [crashed, closed, underWay])
  await sealer.sealJournal(readJournal(journal))
  const full = await serve('full', [crashed, closed, newest])
  await sealer.revoke([revocation(log, tenantLog.size)])
  const revoked = await serve('revoked', [crashed, closed, newest])
  await tenantLog.close()
  return {
    moments: { old, early, full, revoked },
    witnesses,
    witnessKeys: { keys: witnesses.map(({ key }) => key), threshold: 2 },
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
