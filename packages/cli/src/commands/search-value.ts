// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type {
  CommitKey,
  CommitKeys,
  Commitment,
  EncodedValue,
  PlacedCommitment,
  ValueDigest,
} from '@spanseal/core'
import { commit, digestEncoded, plainCommitment } from '@spanseal/core'
import type { Keyring, PeriodKey } from '@spanseal/keys'

type Blinded = Extract<Commitment, { alg: 'blinded-sha256' }>

/** Looks for one value, in whatever encodings it can have, among the commitments of one log. */
export class ValueSearch {
  readonly #digests: readonly ValueDigest[]
  /** Plain commitments, as `<enc> <c>`. */
  readonly #plain: ReadonlySet<string>
  readonly #keyring: Keyring | undefined
  readonly #periods: ReadonlyMap<string, PeriodKey>
  readonly #keys = new Map<string, CommitKey | undefined>()
  /** Tags of equal values, as `<enc> <eq>`, by the kid of their period. */
  readonly #tags = new Map<string, ReadonlySet<string>>()

  /** @param keyring of the log; undefined where there is none */
  constructor(values: readonly EncodedValue[], keyring: Keyring | undefined) {
    this.#digests = values.map(digestEncoded)
    this.#plain = new Set(values.map(({ enc, body }) => `${enc} ${plainCommitment(enc, body).c}`))
    this.#keyring = keyring
    this.#periods = new Map(keyring?.periods().map((period) => [period.keys[0].kid, period]) ?? [])
  }

  /** `unsearchable`: a key is destroyed or missing. */
  look({ commitment, place }: PlacedCommitment): 'match' | 'other' | 'unsearchable' {
    if (commitment.alg === 'sha256') {
      return this.#plain.has(`${commitment.enc} ${commitment.c}`) ? 'match' : 'other'
    }
    if (!this.#digests.some(({ enc }) => enc === commitment.enc)) return 'other'
    if (this.#tagsSayOther(commitment)) return 'other'
    const keys = this.#keysOf(commitment)
    if (keys === undefined) return 'unsearchable'
    const isThat = (digest: ValueDigest): boolean =>
      digest.enc === commitment.enc && commit(digest, place, keys).c === commitment.c
    return this.#digests.some(isThat) ? 'match' : 'other'
  }

  /** One comparison instead of two hashes; a tag alone is no evidence, so a hit is computed. */
  #tagsSayOther({ enc, eq, kid }: Blinded): boolean {
    const period = typeof kid === 'string' ? this.#periods.get(kid) : undefined
    if (eq === undefined || period === undefined) return false
    const [{ kid: of }] = period.keys
    let tags = this.#tags.get(of)
    if (tags === undefined) {
      tags = new Set(this.#digests.map((digest) => `${digest.enc} ${tagOf(digest, period)}`))
      this.#tags.set(of, tags)
    }
    return !tags.has(`${enc} ${eq}`)
  }

  #keysOf({ kid }: Blinded): CommitKeys | undefined {
    const keys = [kid].flat().map((one) => this.#keyOf(one))
    if (!keys.every((key) => key !== undefined)) return undefined
    return { keys: keys as [CommitKey, ...CommitKey[]] }
  }

  #keyOf(kid: string): CommitKey | undefined {
    if (!this.#keys.has(kid)) this.#keys.set(kid, this.#keyring?.keyOfKid(kid))
    return this.#keys.get(kid)
  }
}

const NOWHERE = { epoch: '', seq: 0, pointer: '' }

function tagOf(digest: ValueDigest, period: PeriodKey): string {
  const commitment = commit(digest, NOWHERE, period)
  return (commitment.alg === 'blinded-sha256' ? commitment.eq : undefined) ?? ''
}
