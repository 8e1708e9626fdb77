// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import {
  checkCertificateChain,
  commit,
  digestValue,
  Ed25519PrivateKey,
  epochId,
  formatCertificate,
  formatVkey,
  parseVkey,
  signNoteSync,
} from '@spanseal/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openKeyring } from './keyring.ts'

const LOG = 'example.com/agent'
const DAY_MILLIS = 86_400_000
const START = Date.UTC(2026, 0, 1)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spanseal-keys-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const journal = (): string => join(folder, 'audit')

function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Uses every kind of key once. */
function filled(): ReturnType<typeof openKeyring> {
  const keyring = openKeyring({ journal: journal(), log: LOG })
  keyring.personRef('alice@example.com')
  keyring.commitKeys()
  keyring.heads.save(epochOf(Ed25519PrivateKey.generate()), 'a note\n')
  void keyring.issuer
  return keyring
}

function epochOf(key: Ed25519PrivateKey): string {
  return epochId(key.publicKey, START)
}

test('the first opening makes a folder beside the journal that only its owner may enter', () => {
  const keyring = filled()
  expect(keyring.folder).toBe(`${journal()}.keys`)
  expect(statSync(keyring.folder).mode & 0o777).toBe(0o700)
  const files = filesBelow(keyring.folder)
  expect(files.length).toBeGreaterThanOrEqual(5)
  for (const file of files) expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['audit.keys'])
})

test.each([0o770, 0o701, 0o740])('a folder with mode %o is refused', (mode) => {
  filled()
  chmodSync(`${journal()}.keys`, mode)
  expect(() => openKeyring({ journal: journal(), log: LOG })).toThrow(
    expect.objectContaining({ code: 'KEYRING_UNSAFE' }),
  )
})

test('a key file that others may read is refused', () => {
  const keyring = filled()
  const pem = filesBelow(keyring.folder).find((file) => file.endsWith('.pem')) as string
  chmodSync(pem, 0o644)
  expect(() => openKeyring({ journal: journal(), log: LOG }).issuer).toThrow(
    expect.objectContaining({ code: 'KEYRING_UNSAFE', details: { file: pem } }),
  )
})

test.each(['audit/keys', 'audit', 'link/keys'])(
  'a keyring at %s, inside the journal, is refused',
  (where) => {
    mkdirSync(journal())
    symlinkSync(journal(), join(folder, 'link'))
    expect(() =>
      openKeyring({ folder: join(folder, where), journal: journal(), log: LOG }),
    ).toThrow(expect.objectContaining({ code: 'KEYRING_UNSAFE' }))
    expect(readdirSync(journal())).toEqual([])
  },
)

test('a keyring whose path is a file, or a file of which is a folder, is unusable', () => {
  writeFileSync(`${journal()}.keys`, '')
  expect(() => openKeyring({ journal: journal(), log: LOG })).toThrow(
    expect.objectContaining({ code: 'KEYRING_UNUSABLE' }),
  )
  mkdirSync(join(folder, 'other', 'example.com_agent', 'names'), { recursive: true, mode: 0o700 })
  chmodSync(join(folder, 'other'), 0o700)
  const keyring = openKeyring({ folder: join(folder, 'other'), log: LOG })
  expect(() => keyring.personRef('alice')).toThrow(
    expect.objectContaining({ code: 'KEYRING_UNUSABLE' }),
  )
})

test.skipIf(process.platform !== 'linux')(
  'a keyring where no folder can be made is unusable',
  () => {
    // Node's own recursive mkdir never comes back from there.
    expect(() => openKeyring({ journal: '/proc/audit/deep', log: LOG })).toThrow(
      expect.objectContaining({ code: 'KEYRING_UNUSABLE' }),
    )
  },
)

test('opening without a folder and a journal, or with a bad log name, is refused', () => {
  expect(() => openKeyring({ log: LOG })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION' }),
  )
  expect(() => openKeyring({ journal: journal(), log: '../up' })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION' }),
  )
})

