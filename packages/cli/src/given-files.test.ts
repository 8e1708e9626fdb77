// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ed25519PrivateKey, formatVkey, signNoteSync } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import {
  certificatesGiven,
  headFileGiven,
  headsGiven,
  keysGiven,
  revocationsGiven,
} from './given-files.ts'
import { emptyFolder } from './journal.fixture.ts'

const key = Ed25519PrivateKey.generate()
const VKEY = formatVkey('example.com/support/issuer-1', key.publicKey)

function aNote(size: number): string {
  const signer = { vkey: VKEY, sign: (message: Uint8Array) => key.sign(message) }
  return signNoteSync(`example.com/support/x\n${size}\n${'A'.repeat(43)}=\n`, signer)
}

function aFile(content: string): string {
  const file = join(emptyFolder(), 'given')
  writeFileSync(file, content)
  return file
}

describe('keysGiven', () => {
  it('takes a key, and a file with one a line', () => {
    expect(keysGiven([VKEY]).map((k) => k.name)).toEqual(['example.com/support/issuer-1'])
    expect(keysGiven([aFile(`# of the host a\n${VKEY}\n\n${VKEY}\r\n`)])).toHaveLength(2)
  })

  it('refuses a key that is damaged, naming it', () => {
    const damaged = VKEY.replace(/\+[0-9a-f]{8}\+/, '+00000000+')
    expect(() => keysGiven([damaged])).toThrow(expect.objectContaining({ code: 'MALFORMED_KEY' }))
  })

  it('refuses what is neither a key nor a file, an empty file, a folder and a pipe', () => {
    const folder = emptyFolder()
    mkdirSync(join(folder, 'sub'))
    execFileSync('mkfifo', [join(folder, 'pipe')])
    const cases = [
      [join(folder, 'nothing'), 'NOT_FOUND'],
      [aFile('# nobody\n'), 'MALFORMED_KEY'],
      [join(folder, 'sub'), 'INVALID_OPTION'],
      [join(folder, 'pipe'), 'INVALID_OPTION'],
      [aFile('x'.repeat(2_000_000)), 'INVALID_OPTION'],
    ] as const
    for (const [file, code] of cases) {
      expect(() => keysGiven([file])).toThrow(expect.objectContaining({ code }))
    }
  })
})

describe('what is refused', () => {
  it('is named with its option and line, and never shown: it may be a secret', () => {
    const secret = 'MC4CAQAwBQYDK2VwBCIEIHNlY3JldHNlY3JldHNlY3JldHNlY3JldHNlY3Jl'
    const pem = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`
    for (const content of [pem, `# ours\n${secret}\n`, `${VKEY}\n{"bundle": "${secret}"}\n`]) {
      const file = aFile(content)
      let message = ''
      try {
        keysGiven([file], '--issuer-key')
      } catch (error) {
        message = (error as Error).message
      }
      expect(message).toContain(`--issuer-key: ${file}`)
      expect(message).not.toContain(secret)
    }
    expect(() => keysGiven([aFile(pem)])).toThrow('spanseal keys show')
    expect(() => keysGiven([aFile(`${VKEY}\nnone\n`)])).toThrow('no verifier key in line 2')
  })

  it('says what else it could have been, by option', () => {
    expect(() => headsGiven(['/nowhere'])).toThrow('neither a head line')
    expect(() => headFileGiven('/nowhere')).toThrow('--since: /nowhere does not exist')
    expect(() => headFileGiven(aFile(VKEY))).toThrow('--since: ')
    expect(() => certificatesGiven([aFile(VKEY)])).toThrow(
      expect.objectContaining({ code: 'MALFORMED_CERTIFICATE' }),
    )
  })
})

describe('headsGiven', () => {
  it('takes one note, several behind each other, and the journal’s own file of them', () => {
    const [one, two] = [aNote(1), aNote(2)]
    const framed = [one, two].map((note) => `${Buffer.byteLength(note)}\n${note}`).join('')
    expect(headsGiven([aFile(one)])).toEqual([one])
    expect(headsGiven([aFile(`${one}\n${two}`)])).toEqual([one, two])
    expect(headsGiven([aFile(one + two)])).toEqual([one, two])
    expect(headsGiven([aFile(framed)])).toEqual([one, two])
  })

  it('refuses a file in which something stands behind the notes, instead of passing it over', () => {
    const note = aNote(1)
    for (const rest of ['example.com/log 5 AAAA\n', aNote(2).replace('— ', '-- ')]) {
      const given = [aFile(`${note}\n${rest}`)]
      for (const read of [headsGiven, revocationsGiven]) {
        expect(() => read(given)).toThrow(expect.objectContaining({ code: 'MALFORMED_NOTE' }))
      }
    }
  })

  it('refuses a file without a note', () => {
    for (const content of ['', 'no note\n', '{}', 'a\n'.repeat(500_000)]) {
      expect(() => headsGiven([aFile(content)])).toThrow(
        expect.objectContaining({ code: 'MALFORMED_NOTE' }),
      )
    }
  })
})
