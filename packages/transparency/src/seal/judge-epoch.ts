// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EpochOpen, NoteKey } from '@spanseal/core'
import {
  AuditError,
  checkCertificateChain,
  MerkleFrontier,
  noteSignedBy,
  parseNote,
} from '@spanseal/core'
import type { EpochMaterial, GrownTree, ShownCheckpoint } from './epoch-material.ts'
import { treesAt } from './epoch-material.ts'
import { Refused } from './refusal.ts'
import type { SealedEpoch } from './sealed-epochs.ts'

const ENTRY_BYTES_MAX = 65_535

/** What an epoch is judged by. */
export interface JudgeContext {
  readonly log: string
  /** The tenant key, and issuer keys that the sealer was given. */
  readonly pinned: readonly NoteKey[]
  /** What the log says of the epoch. */
  readonly sealed: SealedEpoch | undefined
  /** The compact range at the sealed size, which has the sealed root. */
  readonly base: readonly string[] | undefined
  /** The size below which the log must have held a certificate of this issuer. */
  readonly revokedBelow: (issuerVkey: string) => number
  /** The index that the next entry will have. */
  readonly nextIndex: number
}

/** What is to be added to the log for an epoch. */
export interface Addition {
  readonly epoch: string
  /** Its first entry, where it has none yet. */
  readonly certificate?: string
  readonly checkpoint: ShownCheckpoint
  readonly nodes: readonly string[]
  /** Larger checkpoints that do not hold. */
  readonly refused: readonly Refused[]
}

/**
 * Judges what is shown of an epoch.
 *
 * @returns the largest checkpoint that holds; undefined where the log has it already
 * @throws Refused when there is none, or what is shown contradicts the log
 */
export async function judgeEpoch(
  material: EpochMaterial,
  context: JudgeContext,
): Promise<Addition | undefined> {
  const { log, sealed } = context
  const { epoch } = material
  if (material.malformed > 0 && material.checkpoints.length === 0) {
    throw new Refused('malformed', 'none of its checkpoints is one')
  }
  const origin = `${log}/${epoch}`
  const other = material.checkpoints.find((one) => one.origin !== origin)
  if (other !== undefined) {
    throw new Refused('foreign', `it holds a checkpoint of ${other.origin}`, other.size)
  }
  if (material.checkpoints.length === 0 && sealed === undefined) return undefined
  const vouched = sealed === undefined ? await vouchedFor(material, context) : sealed
  const { signed, refused } = signedBy(vouched.key, material.checkpoints)
  holdAgainstSealed(signed, material, sealed)
  const due = signed.filter(({ size }) => size > (sealed?.size ?? 0))
  if (due.length === 0) {
    const [first] = refused
    if (first !== undefined) throw first
    return undefined
  }
  const grown = await growTo(due, material, context)
  const best = largestThatHolds(due, grown, refused)
  const tree = grown.get(best.size) as GrownTree
  const certificate = 'certificate' in vouched ? { certificate: vouched.certificate } : {}
  return { epoch, ...certificate, checkpoint: best, nodes: tree.nodes, refused }
}

/** The epoch's key and certificate, out of `epoch.open`. */
async function vouchedFor(
  material: EpochMaterial,
  { log, nextIndex, pinned, revokedBelow }: JudgeContext,
): Promise<{ readonly key: NoteKey; readonly certificate: string }> {
  const open = await openOf(material)
  const { epoch } = material
  if (open.chain.log !== log || open.chain.epoch !== epoch) {
    const whose = `${open.chain.log}/${open.chain.epoch}`
    throw new Refused('foreign', `its records are those of ${whose}`)
  }
  const { certs, vkey } = open.detail.key
  const [certificate] = certs
  if (certificate === undefined) throw new Refused('certificate', 'it carries no certificate')
  if (Buffer.byteLength(certificate) > ENTRY_BYTES_MAX) {
    throw new Refused('certificate', 'its certificate is longer than an entry may be')
  }
  const claim = { log, epoch, vkey, certs, at: open.time.at }
  const found = vouch(() => checkCertificateChain(claim, pinned))
  if (!found.pinned || found.issuer === undefined) {
    throw new Refused('certificate', 'its certificate does not lead to the tenant key')
  }
  if (!found.valid) throw new Refused('expired', `a certificate was not valid at ${open.time.at}`)
  if (revokedBelow(found.issuer) <= nextIndex) {
    throw new Refused('revoked', 'its issuer was revoked before this epoch came to the log')
  }
  return { key: found.key, certificate }
}

