// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { parseCheckpoint } from '../checkpoint.ts'
import { AuditError } from '../errors.ts'
import { leafHash } from '../hash.ts'
import type { Note } from '../note.ts'
import { noteSignedBy, parseNote, parseVkey } from '../note.ts'
import { parseRevocation } from '../revocation.ts'
import { inclusionProof, inclusionRoot } from '../tlog/proof.ts'
import type { TileReader } from '../tlog/tile.ts'
import { tileNodes } from '../tlog/tile.ts'
import type { EpochBytes, TenantLogBytes } from '../verify/input.ts'
import type { Bundle, EntryProof } from './bundle.ts'
import { readOpen } from './epoch-lines.ts'
import type { ProveRecordOptions } from './prove-record.ts'
import { proveRecord } from './prove-record.ts'
import type { SignedHead } from './read-head.ts'
import { readHead } from './read-head.ts'

const REVOCATIONS_MAX = 64
const TIMESTAMPS_MAX = 16

/** A tenant log as it is served: what a proof needs of it. */
export interface TenantLogTiles extends TenantLogBytes {
  /** Reads a tile of hashes. */
  readonly tile: TileReader
}

export interface ProveInLogOptions extends Omit<ProveRecordOptions, 'checkpoint'> {
  readonly log: TenantLogTiles
  /** A signed note of the log to lead to, for somebody who keeps that head. Default: the newest. */
  readonly head?: string
}

/**
 * Like {@link proveRecord}, and that the epoch's checkpoint and certificate are in the tenant log.
 *
 * Looks through the log's entries (one for each checkpoint that a sealer brought there) for the
 * epoch's first one that covers the record; the proofs are made from tiles.
 *
 * @throws AuditError as {@link proveRecord} does; `NOT_FOUND` where the log does not hold the record's
 * epoch so far; `LOG_UNUSABLE` where it is not what its checkpoint, or the given head, says
 */
export async function proveRecordInLog(
  epoch: EpochBytes,
  seq: number,
  { log, head: given, ...options }: ProveInLogOptions,
): Promise<Bundle> {
  const { chain, detail } = await readOpen(epoch)
  const checkpoint = given ?? (await log.checkpoint())
  const head = readHead(checkpoint)
  if (head?.origin !== chain.log) {
    const whose = head === undefined ? 'is no checkpoint' : `is one of ${head.origin}`
    unusable(`its checkpoint ${whose}, and the record belongs to ${chain.log}`)
  }
  const [cert] = detail.key.certs
  if (cert === undefined) {
    throw new AuditError(
      'NOT_FOUND',
      `epoch ${chain.epoch} has no certificate that a log could hold`,
    )
  }
  const origin = `${chain.log}/${chain.epoch}`
  const found = await findEntries(log, { head, origin, seq, cert })
  const bundle = await proveRecord(epoch, seq, { ...options, checkpoint: found.text })
  const place = { head, log }
  const timestamps = given === undefined ? await timestampsOf(log) : []
  return {
    ...bundle,
    tenant: {
      checkpoint,
      ...(await proveEntry(found.text, found.entry, place)),
      certificate: await proveEntry(cert, found.certificate, place),
      ...(found.revocations.length > 0 && { revocations: found.revocations }),
      ...(timestamps.length > 0 && { timestamps }),
    },
  }
}

async function timestampsOf(log: TenantLogTiles): Promise<string[]> {
  const timestamps: string[] = []
  for await (const token of log.timestamps()) {
    timestamps.push(Buffer.from(token).toString('base64'))
    if (timestamps.length === TIMESTAMPS_MAX) break
  }
  return timestamps
}

function unusable(why: string): never {
  throw new AuditError('LOG_UNUSABLE', `this tenant log cannot prove the record: ${why}`)
}

interface Wanted {
  readonly head: SignedHead
  readonly origin: string
  readonly seq: number
  /** The epoch's certificate. */
  readonly cert: string
}

interface FoundEntries {
  /** Index and text of the epoch's first checkpoint that covers the record. */
  readonly entry: number
  readonly text: string
  readonly certificate: number
  readonly revocations: readonly string[]
}

async function findEntries(log: TenantLogTiles, wanted: Wanted): Promise<FoundEntries> {
  const { head, origin, seq, cert } = wanted
  const issued = parseNote(cert)
  let certificate: number | undefined
  let found: { readonly entry: number; readonly text: string } | undefined
  const revocations: string[] = []
  let index = 0
  for await (const bytes of log.entries(head.size)) {
    const text = Buffer.from(bytes).toString('utf8')
    const entry = index++
    if (text === cert) certificate ??= entry
    else if (found === undefined && covers(text, origin, seq)) found = { entry, text }
    else if (revokes(text, issued) && revocations.length < REVOCATIONS_MAX) {
      revocations.push(text)
    }
  }
  if (index < head.size) unusable(`it has ${index} entries, and its checkpoint says ${head.size}`)
  if (found !== undefined && certificate !== undefined) {
    return { ...found, certificate, revocations }
  }
  const what = found === undefined ? `no checkpoint of ${origin} that covers` : 'no certificate for'
  throw new AuditError(
    'NOT_FOUND',
    `the tenant log of size ${head.size} holds ${what} record ${seq}; seal the journal first`,
    { details: { seq } },
  )
}

function covers(text: string, origin: string, seq: number): boolean {
  if (!text.startsWith(`${origin}\n`)) return false
  try {
    return parseCheckpoint(text).size > seq
  } catch {
    return false
  }
}

/** Whether it revokes the key that signed the certificate. */
function revokes(text: string, certificate: Note): boolean {
  if (!text.startsWith('spanseal/revoke/')) return false
  try {
    return noteSignedBy(certificate, parseVkey(parseRevocation(parseNote(text).text).vkey))
  } catch {
    return false
  }
}

async function proveEntry(
  entry: string,
  index: number,
  { head, log }: { readonly head: SignedHead; readonly log: TenantLogTiles },
): Promise<EntryProof> {
  const { size, root } = head
  const path = await inclusionProof(index, size, tileNodes(size, log.tile))
  const leaf = leafHash(Buffer.from(entry, 'utf8'))
  if (inclusionRoot(leaf, { index, size }, path) === root) return { entry: index, path }
  return unusable('its tiles do not lead to the root of its checkpoint')
}
