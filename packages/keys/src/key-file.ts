// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createPrivateKey } from 'node:crypto'
import { lstatSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { AuditError, Ed25519PrivateKey, formatVkey, isLogName } from '@spanseal/core'
import { createSecret, randomHex, readSecret, unusable } from './secret-file.ts'

/** A private key, its name and its time: what one file holds. */
export interface KeyFile {
  /** `<log>`, `<log>/issuer-<id>` or `<log>/retention-<id>`. */
  readonly name: string
  readonly vkey: string
  /** `YYYY-MM-DDTHH:mm:ss.sssZ`; a tenant key has no end of its own. */
  readonly notBefore?: string
  /** `YYYY-MM-DDTHH:mm:ss.sssZ`. */
  readonly notAfter?: string
  /** Whether a passphrase was needed. */
  readonly encrypted: boolean
  readonly key: Ed25519PrivateKey
}

export interface KeyFileOptions {
  /** The key's name, for a file without a `name:` line; where both are given they must agree. */
  readonly name?: string
  /** For encrypted PKCS#8. */
  readonly passphrase?: string
}

/** The key to write into a new file. */
export interface NewKey {
  readonly name: string
  readonly notBefore?: string
  readonly notAfter?: string
  /** Encrypts the file (PBES2, AES-256-CBC). Default: not encrypted. */
  readonly passphrase?: string
}

/** RFC 7468 allows explanatory text before the block; ours is these lines, in this order. */
const KEY_FILE =
  /^(?:name: (\S{1,256})\n)?(?:not-before: (\S{24})\n)?(?:not-after: (\S{24})\n)?(-----BEGIN (ENCRYPTED )?PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{1,8192}-----END (?:ENCRYPTED )?PRIVATE KEY-----\n?)$/
const KEY_NAME = /^(.+?)(?:\/(?:issuer|retention)-[a-z0-9]{1,32})?$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const OTHERS_MAY_WRITE = 0o022

/** A name for a new retention key of a log. */
export function newRetentionName(log: string): string {
  return `${log}/retention-${randomHex(8)}`
}

/** The text of a key file with a new key. */
export function newKeyText({ name, notBefore, notAfter, passphrase }: NewKey): string {
  const plain = Ed25519PrivateKey.generate().toPem()
  const pem = passphrase === undefined ? plain : encrypted(plain, passphrase)
  const from = notBefore === undefined ? '' : `not-before: ${notBefore}\n`
  const until = notAfter === undefined ? '' : `not-after: ${notAfter}\n`
  return `name: ${name}\n${from}${until}${pem}`
}

/**
 * Makes a file with a new key, mode 0600, whole or not at all.
 *
 * @throws AuditError `INVALID_OPTION` when something is there already
 * @throws AuditError `KEYRING_UNUSABLE`, `KEYRING_UNSAFE` as {@link readKeyFile}
 */
export function createKeyFile(path: string, key: NewKey): KeyFile {
  assertSafeFolder(path)
  if (!createSecret(path, newKeyText(key))) {
    throw new AuditError(
      'INVALID_OPTION',
      `${path} exists; a key is never written over, name another file`,
      { details: { file: path } },
    )
  }
  const { passphrase } = key
  return readKeyFile(path, passphrase === undefined ? {} : { passphrase })
}

/**
 * Reads a private key from a file of its owner's alone.
 *
 * @throws AuditError `KEYRING_UNSAFE` when group or others have any right to the file, or may write
 * to its folder
 * @throws AuditError `NOT_FOUND` when it is missing
 * @throws AuditError `KEYRING_UNUSABLE` when it is a symbolic link, no regular file, over 64 KiB, no
 * key file, encrypted and the passphrase missing or wrong, or the name is missing or another
 */
export function readKeyFile(path: string, options: KeyFileOptions = {}): KeyFile {
  assertSafeFolder(path)
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    throw refused(path, 'is a symbolic link; name the file itself')
  }
  const text = readSecret(path)
  if (text === undefined) {
    throw new AuditError('NOT_FOUND', `key file: ${path} does not exist`, {
      details: { file: path },
    })
  }
  return parseKeyFile(text, { ...options, file: path })
}

/**
 * Reads the text of a key file; no error holds any of it.
 *
 * @throws AuditError `KEYRING_UNUSABLE`
 */