test('a keyring in or around a folder of the agent’s tools is refused', () => {
  mkdirSync(join(folder, 'work', 'tools'), { recursive: true })
  const refuseInside = [join(folder, 'work', 'tools')]
  for (const where of ['work/tools/keys', 'work']) {
    expect(() => openKeyring({ folder: join(folder, where), log: LOG, refuseInside })).toThrow(
      expect.objectContaining({ code: 'KEYRING_UNSAFE' }),
    )
  }
  expect(openKeyring({ folder: join(folder, 'keys'), log: LOG, refuseInside }).log).toBe(LOG)
})

test('a command that only shows makes nothing, and still reads keys that are out of force', () => {
  const reading = { journal: journal(), log: LOG, create: false }
  const notFound = expect.objectContaining({ code: 'NOT_FOUND' }) as Error
  expect(() => openKeyring(reading)).toThrow(notFound)
  expect(readdirSync(folder)).toEqual([])
  const keyring = filled()
  const session = keyring.pseudonym('session', 's-1')
  const before = filesBelow(keyring.folder)
  const later = openKeyring({ ...reading, now: () => Date.now() + 100 * DAY_MILLIS })
  expect(later.pseudonyms('session', 's-1')).toEqual([session])
  expect(later.commitKeys().keys[0].kid).toBe(keyring.commitKeys().keys[0].kid)
  expect(later.personRef('alice@example.com')).toBe(keyring.personRef('alice@example.com'))
  expect(later.issuerVkeys().map(({ vkey }) => vkey)).toEqual([keyring.issuer.vkey])
  expect(() => later.issuer).toThrow(notFound)
  expect(() => later.personRef('bob')).toThrow(notFound)
  const other = openKeyring({ ...reading, log: 'example.com/other' })
  expect(other.issuerVkeys()).toEqual([])
  expect(other.pseudonyms('session', 's-1')).toEqual([])
  expect(other.heads.epochs()).toEqual([])
  expect(() => other.commitKeys()).toThrow(notFound)
  expect(filesBelow(keyring.folder)).toEqual(before)
  expect(readdirSync(keyring.folder)).toEqual(['example.com_agent'])
})

test('an id is found again under the pseudonyms of every period', () => {
  let now = START
  const keyring = openKeyring({ journal: journal(), log: LOG, now: () => now })
  const first = keyring.pseudonym('session', 's-1')
  now += 90 * DAY_MILLIS
  const second = keyring.pseudonym('session', 's-1')
  expect(keyring.pseudonyms('session', 's-1')).toEqual([second, first])
})

test('two openings hold the same keys', () => {
  const a = filled()
  const b = openKeyring({ journal: journal(), log: LOG })
  const place = {
    epoch: epochOf(Ed25519PrivateKey.generate()),
    seq: 1,
    pointer: '/invocation/input',
  }
  const digest = digestValue({ order: 'A-1', note: 'long enough for an equality tag to be made' })
  expect(commit(digest, place, a.commitKeys())).toEqual(commit(digest, place, b.commitKeys()))
  expect(commit(digest, place, a.commitKeys())).toHaveProperty('eq')
  expect(a.personRef('alice@example.com')).toBe(b.personRef('alice@example.com'))
  expect(a.pseudonym('session', 's-1')).toBe(b.pseudonym('session', 's-1'))
  expect(a.fingerprint('boom')).toBe(b.fingerprint('boom'))
  expect(a.shape('{a:string}')).toBe(b.shape('{a:string}'))
  expect(a.shape('boom')).not.toBe(a.fingerprint('boom'))
  expect(a.issuer.vkey).toBe(b.issuer.vkey)
})

test('logs of one keyring share no key', () => {
  const a = openKeyring({ journal: journal(), log: LOG })
  const b = openKeyring({ journal: journal(), log: 'example.com/other' })
  expect(a.commitKeys().keys[0].kid).not.toBe(b.commitKeys().keys[0].kid)
  expect(a.personRef('alice')).not.toBe(b.personRef('alice'))
  expect(a.issuer.vkey).not.toBe(b.issuer.vkey)
})