async function openOf(material: EpochMaterial): Promise<EpochOpen> {
  try {
    return await material.open()
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    throw new Refused('malformed', error.message)
  }
}

function vouch<T>(check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    throw new Refused('certificate', `its certificates contradict themselves: ${error.message}`)
  }
}

function signedBy(
  key: NoteKey,
  shown: readonly ShownCheckpoint[],
): { readonly signed: ShownCheckpoint[]; readonly refused: Refused[] } {
  const signed: ShownCheckpoint[] = []
  const refused: Refused[] = []
  for (const one of shown) {
    if (one.size > 0 && noteSignedBy(parseNote(one.note), key)) signed.push(one)
    else if (refused.length === 0) {
      const why = `a checkpoint of size ${one.size} is not signed by the epoch’s key`
      refused.push(new Refused('signature', why, one.size))
    }
  }
  return { signed, refused }
}

/** What the log holds already is not contradicted, and was not taken back. */
function holdAgainstSealed(
  signed: readonly ShownCheckpoint[],
  { inOrder }: EpochMaterial,
  sealed: SealedEpoch | undefined,
): void {
  if (sealed === undefined || sealed.size === 0) return
  for (const { root, size } of signed) {
    if (size === sealed.size && root !== sealed.root) {
      const why = `it is signed for ${size} records with another root than entry ${sealed.entry} of the log has`
      throw new Refused('forked', why, size)
    }
  }
  const newest = signed.reduce((most, { size }) => Math.max(most, size), 0)
  if (inOrder && newest < sealed.size) {
    const why = `its newest checkpoint covers ${newest} records, and the log holds one of ${sealed.size}`
    throw new Refused('rolled-back', why, newest)
  }
}

/** The trees at the sizes of the checkpoints that are due, grown out of the sealed one. */
async function growTo(
  due: readonly ShownCheckpoint[],
  material: EpochMaterial,
  { base, sealed }: JudgeContext,
): Promise<Map<number, GrownTree>> {
  const sizes = due.map(({ size }) => size)
  if (sealed === undefined || sealed.size === 0) return treesAt(material, sizes)
  const tree = base === undefined ? undefined : MerkleFrontier.resume(sealed.size, base)
  if (tree !== undefined && tree.root() === sealed.root) {
    const grown = await treesAt(material, sizes, tree)
    if (due.some(({ root, size }) => grown.get(size)?.root === root)) return grown
  }
  // From the first record on, to tell a fork from records that were changed.
  const all = await treesAt(material, [...sizes, sealed.size])
  const old = all.get(sealed.size)
  if (old !== undefined && old.root !== sealed.root) {
    const contradicts = due.find(({ root, size }) => all.get(size)?.root === root)
    const why = `its first ${sealed.size} records have another root than entry ${sealed.entry} of the log`
    const reason = contradicts === undefined ? 'root' : 'forked'
    throw new Refused(reason, why, contradicts?.size ?? due.at(-1)?.size)
  }
  return old === undefined ? new Map() : all
}

function largestThatHolds(
  due: readonly ShownCheckpoint[],
  grown: ReadonlyMap<number, GrownTree>,
  refused: Refused[],
): ShownCheckpoint {
  let why: Refused | undefined
  for (const one of due.toSorted((a, b) => b.size - a.size)) {
    const tree = grown.get(one.size)
    if (tree?.root === one.root) {
      if (why !== undefined) refused.push(why)
      return one
    }
    why ??=
      tree === undefined
        ? new Refused(
            'records-missing',
            `the ${one.size} records of a checkpoint are not all there`,
            one.size,
          )
        : new Refused(
            'root',
            `its first ${one.size} records have another root than was signed`,
            one.size,
          )
  }
  throw why as Refused
}
