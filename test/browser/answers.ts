// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

// Asks what core asks of its platform, and keeps the answers: run in Node as it is, and in a page with
// what the build puts in place of node:crypto and Buffer, they must be the same.

import { hash } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { HmacKey, sha256Hex, verifyEd25519 } from '@spanseal/core'

/** Answers by question; the same wherever they are asked. */
export function answers(): Record<string, unknown> {
  return {
    ...hashes(),
    ...bytes(),
    ...texts(),
    ...signatures(),
    hmac: [0, 1, 200, 2000].map((n) => hexOfLatin1(new HmacKey(pattern(32)).utf8('é'.repeat(n)))),
  }
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 167 + 13) % 256)
}

function hexOfLatin1(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex')
}

function hashes(): Record<string, unknown> {
  const sizes = [0, 1, 55, 56, 63, 64, 65, 1000, 70_000]
  return {
    sha256: sizes.map((size) => sha256Hex(pattern(size))),
    sha256OfText: ['', 'abc', 'Grüße, 世界 🌍', '\ud800 alone'].map(sha256Hex),
    sha256Latin1: hexOfLatin1(hash('sha256', pattern(65), 'latin1' as 'hex')),
  }
}

/** Texts that are hex or base64, nearly, or not at all. */
const ENCODED = [
  '',
  'AA==',
  'AB==',
  'AAA',
  'AAA=',
  '-_8=',
  '+/8=',
  'A A A A',
  'AAAA\n',
  'AA=A',
  'AAAAA',
  'é===',
  'f6fc0d00',
]

function bytes(): Record<string, unknown> {
  const every = Buffer.from(pattern(256))
  const frame = Buffer.alloc(70, 7)
  const written = [
    frame.write('\u00e9\u00ff', 1, 32, 'latin1'),
    frame.write('ab12', 10, 32, 'hex'),
    frame.write('世界', 20),
    frame.writeUInt16BE(515, 40),
  ]
  return {
    hex: every.toString('hex'),
    base64: every.toString('base64'),
    latin1: hexOfLatin1(every.toString('latin1')),
    part: [
      every.toString('hex', 3, 9),
      every.toString('latin1', 65, 70),
      every.subarray(4, 8).length,
      Buffer.from('aé世🌍b').toString('utf8', 1, 6),
      Buffer.from('abc').toString('utf8', 2, 9),
      Buffer.from('abc').toString('utf8', 2, 1),
    ],
    // Core takes base64 only where encoding again gives the same text.
    strictBase64: ENCODED.map((text) => Buffer.from(text, 'base64').toString('base64') === text),
    strictHex: ENCODED.map((text) => Buffer.from(text, 'hex').toString('hex') === text),
    written,
    frame: frame.toString('hex'),
    numbers: [every.readUInt16BE(9), every.readBigUInt64BE(17).toString()],
    lengths: ['', 'abc', 'é', '世', '🌍', '\ud800', 'a\udc00b'].map((text) =>
      Buffer.byteLength(text),
    ),
    joined: Buffer.concat([Buffer.of(1, 2), Buffer.from('é'), pattern(3)]).toString('hex'),
    swapped: Buffer.from('ä世🌍', 'utf16le').swap16().toString('hex'),
    found: [every.indexOf(13), every.indexOf(13, 1), every.indexOf(10, 250)],
    moved: Buffer.from(pattern(8)).copyWithin(1, 4, 8).toString(),
    same: [every.equals(Buffer.from(pattern(256))), every.equals(Buffer.from(pattern(255)))],
  }
}

/** UTF-8, nearly UTF-8, and what no one would take for it. */
const UTF8 = [
  '61c3a9e4b896f09f8c8d',
  'efbbbf61',
  'c0af',
  'e0809f',
  'eda080',
  'f4908080',
  'f8a1a1a1a1',
  'c3',
  'e4b8',
  'f09f8c',
  '80',
  'ff61',
  'efbfbd',
  '00',
]

