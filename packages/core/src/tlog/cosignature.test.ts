// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatCheckpoint } from '../checkpoint.ts'
import { Ed25519PrivateKey } from '../ed25519.ts'
import { codeOf } from '../error-code.fixture.ts'
import type { Note } from '../note.ts'
import { formatVkey, parseNote, signNoteSync } from '../note.ts'
import { aNamedKey } from '../signed-chain.fixture.ts'
import type { WitnessKey } from './cosignature.ts'
import {
  cosignatureBlob,
  cosignaturesOf,
  cosignedMessage,
  formatWitnessKey,
  parseWitnessKey,
} from './cosignature.ts'

const TIME = 1_795_300_000
const log = aNamedKey('example.com/log', 1)
const text = formatCheckpoint({ origin: 'example.com/log', size: 7, root: 'ab'.repeat(32) })
const signed = signNoteSync(text, log)

interface Witness {
  readonly key: Ed25519PrivateKey
  readonly known: WitnessKey
}

function aWitness(n: number, name = `witness-${n}.example/w`): Witness {
  const key = Ed25519PrivateKey.fromSeed(Buffer.alloc(32, n))
  return { key, known: parseWitnessKey(formatWitnessKey(name, key.publicKey)) }
}

/** A cosignature line; what is signed may differ from what is said. */
function line({ key, known }: Witness, time = TIME, over = cosignedMessage(text, time)): string {
  const blob = cosignatureBlob(known, time, key.sign(over)).toString('base64')
  return `— ${known.name} ${blob}\n`
}

function noteWith(...lines: readonly string[]): Note {
  return parseNote(signed + lines.join(''))
}

describe('a witness’s key', () => {
  it('is read back from its one form', () => {
    const { known } = aWitness(3)
    const vkey = formatWitnessKey(known.name, known.publicKey)
    expect(parseWitnessKey(vkey)).toEqual(known)
    // The key id of C2SP tlog-cosignature: SHA-256(name ‖ LF ‖ 0x04 ‖ key), first four bytes.
    expect(vkey).toMatch(/^witness-3\.example\/w\+[0-9a-f]{8}\+B[A-Za-z0-9+/]{43}$/)
  })

  it('is refused in every other form', () => {
    const { known } = aWitness(3)
    const vkey = formatWitnessKey(known.name, known.publicKey)
    const wrong = [
      '',
      'name',
      vkey.slice(0, -1),
      `${vkey}=`,
      `${vkey}\n`,
      ` ${vkey}`,
      vkey.replace('+', '+0'),
      vkey.replace(/\+[0-9a-f]{8}\+/, '+00000000+'),
      vkey.replace('witness', 'Witness'),
      formatVkey(known.name, known.publicKey),
      formatWitnessKey('a b', known.publicKey),
      formatWitnessKey('', known.publicKey),
      formatWitnessKey('a'.repeat(400), known.publicKey),
      formatWitnessKey('a', known.publicKey.subarray(1)),
      '+'.repeat(1_000_000),
    ]
    for (const one of wrong) expect(codeOf(() => parseWitnessKey(one))).toBe('MALFORMED_KEY')
  })

  it('is refused with a code, whatever the text is like', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (garbage) => {
        expect(codeOf(() => parseWitnessKey(garbage))).toBe('MALFORMED_KEY')
      }),
    )
  })
})

describe('cosignaturesOf', () => {
  const [one, two, three] = [aWitness(1), aWitness(2), aWitness(3)]
  const known = [one.known, two.known]

  it('counts the witnesses that signed this head, with their times', () => {
    const note = noteWith(line(one), line(three), line(two, TIME + 5))
    expect(cosignaturesOf(note, known)).toEqual([
      { witness: one.known, time: TIME },
      { witness: two.known, time: TIME + 5 },
    ])
    expect(cosignaturesOf(noteWith(), known)).toEqual([])
    expect(cosignaturesOf(note, [])).toEqual([])
  })

  it('counts a witness once, by its public key, with its latest time', () => {
    const twin = aWitness(1, 'twin.example')
    const note = noteWith(line(one), line(one, TIME + 9), line(one, TIME + 3), line(twin, TIME + 4))
    const found = cosignaturesOf(note, [one.known, twin.known])
    expect(found).toEqual([{ witness: one.known, time: TIME + 9 }])
  })

  it('ignores lines that are wrong, and takes the right one beside them', () => {
    const other = cosignedMessage(text.replace('\n7\n', '\n8\n'), TIME)
    const blob = cosignatureBlob(one.known, TIME, one.key.sign(cosignedMessage(text, TIME)))
    const flipped = Buffer.from(blob)
    flipped[20] = (flipped[20] as number) ^ 1
    const wrong = [
      line(one, TIME, other),
      line(one, TIME, cosignedMessage(text, TIME + 1)),
      line(one, TIME, Buffer.from(text)),
      line({ key: two.key, known: one.known }),
      line(one, 0),
      `— ${one.known.name} ${flipped.toString('base64')}\n`,
      `— ${one.known.name} ${blob.subarray(0, -1).toString('base64')}\n`,
      `— ${one.known.name} ${Buffer.concat([blob, Buffer.of(0)]).toString('base64')}\n`,
      `— ${two.known.name} ${blob.toString('base64')}\n`,
    ]
    expect(cosignaturesOf(noteWith(...wrong), known)).toEqual([])
    expect(cosignaturesOf(noteWith(...wrong, line(one)), known)).toHaveLength(1)
  })

  it('takes no time that is no safe integer', () => {
    const blob = Buffer.alloc(4 + 8 + 64, 0xff)
    blob.write(one.known.keyId, 'hex')
    const note = noteWith(`— ${one.known.name} ${blob.toString('base64')}\n`)
    expect(cosignaturesOf(note, known)).toEqual([])
  })

  it('never takes a signature of the log, or of a note, for a cosignature', () => {
    const key = aNamedKey(one.known.name, 1)
    const asNote = parseNote(signNoteSync(text, key))
    expect(cosignaturesOf(asNote, known)).toEqual([])
  })
})
