// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { runCommand } from '../services/run-command.ts'

/** A time-stamping authority made and run by `openssl`, with keys that live as long as the test. */

export interface AuthoritySettings {
  /** Of the signing key. Default: `P-256`, quickest to make. */
  readonly key?: 'rsa:2048' | 'P-256' | 'P-384' | 'P-521'
  /** Hash of the certificate's id in the token: SHA-1 means the older attribute. Default: sha256. */
  readonly essHash?: 'sha1' | 'sha256' | 'sha512'
  /** Of the signature. Default: sha256. */
  readonly signerHash?: 'sha1' | 'sha256' | 'sha384' | 'sha512'
  /** Of the signing certificate. Default: critical, time-stamping alone. */
  readonly extendedKeyUsage?: string
  /** Of the signing certificate. Default: `critical,digitalSignature`. */
  readonly keyUsage?: string
  /** The certificate's time as openssl's -not_before and -not_after take it. Default: now, 30 days. */
  readonly validity?: readonly string[]
  /** Whether an authority between root and signer is there. Default: no. */
  readonly intermediate?: boolean
  /** Lines of the [tsa] section. Default: an accuracy of 1.5 s. */
  readonly accuracy?: string
}

const CA_EXTENSIONS = `basicConstraints=critical,CA:true
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
`

export class OpensslAuthority {
  readonly folder: string
  /** PEM of the root, which is what verifiers trust. */
  root = ''
  readonly #settings: AuthoritySettings

  private constructor(folder: string, settings: AuthoritySettings) {
    this.folder = folder
    this.#settings = settings
  }

  /** @param name of the root: authorities with one name and different keys are different */
  static async make(settings: AuthoritySettings = {}, name = 'Root'): Promise<OpensslAuthority> {
    const folder = mkdtempSync(join(tmpdir(), 'spanseal-tsa-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const authority = new OpensslAuthority(folder, settings)
    await authority.#makeKeys(name)
    return authority
  }

  /** Signed by the root, or by the authority between. */
  get signerPem(): string {
    return this.#read('tsa.pem').toString()
  }

  #read(file: string): Buffer {
    return readFileSync(join(this.folder, file))
  }

  #write(file: string, content: string | Uint8Array): void {
    writeFileSync(join(this.folder, file), content)
  }

  async openssl(...args: readonly string[]): Promise<string> {
    const options = { cwd: this.folder, timeoutMillis: 60_000 }
    return (await runCommand('openssl', args, options)).stdout
  }