function texts(): Record<string, unknown> {
  const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const strict = (hex: string): string | undefined => {
    try {
      return fatal.decode(Buffer.from(hex, 'hex'))
    } catch {
      return undefined
    }
  }
  const loose = (hex: string): string => Buffer.from(hex, 'hex').toString('utf8')
  return {
    strict: UTF8.map(strict),
    // What core asks of it: is it the same length, without a replacement character? Then it is ASCII.
    ascii: UTF8.map(
      (hex) => loose(hex).length === hex.length / 2 && !loose(hex).includes('\ufffd'),
    ),
    replaced: UTF8.map((hex) => loose(hex).includes('\ufffd')),
    valid: UTF8.filter((hex) => strict(hex) !== undefined).map(loose),
  }
}

const P = 2n ** 255n - 19n
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

/** RFC 8032 §7.1, test 3. */
const VALID = {
  key: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
  message: 'af82',
  signature:
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac' +
    '18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
}

/** Points of order 1, 2, 4 and 8, and their second encodings with y ≥ p or the sign of x = 0. */
const SMALL = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
]

function littleEndian(value: bigint): string {
  const hex = value.toString(16).padStart(64, '0')
  return Buffer.from(hex, 'hex').reverse().toString('hex')
}

function scalarOf(signature: string): bigint {
  return BigInt(`0x${Buffer.from(signature.slice(64), 'hex').reverse().toString('hex')}`)
}

function holds(key: string, message: string, signature: string): boolean {
  const [k, m, s] = [key, message, signature].map((hex) => Buffer.from(hex, 'hex'))
  return verifyEd25519(k as Buffer, m as Buffer, s as Buffer)
}

/**
 * Signatures by a key that is partly of small order, a·B + T: with a cofactor all of them would hold,
 * without one only those whose k takes T to zero, one in eight.
 */
function ofMixedOrder(): boolean[] {
  const { Point } = ed25519
  const torsion = Point.fromBytes(Buffer.from(SMALL[8] as string, 'hex'))
  const [a, r] = [1234567891011n, 9876543210123n]
  const key = Point.BASE.multiply(a).add(torsion).toBytes()
  const bigR = Point.BASE.multiply(r).toBytes()
  return Array.from({ length: 32 }, (_, i) => {
    const message = Buffer.of(i)
    const digest = Buffer.from(sha512(Buffer.concat([bigR, key, message]))).reverse()
    const k = BigInt(`0x${digest.toString('hex')}`) % ORDER
    const s = Buffer.from(littleEndian((r + k * a) % ORDER), 'hex')
    return verifyEd25519(key, message, Buffer.concat([bigR, s]))
  })
}

function signatures(): Record<string, unknown> {
  const { key, message, signature } = VALID
  const r = signature.slice(0, 64)
  const s = scalarOf(signature)
  const scalars = [0n, 1n, s, s + ORDER, s + 2n * ORDER, ORDER, ORDER - 1n, 2n ** 253n, 2n ** 255n]
  const flipped = Array.from({ length: 64 }, (_, i) => {
    const bent = Buffer.from(signature, 'hex')
    bent[i] = (bent[i] as number) ^ (1 << (i % 8))
    return holds(key, message, bent.toString('hex'))
  })
  // With s = 0 the equation is R = −[k]A: it holds for some messages where A is of small order.
  const small = SMALL.map((a) =>
    SMALL.flatMap((b) =>
      ['', '00', '01', '02', '03'].map((m) => Number(holds(a, m, b + littleEndian(0n)))),
    ).join(''),
  )
  return {
    valid: holds(key, message, signature),
    flipped,
    scalars: scalars.map((scalar) => holds(key, message, r + littleEndian(scalar % 2n ** 256n))),
    otherMessage: holds(key, 'af83', signature),
    // y of the key written as y + p, where it fits; and keys on no point.
    keys: [littleEndian(P + 3n), littleEndian(2n), littleEndian(P - 2n), 'ff'.repeat(32)].map((k) =>
      holds(k, message, signature),
    ),
    small,
    ofMixedOrder: ofMixedOrder(),
    lengths: [holds(key.slice(2), message, signature), holds(key, message, signature.slice(2))],
  }
}
