// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  AuditError,
  parseNote,
  parseRevocation,
  parseVkey,
  printable,
  printableJson,
} from '@spanseal/core'
import type { Keyring } from '@spanseal/keys'
import { certificateRequest, certify, revoke } from '@spanseal/keys'
import type { Command } from 'commander'
import { wholeNumber } from '../option-values.ts'
import type { Session } from '../session.ts'
import { publishNote } from './keys-files.ts'
import type { KeyringPlace, TenantOptions } from './keys-options.ts'
import {
  addKeyringOptions,
  addTenantOptions,
  issuersKeyring,
  requiredTenant,
  tenantGiven,
} from './keys-options.ts'

interface RotateFlags extends KeyringPlace, TenantOptions {
  readonly json?: true
}

interface RevokeFlags extends RotateFlags {
  readonly vkey: string
  readonly tenantLogSize: number
  readonly out?: string
}

export function addKeysRotate(keys: Command, { terminal }: Session): void {
  const command = keys
    .command('rotate')
    .summary('make the next issuer key before the last is over')
    .description(
      'Makes the next issuer key. Writers take it up with their next epoch; where the last one is ' +
        'certified, as soon as this one is too. What the old one certified stays as good as it was.',
    )
    .option('--json', 'print one JSON document')
  addTenantOptions(addKeyringOptions(command))
    .addHelpText(
      'after',
      `
Examples:
  spanseal keys rotate --journal ./audit --tenant-key support.pem
  spanseal keys rotate --journal ./audit          then: keys request, keys certify, keys install`,
    )
    .action(async (flags: RotateFlags) => {
      // Before anything is made: a wrong tenant key shall leave nothing behind.
      const tenant = tenantGiven(flags)
      issuersKeyring(flags)
      const keyring = issuersKeyring(flags, true)
      const { log } = keyring
      if (tenant !== undefined && parseVkey(tenant.vkey).name !== log) {
        const named = parseVkey(tenant.vkey).name
        throw new AuditError('INVALID_OPTION', `tenant key: of ${named}, and the keyring of ${log}`)
      }
      const { notAfter, notBefore, vkey } = keyring.rotateIssuer()
      const request = certificateRequest({ role: 'issuer', log, vkey, notBefore, notAfter })
      if (tenant !== undefined) {
        const note = await certify(request, tenant).catch((cause: unknown) => {
          if (!(cause instanceof AuditError)) throw cause
          const way = 'is made and not certified: `spanseal keys certify` does that'
          throw new AuditError(cause.code, `${cause.message}; the next issuer key ${vkey} ${way}`, {
            cause,
          })
        })
        keyring.installCertificate(note)
      }
      const certified = tenant !== undefined
      if (flags.json === true) {
        terminal.print(`${printableJson({ log, vkey, notBefore, notAfter, certified }, 2)}\n`)
        return
      }
      terminal.print(
        `${printable(vkey)}\n  issuer of ${log}, from ${notBefore} until ${notAfter}\n`,
      )
      if (!certified) {
        terminal.note('Not certified: see `spanseal keys certify --help`, or let verifiers pin it.')
      }
    })
}

export function addKeysRevoke(keys: Command, { terminal }: Session): void {
  const command = keys
    .command('revoke')
    .summary('let the tenant key say that a key is trusted no longer')
    .description(
      'Signs a revocation. What the key vouched for counts only where the tenant log holds it below the ' +
        'given size; 0 revokes all of it. Give it to the sealer and to whoever verifies (verify --revocation). ' +
        'With --journal or --keys it is put beside the key too, which then certifies no epoch any more.',
    )
    .requiredOption('--vkey <vkey>', 'the issuer or retention key')
    .requiredOption(
      '--tenant-log-size <n>',
      'the size of the tenant log up to which the key was still good',
      wholeNumber('--tenant-log-size', 0, 999_999_999_999_999),
    )
    .option('--out <file>', 'write the revocation to this new file')
    .option('--json', 'print one JSON document')
  addTenantOptions(addKeyringOptions(command))
    .addHelpText(
      'after',
      `
Examples:
  spanseal keys revoke --vkey "$(cat stolen.vkey)" --tenant-log-size 812 \\
                       --tenant-key support.pem --out stolen.revocation
  spanseal verify ./audit --key support.vkey --revocation stolen.revocation`,
    )
    .action(async (flags: RevokeFlags) => {
      assertRevocable(flags.vkey)
      const keyring = keyringWith(flags)
      const note = await revoke(flags.vkey, flags.tenantLogSize, requiredTenant(flags))
      const file = flags.out === undefined ? undefined : await publishNote(flags.out, note)
      keyring?.installRevocation(note)
      const revocation = parseRevocation(parseNote(note).text)
      if (flags.json === true) {
        terminal.print(`${printableJson({ ...revocation, file, note }, 2)}\n`)
      } else if (file === undefined) {
        terminal.print(note)
      } else {
        terminal.print(`revoked: ${printable(revocation.vkey)}\n  ${printable(file)}\n`)
      }
    })
}

/** Before anything is signed: a revocation that is written must not stay without effect on its host. */
function keyringWith(flags: RevokeFlags): Keyring | undefined {
  if (flags.journal === undefined && flags.keys === undefined) return undefined
  const keyring = issuersKeyring(flags)
  if (keyring.issuerVkeys().some(({ vkey }) => vkey === flags.vkey)) return keyring
  throw new AuditError(
    'NOT_FOUND',
    `--vkey: ${keyring.folder} does not hold this key; name its keyring, or leave --journal and --keys out`,
    { details: { option: '--vkey' } },
  )
}

function assertRevocable(vkey: string): void {
  const { name } = parseVkey(vkey)
  if (/\/(issuer|retention)-[a-z0-9]+$/.test(name)) return
  const way = 'no tenant key can be revoked: verifiers give up pinning it'
  throw new AuditError('INVALID_OPTION', `--vkey: ${name} is no issuer or retention key; ${way}`, {
    details: { option: '--vkey' },
  })
}