  async #makeKeys(name: string): Promise<void> {
    const { intermediate = false, validity = ['-days', '30'] } = this.#settings
    this.#write('ca.ext', CA_EXTENSIONS)
    await this.#makeRequest('root', `/O=Example/CN=${name}`)
    await this.openssl(
      ...['x509', '-req', '-in', 'root.csr', '-signkey', 'root.key', '-out', 'root.pem'],
      ...['-days', '60', '-extfile', 'ca.ext'],
    )
    if (intermediate) await this.#issue('between', { by: 'root', extensions: 'ca.ext' })
    const { extendedKeyUsage = 'critical,timeStamping' } = this.#settings
    const { keyUsage = 'critical,digitalSignature' } = this.#settings
    this.#write('tsa.ext', `extendedKeyUsage=${extendedKeyUsage}\nkeyUsage=${keyUsage}\n`)
    const by = intermediate ? 'between' : 'root'
    await this.#issue('tsa', { by, extensions: 'tsa.ext', validity })
    this.#write('chain.pem', intermediate ? this.#read('between.pem') : '')
    this.#write('tsa.cnf', this.#configuration())
    this.#write('serial', '01')
    this.root = this.#read('root.pem').toString()
  }

  async #makeRequest(file: string, subject: string): Promise<void> {
    const { key = 'P-256' } = this.#settings
    const kind = key.startsWith('P-') ? ['ec', '-pkeyopt', `ec_paramgen_curve:${key}`] : [key]
    await this.openssl(
      ...['req', '-new', '-newkey', ...kind, '-nodes', '-keyout', `${file}.key`],
      ...['-subj', subject, '-out', `${file}.csr`],
    )
  }

  async #issue(
    file: string,
    how: {
      readonly by: string
      readonly extensions: string
      readonly validity?: readonly string[]
    },
  ): Promise<void> {
    await this.#makeRequest(file, `/O=Example/CN=${file}`)
    const { by, extensions, validity = ['-days', '30'] } = how
    await this.openssl(
      ...['x509', '-req', '-in', `${file}.csr`, '-CA', `${by}.pem`, '-CAkey', `${by}.key`],
      ...['-CAcreateserial', '-out', `${file}.pem`, '-extfile', extensions, ...validity],
    )
  }

  #configuration(): string {
    const { accuracy = 'accuracy = secs:1, millisecs:500', essHash = 'sha256' } = this.#settings
    return `[default]
[tsa]
default_tsa = here
[here]
dir = .
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
${this.#settings.intermediate ? 'certs = chain.pem' : ''}
signer_key = tsa.key
signer_digest = ${this.#settings.signerHash ?? 'sha256'}
default_policy = 1.2.3.4.1
digests = sha256, sha512
${accuracy}
clock_precision_digits = 3
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = ${essHash}
`
  }

  /** The answer to a DER TimeStampReq. */
  async reply(query: Uint8Array): Promise<Buffer> {
    this.#write('query.tsq', query)
    const files = ['-queryfile', 'query.tsq', '-out', 'reply.tsr']
    await this.openssl('ts', '-reply', '-config', 'tsa.cnf', '-section', 'here', ...files)
    return this.#read('reply.tsr')
  }

  /** Asks through `openssl ts -query` and answers; the token is over the digest of the text. */
  async stamp(text: string | Uint8Array, ...flags: readonly string[]): Promise<Buffer> {
    this.#write('data', text)
    const query = ['-data', 'data', '-sha256', '-cert', '-out', 'own.tsq', ...flags]
    await this.openssl('ts', '-query', ...query)
    return this.reply(this.#read('own.tsq'))
  }

  /**
   * The answer that this authority's `openssl ts` would not give: its key, whatever certificate it
   * has, signs the contents of another one's token.
   */
  async signContentsOf(token: Uint8Array, ...flags: readonly string[]): Promise<Buffer> {
    this.#write('other.tsr', token)
    await this.openssl('ts', '-reply', '-in', 'other.tsr', '-token_out', '-out', 'other.der')
    const content = ['-in', 'other.der', '-inform', 'DER', '-out', 'info.der']
    await this.openssl('cms', '-verify', '-noverify', '-nosigs', '-binary', ...content)
    await this.openssl(
      ...['cms', '-sign', '-binary', '-nodetach', '-nosmimecap', '-cades', '-md', 'sha256'],
      ...['-in', 'info.der', '-econtent_type', '1.2.840.113549.1.9.16.1.4', '-signer', 'tsa.pem'],
      ...['-inkey', 'tsa.key', ...flags, '-outform', 'DER', '-out', 'own.der'],
    )
    const signed = this.#read('own.der')
    const granted = Buffer.from('3003020100', 'hex')
    const length = Buffer.alloc(2)
    length.writeUInt16BE(granted.length + signed.length)
    return Buffer.concat([Buffer.from([0x30, 0x82]), length, granted, signed])
  }

  /** What `openssl ts -verify` says of a token over a text: nothing, or an error. */
  async verify(token: Uint8Array, text: string | Uint8Array): Promise<void> {
    this.#write('data', text)
    this.#write('token.tsr', token)
    const between = this.#settings.intermediate ? ['-untrusted', 'chain.pem'] : []
    const files = ['-data', 'data', '-in', 'token.tsr', '-CAfile', 'root.pem', ...between]
    await this.openssl('ts', '-verify', ...files)
  }

  /** Serves it; returns the address. */
  serve(): Promise<string> {
    return serve((request, response) => {
      void bodyOf(request)
        .then((query) => this.reply(query))
        .then((reply) => {
          response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(reply)
        })
    })
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A server on a port of this machine's choice until the test has finished; returns its address. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsa`
}
