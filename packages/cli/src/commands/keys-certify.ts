// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, parseCertificate, parseNote, printable, printableJson } from '@spanseal/core'
import type { IssuerKey } from '@spanseal/keys'
import { certificateRequest, certify, readKeyFile } from '@spanseal/keys'
import type { Command } from 'commander'
import { keysGiven } from '../given-files.ts'
import { wholeNumber } from '../option-values.ts'
import type { Session } from '../session.ts'
import { installNote, publishNote, readPublicText } from './keys-files.ts'
import type { KeyringPlace, TenantOptions } from './keys-options.ts'
import {
  addKeyringOptions,
  addTenantOptions,
  issuersKeyring,
  keyPassphrase,
  requiredTenant,
} from './keys-options.ts'

interface CertifyFlags extends KeyringPlace, TenantOptions {
  readonly request?: string
  readonly retention?: string
  readonly out?: string
  readonly days?: number
  readonly json?: true
}

interface InstallFlags extends KeyringPlace {
  readonly tenantVkey?: string
  readonly json?: true
}

export function addKeysCertify(keys: Command, session: Session): void {
  addRequest(keys, session)
  addCertify(keys, session)
  addInstall(keys, session)
}

function addRequest(keys: Command, { terminal }: Session): void {
  const command = keys
    .command('request')
    .summary('print what the tenant key shall sign')
    .description(
      'Prints the certificate of the newest issuer key, or of a retention key, unsigned: for a tenant ' +
        'key on another machine. It is public.',
    )
    .option('--retention <file>', 'of this retention key instead')
  addKeyringOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  spanseal keys request --journal ./audit > issuer.request
  spanseal keys certify --request issuer.request --tenant-key support.pem \\
                        --out issuer.cert
  spanseal keys install issuer.cert --journal ./audit`,
    )
    .action((flags: CertifyFlags) => terminal.print(requestOf(flags)))
}

function addCertify(keys: Command, { terminal }: Session): void {
  const command = keys
    .command('certify')
    .summary('let the tenant key certify an issuer or retention key')
    .description(
      'Signs a certificate with the tenant key: for the newest issuer key of a keyring, beside which ' +
        'it is put, or for a request from another machine. Issuers are certified for 90 days at most.',
    )
    .option('--request <file>', 'what `spanseal keys request` printed')
    .option('--retention <file>', 'certify this retention key')
    .option('--out <file>', 'write the certificate to this file instead')
    .option('--days <n>', 'at most so many days from now', wholeNumber('--days', 1, 3_650))
    .option('--json', 'print one JSON document')
  addTenantOptions(addKeyringOptions(command))
    .addHelpText(
      'after',
      `
Examples:
  spanseal keys certify --journal ./audit --tenant-key support.pem
  spanseal keys certify --journal ./audit \\
                        --tenant-command "kms-sign support" \\
                        --tenant-vkey support.vkey
  spanseal keys certify --request issuer.request --tenant-key support.pem \\
                        --out issuer.cert`,
    )
    .action(async (flags: CertifyFlags) => {
      const tenant = requiredTenant(flags)
      const { days, out } = flags
      const note = await certify(requestOf(flags), tenant, days === undefined ? {} : { days })
      const toFile = out ?? (isOfKeyring(flags) ? undefined : '-')
      const file =
        toFile === '-'
          ? undefined
          : toFile === undefined
            ? issuersKeyring(flags).installCertificate(note).certificateFile
            : await publishNote(toFile, note)
      const { log: _, ...certificate } = parseCertificate(parseNote(note).text)
      if (flags.json === true)
        terminal.print(`${printableJson({ ...certificate, file, note }, 2)}\n`)
      else if (file === undefined) terminal.print(note)
      else {
        const { notAfter, role, vkey } = certificate
        terminal.print(
          `certified: ${printable(vkey)}\n  ${role}, until ${notAfter}\n  ${printable(file)}\n`,
        )
      }
    })
}

function addInstall(keys: Command, { terminal }: Session): void {
  const command = keys
    .command('install')
    .summary('put a certificate or revocation beside its issuer key')
    .description(
      'Puts what the tenant key signed elsewhere into the keyring. Writers take it up with their next epoch.',
    )
    .argument(
      '<file>',
      'a certificate by `spanseal keys certify`, or a revocation by `keys revoke`',
    )
    .option('--tenant-vkey <vkey|file>', 'refuse what this tenant key did not sign')
    .option('--json', 'print one JSON document')
  addKeyringOptions(command)
    .addHelpText('after', '\nExample:\n  spanseal keys install issuer.cert --journal ./audit')
    .action((file: string, flags: InstallFlags) => {
      const tenants =
        flags.tenantVkey === undefined ? undefined : keysGiven([flags.tenantVkey], '--tenant-vkey')
      const installed = installNote(issuersKeyring(flags), file, tenants)
      const { certificateFile: _, certificate: __, ...key } = installed
      if (flags.json === true) terminal.print(`${printableJson(key, 2)}\n`)
      else terminal.print(`${printable(key.vkey)}\n  ${key.revoked ? 'revoked' : 'certified'}\n`)
    })
}

function isOfKeyring({ request, retention }: CertifyFlags): boolean {
  return request === undefined && retention === undefined
}

/** The unsigned certificate of what the flags name. */
function requestOf(flags: CertifyFlags): string {
  const { request, retention } = flags
  if (request !== undefined && retention !== undefined) {
    throw new AuditError('INVALID_OPTION', 'give --request or --retention, not both')
  }
  if (request !== undefined) return requestGiven(request)
  if (retention === undefined) return requestOfIssuer(newestIssuer(flags))
  const { name, notAfter, notBefore, vkey } = readKeyFile(retention, keyPassphrase())
  const log = name.replace(/\/retention-[a-z0-9]+$/, '')
  if (log === name || notBefore === undefined || notAfter === undefined) {
    throw new AuditError('INVALID_OPTION', `--retention: ${retention} is the key ${name}`, {
      details: { option: '--retention', file: retention },
    })
  }
  return certificateRequest({ role: 'retention', log, vkey, notBefore, notAfter })
}

function requestGiven(file: string): string {
  const text = readPublicText('--request', file)
  try {
    parseCertificate(text)
    return text
  } catch (cause) {
    const message = `--request: ${file} is not what \`spanseal keys request\` prints`
    const details = { option: '--request', file }
    throw new AuditError('MALFORMED_CERTIFICATE', message, { cause, details })
  }
}

function requestOfIssuer({ log, notAfter, notBefore, vkey }: IssuerKey & { log: string }): string {
  return certificateRequest({ role: 'issuer', log, vkey, notBefore, notAfter })
}

function newestIssuer(flags: CertifyFlags): IssuerKey & { log: string } {
  const keyring = issuersKeyring(flags)
  const newest = keyring.issuerVkeys().findLast(({ revoked }) => !revoked)
  if (newest !== undefined) return { ...newest, log: keyring.log }
  throw new AuditError(
    'NOT_FOUND',
    `${keyring.folder} holds no issuer key that is not revoked; make one with \`spanseal keys rotate\``,
  )
}