test('a period lasts 90 days, then commitments and pseudonyms take a new key', () => {
  let now = START
  const keyring = openKeyring({ journal: journal(), log: LOG, now: () => now })
  const { kid } = keyring.commitKeys().keys[0]
  const tag = keyring.fingerprint('boom')
  now += 90 * DAY_MILLIS - 1
  expect(keyring.commitKeys().keys[0].kid).toBe(kid)
  now += 1
  const next = keyring.commitKeys().keys[0].kid
  expect(next).not.toBe(kid)
  expect(keyring.fingerprint('boom')).not.toBe(tag)
  expect(keyring.pseudonym('session', 's')).toContain(`p1:${next}:`)
  expect(
    openKeyring({ journal: journal(), log: LOG, now: () => now }).commitKeys().keys[0].kid,
  ).toBe(next)
})

test('named data subjects have keys of their own, and no equality tag', () => {
  const keyring = openKeyring({ journal: journal(), log: LOG })
  const one = keyring.commitKeys(['alice'])
  const two = keyring.commitKeys(['alice', 'bob', 'alice'])
  expect(one.eq).toBeUndefined()
  expect(keyring.personRef('alice')).toBe(`p1:${one.keys[0].kid}`)
  expect(two.keys.map(({ kid }) => `p1:${kid}`)).toEqual(
    ['alice', 'bob'].map((id) => keyring.personRef(id)),
  )
})

test('ids of people stand in no file name', () => {
  const keyring = filled()
  for (const file of filesBelow(keyring.folder)) expect(file).not.toMatch(/alice/i)
})

test('a forgotten person has another key from then on, in other processes within a minute', () => {
  let now = START
  const keyring = openKeyring({ journal: journal(), log: LOG })
  const other = openKeyring({ journal: journal(), log: LOG, now: () => now })
  const before = other.personRef('alice')
  expect(keyring.personRef('alice')).toBe(before)
  const bob = keyring.personRef('bob')
  expect(`p1:${keyring.forget('alice')}`).toBe(before)
  expect(keyring.forget('alice')).toBeUndefined()
  now += 60_000
  const after = other.personRef('alice')
  expect(after).not.toBe(before)
  expect(keyring.personRef('alice')).toBe(after)
  expect(keyring.personRef('bob')).toBe(bob)
})

test('an issuer certifies epoch keys so that a pinned issuer key vouches for them', () => {
  const keyring = openKeyring({ journal: journal(), log: LOG })
  const { claim, vkey } = certified(keyring)
  const [issuer] = keyring.issuerVkeys()
  expect(issuer?.vkey).toBe(keyring.issuer.vkey)
  expect(checkCertificateChain(claim, [parseVkey(vkey)])).toMatchObject({
    pinned: true,
    valid: true,
  })
  expect(checkCertificateChain(claim, [])).toMatchObject({ pinned: false })
})

function certified(keyring: ReturnType<typeof openKeyring>) {
  const key = Ed25519PrivateKey.generate()
  const epoch = epochOf(key)
  const epochVkey = formatVkey(`${LOG}/${epoch}`, key.publicKey)
  const { issuer } = keyring
  const notBefore = new Date(START).toISOString()
  const notAfter = new Date(START + DAY_MILLIS).toISOString()
  const cert = issuer.certifyEpoch({ vkey: epochVkey, notBefore, notAfter })
  const certs = issuer.certificate === undefined ? [cert] : [cert, issuer.certificate]
  return { claim: { log: LOG, epoch, vkey: epochVkey, certs, at: notBefore }, vkey: issuer.vkey }
}