export function parseKeyFile(
  text: string,
  options: KeyFileOptions & { readonly file: string },
): KeyFile {
  const { file, passphrase } = options
  const [, held, notBefore, notAfter, pem = '', cipher] = KEY_FILE.exec(text) ?? []
  if (pem === '') throw refused(file, whatItIs(text))
  const name = held ?? options.name
  if (name === undefined) throw refused(file, 'does not name its key; begin it with "name: <log>"')
  if (options.name !== undefined && name !== options.name) {
    throw refused(file, `is the key ${printableName(name)}, not ${options.name}`)
  }
  if (!isLogName(KEY_NAME.exec(name)?.[1] ?? '')) throw refused(file, 'has no usable name')
  for (const time of [notBefore, notAfter]) {
    if (time !== undefined && !isTime(time)) throw refused(file, 'has a time that is none')
  }
  if (cipher !== undefined && passphrase === undefined) {
    throw refused(file, 'is encrypted; give the passphrase in SPANSEAL_KEY_PASSPHRASE')
  }
  const key = privateKey(pem, cipher === undefined ? undefined : passphrase, file)
  return {
    name,
    vkey: formatVkey(name, key.publicKey),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(notAfter === undefined ? {} : { notAfter }),
    encrypted: cipher !== undefined,
    key,
  }
}

// Without `cause`: nothing that came near the key is handed on.
function privateKey(pem: string, passphrase: string | undefined, file: string): Ed25519PrivateKey {
  try {
    if (passphrase === undefined) return Ed25519PrivateKey.fromPem(pem)
    const key = createPrivateKey({ key: pem, format: 'pem', passphrase })
    return Ed25519PrivateKey.fromPem(key.export({ format: 'pem', type: 'pkcs8' }).toString())
  } catch {
    const why = passphrase === undefined ? '' : ', or the passphrase is wrong'
    throw refused(file, `holds no Ed25519 private key${why}`)
  }
}

function encrypted(pem: string, passphrase: string): string {
  if (passphrase === '') {
    throw new AuditError('INVALID_OPTION', 'the passphrase is empty; unset it, or give one')
  }
  const key = createPrivateKey(pem)
  const cipher = { cipher: 'aes-256-cbc', passphrase }
  return key.export({ format: 'pem', type: 'pkcs8', ...cipher }).toString()
}

function isTime(text: string): boolean {
  const millis = TIME.test(text) ? Date.parse(text) : Number.NaN
  return !Number.isNaN(millis) && new Date(millis).toISOString() === text
}

/** Only what is public by its form is said of a wrong file. */
function whatItIs(text: string): string {
  if (text.includes('-----BEGIN PUBLIC KEY-----')) {
    return 'is a public key; the private one is needed to sign'
  }
  if (/-----BEGIN (RSA|EC|DSA|OPENSSH) PRIVATE KEY-----/.test(text)) {
    return 'is no PKCS#8 key; convert it, or make one with `spanseal keys new`'
  }
  if (text.startsWith('spanseal/')) return 'is a certificate or a revocation, not a key'
  return 'is no key file: PKCS#8 in PEM behind the line "name: <log>" is expected'
}

function printableName(name: string): string {
  return isLogName(KEY_NAME.exec(name)?.[1] ?? '') ? name : 'of an unusable name'
}

function refused(file: string, why: string): AuditError {
  return new AuditError('KEYRING_UNUSABLE', `key file: ${file} ${why}`, { details: { file } })
}

/** Who may write to the folder may put another file in this one's place. */
function assertSafeFolder(path: string): void {
  if (process.platform === 'win32') return
  let folder = dirname(path)
  let stat: ReturnType<typeof statSync>
  try {
    folder = realpathSync(folder)
    stat = statSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new AuditError('NOT_FOUND', `key file: the folder ${folder} does not exist; make it`, {
        details: { file: path },
      })
    }
    throw unusable(folder, error)
  }
  const owner = process.geteuid?.() ?? 0
  const foreign = stat.uid !== 0 && stat.uid !== owner
  if ((stat.mode & OTHERS_MAY_WRITE) === 0 && !foreign) return
  const way = foreign ? 'belongs to another user' : 'can be written to by others than its owner'
  throw new AuditError(
    'KEYRING_UNSAFE',
    `key file: the folder ${folder} ${way}: keep keys in a folder of yours with mode 700`,
    { details: { file: path } },
  )
}
