// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { statSync } from 'node:fs'
import { AuditError, assertLogName, printable, printableJson } from '@spanseal/core'
import { createKeyFile, newRetentionName, openKeyring } from '@spanseal/keys'
import type { Command } from 'commander'
import { wholeNumber } from '../option-values.ts'
import type { Session } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import type { KeyringPlace } from './keys-options.ts'
import { addKeyringOptions, holdsIssuers, keyPassphrase, keyringPath } from './keys-options.ts'

interface NewOptions extends KeyringPlace {
  readonly tenant?: true
  readonly issuer?: true
  readonly retention?: true
  readonly out?: string
  readonly days?: number
  readonly json?: true
}

const DAY_MILLIS = 86_400_000
const RETENTION_DAYS = 365

/** What a new key is, and where it lies. */
interface MadeKey {
  readonly role: 'tenant' | 'issuer' | 'retention'
  readonly vkey: string
  readonly file: string
  readonly encrypted: boolean
}

export function addKeysNew(keys: Command, { terminal }: Session): void {
  const command = keys
    .command('new')
    .summary('make a tenant, issuer or retention key')
    .description(
      'Makes a private key, for its owner only (mode 0600), and prints its verifier key. The tenant ' +
        'key certifies the others and is best made and kept on another machine. Set ' +
        'SPANSEAL_KEY_PASSPHRASE to encrypt a tenant or retention key. A key is never written over.',
    )
    .option('--tenant', 'the key that everything of a log leads to')
    .option('--issuer', 'the first issuer key of a keyring')
    .option('--retention', 'a key that signs what stands for expired epochs')
    .option('--out <file>', 'the file to make, for --tenant and --retention')
    .option(
      '--days <n>',
      `how long a retention key lasts (default: ${RETENTION_DAYS})`,
      wholeNumber('--days', 1, 3_650),
    )
    .option('--json', 'print one JSON document')
  addKeyringOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  spanseal keys new --tenant --log example.com/support --out ~/keys/support.pem
  spanseal keys new --issuer --log example.com/support --journal ./audit
  spanseal keys new --retention --log example.com/support --out ~/keys/retention.pem`,
    )
    .action((options: NewOptions) => print(makeKey(options), options, terminal))
}

function makeKey(options: NewOptions): MadeKey {
  const { issuer, log, out, retention, tenant } = options
  const roles = [tenant, issuer, retention].filter((role) => role === true)
  if (roles.length !== 1) {
    throw new AuditError('INVALID_OPTION', 'name one: --tenant, --issuer or --retention')
  }
  if (log === undefined) {
    throw new AuditError(
      'INVALID_OPTION',
      'name the log with --log, for instance example.com/agent',
    )
  }
  assertLogName(log)
  if (options.days !== undefined && retention !== true) {
    throw new AuditError('INVALID_OPTION', '--days is for --retention; issuer keys last 90 days')
  }
  if (issuer === true) return makeIssuer(log, options)
  if (out === undefined || out === '') {
    throw new AuditError('INVALID_OPTION', 'name the file to make with --out <file>')
  }
  const { days = RETENTION_DAYS } = options
  const now = Date.now()
  const time = {
    notBefore: new Date(now).toISOString(),
    notAfter: new Date(now + days * DAY_MILLIS).toISOString(),
  }
  const named = retention === true ? { name: newRetentionName(log), ...time } : { name: log }
  const { encrypted, vkey } = createKeyFile(out, { ...named, ...keyPassphrase() })
  return { role: retention === true ? 'retention' : 'tenant', vkey, file: out, encrypted }
}

function makeIssuer(log: string, options: NewOptions): MadeKey {
  const { journal, out } = options
  if (out !== undefined) {
    throw new AuditError('INVALID_OPTION', '--out: an issuer key lies in its keyring; leave it out')
  }
  if (journal !== undefined && statSync(journal, { throwIfNoEntry: false })?.isFile() === true) {
    throw new AuditError(
      'INVALID_OPTION',
      `--journal: ${journal} is a file; name the journal folder`,
    )
  }
  const folder = keyringPath(options)
  if (holdsIssuers(folder, log)) {
    throw new AuditError(
      'INVALID_OPTION',
      `${folder} has an issuer of ${log} already; make the next one with \`spanseal keys rotate\``,
    )
  }
  const keyring = openKeyring({ log, folder, ...(journal === undefined ? {} : { journal }) })
  const { certificateFile, vkey } = keyring.issuer
  return { role: 'issuer', vkey, file: certificateFile.replace(/cert$/, 'pem'), encrypted: false }
}

const NEXT: Readonly<Record<MadeKey['role'], string>> = {
  tenant:
    'Hand its verifier key, on standard output, to whoever verifies, and keep the file off the hosts that write: ' +
    'whoever has it can certify anybody.',
  issuer: 'Let the tenant key certify it with `spanseal keys certify`, or let verifiers pin it.',
  retention: 'Let the tenant key certify it with `spanseal keys request` and `keys certify`.',
}

function print(made: MadeKey, { json }: NewOptions, terminal: Terminal): void {
  if (json === true) {
    terminal.print(`${printableJson(made, 2)}\n`)
    return
  }
  terminal.print(`${printable(made.vkey)}\n`)
  const lock = made.encrypted ? ', encrypted' : ''
  terminal.note(`${made.role} key in ${printable(made.file)}${lock}. ${NEXT[made.role]}`)
}