test('a tenant certificate beside the issuer key is taken up, one for another key is refused', () => {
  const first = openKeyring({ journal: journal(), log: LOG, now: () => START })
  const [issuer] = first.issuerVkeys().concat(first.issuer)
  const tenant = Ed25519PrivateKey.generate()
  const tenantVkey = formatVkey(LOG, tenant.publicKey)
  const sign = (vkey: string): string => {
    const { notBefore, notAfter } = issuer!
    const text = formatCertificate({ role: 'issuer', log: LOG, vkey, notBefore, notAfter })
    return signNoteSync(text, { vkey: tenantVkey, sign: (message) => tenant.sign(message) })
  }
  writeFileSync(issuer!.certificateFile, sign(issuer!.vkey), { mode: 0o600 })
  const second = openKeyring({ journal: journal(), log: LOG, now: () => START })
  const { claim } = certified(second)
  expect(claim.certs).toHaveLength(2)
  expect(checkCertificateChain(claim, [parseVkey(tenantVkey)])).toMatchObject({
    pinned: true,
    valid: true,
  })

  const foreign = formatVkey(`${LOG}/issuer-other`, Ed25519PrivateKey.generate().publicKey)
  writeFileSync(issuer!.certificateFile, sign(foreign))
  expect(() => openKeyring({ journal: journal(), log: LOG, now: () => START }).issuer).toThrow(
    expect.objectContaining({ code: 'KEYRING_UNUSABLE' }),
  )
})

test('after 90 days another issuer key certifies, and the old one stays listed', () => {
  let now = START
  const keyring = openKeyring({ journal: journal(), log: LOG, now: () => now })
  const { vkey } = keyring.issuer
  now += 90 * DAY_MILLIS
  expect(keyring.issuer.vkey).not.toBe(vkey)
  expect(keyring.issuerVkeys().map((key) => key.vkey)).toEqual([vkey, keyring.issuer.vkey])
})

test('heads keep the newest note of an epoch and what is settled', () => {
  const { heads } = openKeyring({ journal: journal(), log: LOG })
  const [a, b] = [epochOf(Ed25519PrivateKey.generate()), epochOf(Ed25519PrivateKey.generate())]
  expect(heads.epochs()).toEqual([])
  heads.save(a, 'first\n')
  heads.save(a, 'second\n')
  heads.settle([b])
  heads.settle([])
  heads.settle([a])
  expect(heads.epochs()).toEqual([a])
  expect(heads.read(a)).toBe('second\n')
  expect(heads.read(b)).toBeUndefined()
  expect(heads.settled()).toEqual(new Set([a, b]))
})

test('journals that share a keyring share its keys and not their heads', () => {
  const shared = join(folder, 'shared')
  const a = openKeyring({ folder: shared, journal: join(folder, 'a'), log: LOG })
  const b = openKeyring({ folder: shared, journal: join(folder, 'b'), log: LOG })
  const epoch = epochOf(Ed25519PrivateKey.generate())
  a.heads.save(epoch, 'a note\n')
  expect(b.heads.epochs()).toEqual([])
  expect(b.personRef('alice')).toBe(a.personRef('alice'))
  const again = openKeyring({ folder: shared, journal: join(folder, 'a'), log: LOG })
  expect(again.heads.read(epoch)).toBe('a note\n')
})

test('no secret shows in inspected values, JSON or errors', () => {
  const keyring = filled()
  const secrets = filesBelow(keyring.folder).flatMap((file) =>
    [
      ...readFileSync(file, 'utf8').matchAll(
        /"(?:key|eq)":"(\w{64})"|^(\w{64})$|^(M[\w+/]{40,}=*)$/gm,
      ),
    ].map(([, a, b, c]) => (a ?? b ?? c) as string),
  )
  expect(secrets).toHaveLength(5) // K, K_eq, one person, the names' key, the issuer
  const shown = [
    keyring,
    keyring.commitKeys(['alice@example.com']),
    keyring.commitKeys(),
    keyring.issuer,
  ]
  const errors = filesBelow(keyring.folder).map((file) => {
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.slice(0, -3))
    try {
      const broken = openKeyring({ journal: journal(), log: LOG })
      broken.personRef('alice@example.com')
      broken.commitKeys()
      return broken.issuer.vkey
    } catch (error) {
      return error
    } finally {
      writeFileSync(file, text)
    }
  })
  expect(errors.filter((error) => error instanceof Error).length).toBeGreaterThanOrEqual(4)
  const text =
    inspect([shown, errors], { depth: 20, showHidden: true }) + JSON.stringify([shown, errors])
  for (const secret of secrets) expect(text).not.toContain(secret.slice(0, 24))
})
