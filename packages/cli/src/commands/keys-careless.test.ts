// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aJournal, emptyFolder, LOG } from '../journal.fixture.ts'

const OTHER = 'example.com/other'

async function keys(...args: readonly string[]) {
  const { status, stderr, stdout } = await runCommand(['keys', ...args])
  return { status, stderr, stdout }
}

/** A tenant key and a journal whose issuer it has not certified. */
async function aHost() {
  const home = emptyFolder()
  const file = join(home, 'tenant.pem')
  const { stdout } = await keys('new', '--tenant', '--log', LOG, '--out', file)
  const journal = aJournal()
  const place = ['--journal', journal.folder]
  return { home, file, journal, place, vkey: stdout.trim() }
}

describe('spanseal keys, in careless hands', () => {
  it('takes no certificate of another tenant key in the place of one, unless it is named', async () => {
    const { file, home, place, vkey } = await aHost()
    const at = (name: string): string => join(home, name)
    writeFileSync(at('request'), (await keys('request', ...place)).stdout)
    const other = await keys('new', '--tenant', '--log', LOG, '--out', at('other.pem'))
    const certify = (key: string, out: string) =>
      keys('certify', '--request', at('request'), '--tenant-key', key, '--out', out)
    await certify(file, at('ours'))
    await certify(at('other.pem'), at('theirs'))
    expect((await keys('install', at('ours'), ...place)).status).toBe(0)
    const refused = await keys('install', at('theirs'), ...place)
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('--tenant-vkey')])
    expect((await keys('show', ...place)).stdout).toContain(vkey.split('+').slice(0, 2).join('+'))
    const named = ['--tenant-vkey', other.stdout.trim()]
    expect((await keys('install', at('theirs'), ...place, ...named)).status).toBe(0)
    const unsigned = await keys('install', at('request'), ...place)
    expect(unsigned.stderr).toContain('keys certify --request')
    const twice = await keys('certify', '--request', at('ours'), '--tenant-key', file)
    expect(twice.stderr).toContain('`spanseal keys request` prints')
  })

  it('signs no revocation that would stay without effect', async () => {
    const { file, home, journal, place, vkey } = await aHost()
    const out = join(home, 'revocation')
    const revoke = (key: string, ...more: readonly string[]) =>
      keys('revoke', '--vkey', key, '--tenant-log-size', '0', '--tenant-key', file, ...more)
    const typo = await revoke(journal.vkey, '--journal', join(home, 'typo'), '--out', out)
    expect([typo.status, typo.stderr]).toEqual([2, expect.stringContaining('NOT_FOUND')])
    const foreign = await revoke(journal.vkey.replace(/issuer-./, 'issuer-z'), ...place)
    expect(foreign.status).toBe(2)
    const tenant = await revoke(vkey, '--out', out)
    expect(tenant.stderr).toContain('no tenant key can be revoked')
    expect(readdirSync(home)).not.toContain('revocation')
    expect((await revoke(journal.vkey, ...place, '--out', out)).status).toBe(0)
  })

  it('says that a rotated key is there when its certificate could not be had', async () => {
    const { file, place, vkey } = await aHost()
    const signer = ['--tenant-command', 'false', '--tenant-vkey', vkey]
    const { status, stderr } = await keys('rotate', ...place, ...signer)
    expect([status, stderr]).toEqual([2, expect.stringContaining('SIGNER_FAILED')])
    expect(stderr).toContain('is made and not certified')
    const certified = await keys('certify', ...place, '--tenant-key', file)
    expect(certified.status).toBe(0)
    expect(stderr).toContain(certified.stdout.split('\n')[0]?.replace('certified: ', ''))
  })

  it('refuses wrong files as the tenant key, names the reason, and makes nothing', async () => {
    const { file, home, journal, place } = await aHost()
    const at = (name: string): string => join(home, name)
    symlinkSync(file, at('link'))
    execFileSync('mkfifo', ['-m', '600', at('pipe')])
    writeFileSync(at('huge'), '', { mode: 0o600 })
    truncateSync(at('huge'), 1024 ** 3)
    writeFileSync(at('vkey'), `${journal.vkey}\n`, { mode: 0o600 })
    writeFileSync(at('public'), '-----BEGIN PUBLIC KEY-----\n', { mode: 0o600 })
    writeFileSync(at('loose'), readFileSync(file), { mode: 0o644 })
    await keys('new', '--tenant', '--log', OTHER, '--out', at('other'))
    const refusals = [
      ['link', 'KEYRING_UNUSABLE', 'symbolic link'],
      ['pipe', 'KEYRING_UNUSABLE', 'not a keyring file'],
      ['huge', 'KEYRING_UNUSABLE', 'not a keyring file'],
      ['vkey', 'KEYRING_UNUSABLE', 'is no key file'],
      ['public', 'KEYRING_UNUSABLE', 'the private one is needed'],
      ['loose', 'KEYRING_UNSAFE', 'chmod go='],
      ['other', 'INVALID_OPTION', OTHER],
      ['missing', 'NOT_FOUND', 'does not exist'],
      ['none/missing', 'NOT_FOUND', 'the folder'],
    ] as const
    const before = readdirSync(journal.keyring.folder, { recursive: true })
    for (const [name, code, why] of refusals) {
      for (const verb of ['certify', 'rotate']) {
        const { status, stderr } = await keys(verb, ...place, '--tenant-key', at(name))
        expect(status).toBe(2)
        expect(stderr).toContain(`${code}: `)
        expect(stderr).toContain(why)
      }
    }
    expect(readdirSync(journal.keyring.folder, { recursive: true })).toEqual(before)
  })

  it('refuses a folder that others can write to', async () => {
    const { file, home, place } = await aHost()
    chmodSync(home, 0o777)
    const { stderr } = await keys('certify', ...place, '--tenant-key', file)
    expect(stderr).toContain('KEYRING_UNSAFE')
    const made = await keys('new', '--tenant', '--log', LOG, '--out', join(home, 'again.pem'))
    expect(made.stderr).toContain('KEYRING_UNSAFE')
    expect(readdirSync(home)).toEqual(['tenant.pem'])
  })

  it('never writes over a key, and takes no private key for what is public', async () => {
    const { file, place } = await aHost()
    const before = readFileSync(file, 'utf8')
    const again = await keys('new', '--tenant', '--log', LOG, '--out', file)
    expect(again).toMatchObject({ status: 2, stdout: '' })
    expect(readFileSync(file, 'utf8')).toBe(before)
    const asRequest = await keys('certify', '--request', file, '--tenant-key', file)
    expect(asRequest.stderr).toContain('is a private key')
    expect((await keys('install', file, ...place)).stderr).toContain('is a private key')
    const twice = await keys('new', '--issuer', '--log', LOG, ...place)
    expect(twice.stderr).toContain('keys rotate')
  })

  it('says what is missing', async () => {
    const { file, place } = await aHost()
    const asked: readonly (readonly [readonly string[], string])[] = [
      [['new', '--tenant', '--issuer', '--log', LOG], 'name one'],
      [['new', '--tenant', '--out', file], '--log'],
      [['new', '--tenant', '--log', LOG], '--out'],
      [['new', '--tenant', '--log', LOG, '--out', file, '--days', '9'], '--days'],
      [['certify', ...place], '--tenant-key'],
      [['certify', ...place, '--tenant-command', 'sign'], '--tenant-vkey'],
      [['certify', '--tenant-key', file], '--journal'],
      [['revoke', '--vkey', 'x', '--tenant-log-size', '-1', '--tenant-key', file], 'whole number'],
      [['revoke', '--vkey', 'x', '--tenant-log-size', '0', '--tenant-key', file], 'MALFORMED_KEY'],
    ]
    for (const [args, why] of asked) {
      const { status, stderr } = await keys(...args)
      expect(status).toBe(2)
      expect(stderr).toContain(why)
    }
  })

  it('prints no byte of a key, with --json or without', async () => {
    const { file, place } = await aHost()
    const secret = readFileSync(file, 'utf8').split('\n')[2]!.slice(22)
    const said = [
      await keys('show', file, '--json'),
      await keys('show', file),
      await keys('certify', ...place, '--tenant-key', file, '--json'),
      await keys('rotate', ...place, '--tenant-key', file, '--json'),
      await keys('show', ...place, '--json'),
      await keys('request', ...place),
    ]
    for (const { status, stderr, stdout } of said) {
      expect(status).toBe(0)
      expect(stdout + stderr).not.toContain(secret)
    }
  })

  it('lets a command sign for the tenant, and refuses one that signs with another key', async () => {
    const { file, home, place, vkey } = await aHost()
    const script = join(home, 'sign.cjs')
    writeFileSync(
      script,
      `const { createPrivateKey, sign } = require('node:crypto')
const { readFileSync } = require('node:fs')
const text = readFileSync(process.argv[2], 'utf8')
const key = createPrivateKey(text.slice(text.indexOf('-----')))
console.log(sign(null, readFileSync(0), key).toString('base64'))
`,
    )
    const by = (key: string): string[] => [
      ...['--tenant-command', `${process.execPath} ${script} ${key}`],
      ...['--tenant-vkey', vkey],
    ]
    expect(await keys('certify', ...place, ...by(file))).toMatchObject({ status: 0, stderr: '' })
    const other = join(home, 'other.pem')
    await keys('new', '--tenant', '--log', LOG, '--out', other)
    const { status, stderr } = await keys('certify', ...place, ...by(other))
    expect(status).toBe(2)
    expect(stderr).toContain('SIGNER_FAILED')
  })
})
