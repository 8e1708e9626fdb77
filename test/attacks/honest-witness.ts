// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { WitnessKey } from '@spanseal/core'
import {
  cosignatureBlob,
  cosignedMessage,
  Ed25519PrivateKey,
  formatWitnessKey,
  isConsistent,
  noteSignedBy,
  parseCheckpoint,
  parseNote,
  parseVkey,
  parseWitnessKey,
} from '@spanseal/core'
import type { Witness } from '@spanseal/transparency'

/**
 * A witness by the book (https://c2sp.org/tlog-witness): remembers the head it saw last, and cosigns
 * what is signed by the log's key and consistent with that. Asked through `fetch`, without a network.
 */
export class HonestWitness {
  readonly key: WitnessKey
  readonly url: string
  readonly #signer = Ed25519PrivateKey.generate()
  readonly #logVkey: string
  #seen = { size: 0, root: '00'.repeat(32) }

  constructor(name: string, logVkey: string) {
    this.key = parseWitnessKey(formatWitnessKey(name, this.#signer.publicKey))
    this.url = `http://${name}`
    this.#logVkey = logVkey
  }

  /** Signs whatever it is given: what it does once it has been bought. */
  sign(text: string): string {
    const seconds = Math.floor(Date.now() / 1000)
    const signature = this.#signer.sign(cosignedMessage(text, seconds))
    const blob = cosignatureBlob(this.key, seconds, signature)
    return `— ${this.key.name} ${blob.toString('base64')}\n`
  }

  answer(body: string): Response {
    const end = body.indexOf('\n\n')
    const [first = '', ...proof] = body.slice(0, end).split('\n')
    const note = parseNote(body.slice(end + 2))
    const head = parseCheckpoint(note.text)
    if (!noteSignedBy(note, parseVkey(this.#logVkey))) return new Response('', { status: 403 })
    if (Number(first.replace('old ', '')) !== this.#seen.size) {
      return new Response(`${this.#seen.size}\n`, { status: 409 })
    }
    const hashes = proof.map((line) => Buffer.from(line, 'base64').toString('hex'))
    if (!isConsistent(this.#seen, head, hashes)) return new Response('', { status: 422 })
    this.#seen = { size: head.size, root: head.root }
    return new Response(this.sign(note.text))
  }
}

/** Brings requests to the witnesses by their names. */
export function fetchOf(witnesses: readonly HonestWitness[]): typeof globalThis.fetch {
  return (input, init) => {
    const witness = witnesses.find(({ url }) => input === `${url}/add-checkpoint`)
    if (witness === undefined || typeof init?.body !== 'string') {
      return Promise.reject(new Error('no such witness'))
    }
    return Promise.resolve(witness.answer(init.body))
  }
}

export function addressed(witnesses: readonly HonestWitness[]): Witness[] {
  return witnesses.map(({ key, url }) => ({ key, url }))
}
