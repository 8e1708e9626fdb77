// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { consistencyProof, cosignaturesOf, parseNote, tileNodes } from '@spanseal/core'
import type { TenantLog } from '../log/tenant-log.ts'
import type { AskWitnessOptions, Witness, WitnessAnswer } from './witness.ts'
import { askWitness } from './witness.ts'

export interface CollectCosignaturesOptions extends Omit<AskWitnessOptions, 'knownSize'> {
  /** By witness name and key id: the size that it saw last. Brought up to date. */
  readonly knownSizes?: Map<string, number>
}

/** Of a round of asking. */
export interface CollectedCosignatures {
  /** Of the given witnesses, how many cosigned the published head, by now. */
  readonly k: number
  readonly n: number
  readonly refused: readonly RefusedCosignature[]
}

/** A witness that did not cosign. */
export type RefusedCosignature = Extract<WitnessAnswer, { outcome: 'refused' }> & {
  readonly witness: Witness
}

/** What a map of known sizes has as its key. */
export function witnessId({ key }: Witness): string {
  return `${key.name}+${key.keyId}`
}

/**
 * Asks all witnesses side by side for what they have not cosigned yet of the published head; each
 * cosignature is published as it arrives, whatever the others do. A log without entries has none.
 *
 * @throws AuditError `LOG_UNUSABLE` when the log cannot be written or read
 */
export async function collectCosignatures(
  log: TenantLog,
  witnesses: readonly Witness[],
  options: CollectCosignaturesOptions = {},
): Promise<CollectedCosignatures> {
  const { knownSizes = new Map<string, number>() } = options
  const { head, publishedHead, signedHead: signed } = log
  if (head === undefined || signed === undefined || publishedHead === undefined) {
    return { k: 0, n: witnesses.length, refused: [] }
  }
  const { text } = parseNote(signed)
  const { size } = head
  const nodes = tileNodes(size, log.tiles.tile)
  const proof = (from: number): Promise<string[]> => consistencyProof(from, size, nodes)
  const refused: RefusedCosignature[] = []
  const missing = witnesses.filter(
    ({ key }) => cosignaturesOf(parseNote(publishedHead), [key]).length === 0,
  )
  await Promise.all(
    missing.map(async (witness) => {
      const id = witnessId(witness)
      const knownSize = knownSizes.get(id) ?? 0
      const answer = await askWitness(witness, { signed, size, proof }, { ...options, knownSize })
      if (answer.outcome === 'cosigned') {
        await log.addCosignature(text, answer.signature)
        knownSizes.set(id, size)
      } else refused.push({ witness, ...answer })
    }),
  )
  const keys = witnesses.map(({ key }) => key)
  const k = cosignaturesOf(parseNote(log.publishedHead ?? signed), keys).length
  return { k, n: witnesses.length, refused }
}
