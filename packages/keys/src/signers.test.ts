// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ed25519PrivateKey, noteSignedBy, parseNote, parseVkey, signNote } from '@spanseal/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commandSigner } from './command-signer.ts'
import { createKeyFile } from './key-file.ts'
import { pemSigner } from './pem-signer.ts'

const LOG = 'example.com/agent'
const coded = (code: string): unknown => expect.objectContaining({ code })

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spanseal-signer-'))
  file = join(folder, 'tenant.pem')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('a signer with a key file', () => {
  it('signs notes that verify under the key that was printed', async () => {
    const { vkey } = createKeyFile(file, { name: LOG })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const note = await signNote('hello\n', pemSigner(file))
    expect(noteSignedBy(parseNote(note), parseVkey(vkey))).toBe(true)
    expect(() => createKeyFile(file, { name: LOG })).toThrow(coded('INVALID_OPTION'))
    expect(pemSigner(file).vkey).toBe(vkey)
  })

  it('needs the passphrase of an encrypted one', () => {
    const { vkey } = createKeyFile(file, { name: LOG, passphrase: 'correct horse' })
    expect(pemSigner(file, { passphrase: 'correct horse' }).vkey).toBe(vkey)
    expect(() => pemSigner(file)).toThrow(/SPANSEAL_KEY_PASSPHRASE/)
    expect(() => pemSigner(file, { passphrase: 'wrong' })).toThrow(coded('KEYRING_UNUSABLE'))
  })

  it('takes a plain PKCS#8 file when it is told the name, and no other name', () => {
    writeFileSync(file, Ed25519PrivateKey.generate().toPem(), { mode: 0o600 })
    expect(pemSigner(file, { name: LOG }).vkey).toContain(`${LOG}+`)
    expect(() => pemSigner(file)).toThrow(/does not name its key/)
    rmSync(file)
    createKeyFile(file, { name: LOG })
    expect(() => pemSigner(file, { name: 'example.com/other' })).toThrow(/is the key example.com/)
  })

  it('refuses files and folders to which others have rights', () => {
    createKeyFile(file, { name: LOG })
    for (const mode of [0o644, 0o640, 0o606]) {
      chmodSync(file, mode)
      expect(() => pemSigner(file)).toThrow(coded('KEYRING_UNSAFE'))
    }
    chmodSync(file, 0o600)
    for (const mode of [0o777, 0o770, 0o1777]) {
      chmodSync(folder, mode)
      expect(() => pemSigner(file)).toThrow(coded('KEYRING_UNSAFE'))
    }
    chmodSync(folder, 0o755)
    expect(pemSigner(file).vkey).toContain(LOG)
  })

  it('refuses links, pipes, folders, huge files and other keys, at once and by name', () => {
    createKeyFile(file, { name: LOG })
    const at = (name: string): string => join(folder, name)
    symlinkSync(file, at('link'))
    execFileSync('mkfifo', ['-m', '600', at('pipe')])
    mkdirSync(at('folder'), { mode: 0o700 })
    writeFileSync(at('huge'), '', { mode: 0o600 })
    truncateSync(at('huge'), 1024 ** 3)
    const pem = (type: string): string => `-----BEGIN ${type}-----\nAAAA\n-----END ${type}-----\n`
    writeFileSync(at('public'), pem('PUBLIC KEY'), { mode: 0o600 })
    writeFileSync(at('rsa'), pem('RSA PRIVATE KEY'), { mode: 0o600 })
    writeFileSync(at('empty'), '', { mode: 0o600 })
    writeFileSync(at('junk'), `name: ${LOG}\n${pem('PRIVATE KEY')}`, { mode: 0o600 })
    for (const name of ['link', 'pipe', 'folder', 'huge', 'public', 'rsa', 'empty', 'junk']) {
      expect(() => pemSigner(at(name))).toThrow(coded('KEYRING_UNUSABLE'))
    }
    expect(() => pemSigner(at('public'))).toThrow(/the private one is needed/)
    expect(() => pemSigner(at('missing'))).toThrow(coded('NOT_FOUND'))
    expect(() => pemSigner(at('no-folder/key'))).toThrow(coded('NOT_FOUND'))
  })
})

describe('a signer behind a command', () => {
  /** A program that signs with the key of `file`, or does something else. */
  const program = (body: string): string[] => [process.execPath, '-e', body]
  const read = `const b=[];process.stdin.on('data',(c)=>b.push(c)).on('end',()=>{const m=Buffer.concat(b);`
  const sign = `${read}const t=require('fs').readFileSync(process.argv[1],'utf8');const k=require('crypto').createPrivateKey(t.slice(t.indexOf('-----')));console.log(require('crypto').sign(null,m,k).toString('base64'))})`

  it('hands on what the command signed', async () => {
    const { vkey } = createKeyFile(file, { name: LOG })
    const signer = commandSigner({ argv: [...program(sign), file], vkey })
    const note = await signNote('hello\n', signer)
    expect(noteSignedBy(parseNote(note), parseVkey(vkey))).toBe(true)
  })

  it('hands on nothing else', async () => {
    const { vkey } = createKeyFile(file, { name: LOG })
    createKeyFile(join(folder, 'other'), { name: LOG })
    const wrong: readonly (readonly [string[], RegExp])[] = [
      [[...program(sign), join(folder, 'other')], /not by example.com/],
      [program(''), /64 bytes in base64/],
      [program(`console.log('A'.repeat(88))`), /64 bytes in base64/],
      [program(`setInterval(()=>console.log('x'.repeat(4096)),1)`), /over 1024 bytes/],
      [program(`setInterval(()=>{},1000)`), /took over/],
      [program(`console.error('no\\u001b[31m token\\nPIN 1234');process.exit(3)`), /status 3: no/],
      [[join(folder, 'none'), '--pin=1234'], /cannot be run \(ENOENT\)/],
      [['false; echo'], /cannot be run/],
    ]
    for (const [argv, why] of wrong) {
      const timeoutMillis = why.source === 'took over' ? 100 : 60_000
      const error = await Promise.resolve(
        commandSigner({ argv, vkey, timeoutMillis }).sign(Buffer.from('m')),
      ).catch((e: unknown) => e)
      expect(error).toMatchObject({
        code: 'SIGNER_FAILED',
        message: expect.stringMatching(why) as unknown,
      })
      expect(String((error as Error).message)).not.toMatch(/1234|\u001b/)
    }
  })

  it('refuses what can be no command, key or time-out', () => {
    const { vkey } = createKeyFile(file, { name: LOG })
    expect(() => commandSigner({ argv: [], vkey })).toThrow(coded('INVALID_OPTION'))
    expect(() => commandSigner({ argv: ['a\0b'], vkey })).toThrow(coded('INVALID_OPTION'))
    expect(() => commandSigner({ argv: ['a'], vkey: 'x' })).toThrow(coded('MALFORMED_KEY'))
    expect(() => commandSigner({ argv: ['a'], vkey, timeoutMillis: 0 })).toThrow(
      coded('INVALID_OPTION'),
    )
  })
})
