// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createCipheriv, createHash, hkdfSync } from 'node:crypto'
import { canonicalize, commit, commitmentSalt, digestEncoded, encodeValue, plainCommitment } from '@spanseal/core'
import type { CommitKey, Commitment } from '@spanseal/core'
import { LOG, period, seedOf, subjects } from './keys.ts'
import { jsonFile } from './text-files.ts'
import type { Files } from './text-files.ts'

/** The vault's files, made from `spec/erasure.md` and not by the package that reads them. */

const FOLDER = 'example.com_support'
const EPOCH = '019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00'
const MASTER = seedOf('vault master')
const STRANGE_MASTER = seedOf('another vault master')

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}

function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** `salt` is random in life; here it is told. */
function box(secret: Uint8Array, plain: Uint8Array, bound: Uint8Array, words: string): Buffer {
  const salt = hex(seedOf(`salt of ${words}`))
  const derived = Buffer.from(hkdfSync('sha256', secret, salt, 'spanseal/vault-box/1', 44))
  const cipher = createCipheriv('aes-256-gcm', derived.subarray(0, 32), derived.subarray(32))
  cipher.setAAD(bound)
  return Buffer.concat([salt, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function masterId(master: string): string {
  return `file-${sha256('spanseal/vault-master/1\0', hex(master)).slice(0, 16)}`
}

function dataKeyOf(kid: string): string {
  return seedOf(`data key ${kid}`)
}

function keyFile(kid: string, { log = LOG, master = MASTER } = {}): string {
  const bound = Buffer.from(`spanseal/vault-key/1\0${log}\0${kid}`)
  const wrapped = box(hex(master), hex(dataKeyOf(kid)), bound, `key ${kid}`).toString('base64')
  const file = { key: 'spanseal/vault-key/1', kid, log, master: masterId(master), wrapped }
  return `${canonicalize(file)}\n`
}

interface Stored {
  readonly path: string
  readonly file: string
  readonly commitment: Commitment
  readonly value: string
}

interface Told {
  readonly value: unknown
  readonly keys: readonly [CommitKey, ...CommitKey[]]
  readonly plain?: true
  /** Another value under the commitment of `value`. */
  readonly instead?: unknown
  readonly salt?: string
}

function stored({ value, keys, plain, instead, salt: otherSalt }: Told, seq: number): Stored {
  const place = { epoch: EPOCH, seq, pointer: '/invocation/output' }
  const encoded = encodeValue(value)
  const commitment = plain
    ? plainCommitment(encoded.enc, encoded.body)
    : commit(digestEncoded(encoded), place, { keys })
  const { alg, c, enc } = commitment
  const kids = keys.map(({ kid }) => kid).sort()
  const head = Buffer.from(`${canonicalize({ alg, c, enc, kids, log: LOG, vault: 'spanseal/vault/1' })}\n`)
  const salt = otherSalt ?? commitmentSalt(place, { keys })
  const within = Buffer.from(`${canonicalize(plain ? {} : { place, salt })}\n`)
  const kept = encodeValue(instead ?? value)
  const secret = Buffer.concat(kids.map((kid) => hex(dataKeyOf(kid))))
  const sealed = box(secret, Buffer.concat([within, Buffer.from(kept.body as string)]), head, `value ${c}`)
  const under = sha256(kids.join('.')).slice(0, 16)
  return {
    path: `${FOLDER}/values/${c.slice(0, 2)}/${c}-${under}`,
    file: Buffer.concat([head, sealed]).toString('base64'),
    commitment,
    value: Buffer.from(encoded.body as string).toString('base64'),
  }
}

/** The file with a byte of it changed. */
function changed({ file, ...rest }: Stored, at: number): Stored {
  const bytes = Buffer.from(file, 'base64')
  const where = at < 0 ? bytes.length + at : at
  bytes[where] = (bytes[where] as number) ^ 1
  return { ...rest, file: bytes.toString('base64') }
}

export function vaultVectors(): Files {
  const { jane, john } = subjects
  const order = { value: { order: 'A-1', amount: 12.5 }, keys: [period] } as const
  const first = stored(order, 1)
  const second = stored({ value: 'another text', keys: [jane] }, 2)
  const [{ path: firstPath }, { path: secondPath }] = [first, second]
  const named = <T>(name: string, rest: T): { name: string } & T => ({ name, ...rest })
  return new Map([
    jsonFile('vault.json', {
      log: LOG,
      master: MASTER,
      files: Object.fromEntries(
        [period, jane, john].map(({ kid }) => [`${FOLDER}/keys/${kid}.key`, keyFile(kid)]),
      ),
      dataKeys: Object.fromEntries([period, jane, john].map(({ kid }) => [kid, dataKeyOf(kid)])),
      valid: [
        named('under the period key', first),
        named('under a person’s key', second),
        named('under the keys of two people', stored({ value: [1, 2], keys: [john, jane] }, 3)),
        named('bytes', stored({ value: Buffer.from('00ff10', 'hex'), keys: [period] }, 4)),
        named('typed', stored({ value: new Map([['a', 1n]]), keys: [period] }, 5)),
        named('empty', stored({ value: '', keys: [period] }, 6)),
        named('a plain digest', stored({ value: 'indexed by its hash', keys: [jane], plain: true }, 7)),
      ],
      refused: [
        named('a bit of the head', changed(first, 40)),
        named('a bit of the salt', changed(first, Buffer.from(first.file, 'base64').indexOf(10) + 1)),
        named('a bit of the box', changed(first, -20)),
        named('a bit of the tag', changed(first, -1)),
        named('cut', { ...first, file: Buffer.from(first.file, 'base64').subarray(0, -1).toString('base64') }),
        named('empty file', { ...first, file: '' }),
        named('the file of another value', { ...first, file: second.file }),
        named('in the place of another value', { ...second, path: firstPath, commitment: first.commitment }),
        named('under keys that its name does not tell', {
          ...first,
          path: `${firstPath.split('-')[0]}-${secondPath.split('-').at(-1)}`,
        }),
        named('another value under the commitment', stored({ ...order, instead: { order: 'A-2' } }, 1)),
        named('a salt that opens nothing', stored({ ...order, salt: seedOf('no salt') }, 1)),
        named('another value under a plain digest', stored({ value: 'a', keys: [jane], plain: true, instead: 'b' }, 8)),
      ],
      refusedKeys: [
        named('of another kid', { kid: period.kid, file: keyFile(jane.kid) }),
        named('of another log', { kid: period.kid, file: keyFile(period.kid, { log: 'example.com/other' }) }),
        named('under another master key', { kid: period.kid, file: keyFile(period.kid, { master: STRANGE_MASTER }) }),
        named('not canonical', { kid: period.kid, file: ` ${keyFile(period.kid)}` }),
        named('not JSON', { kid: period.kid, file: 'key\n' }),
      ],
    }),
  ])
}
