// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, parseCertificate, parseNote, printable, printableJson } from '@spanseal/core'
import { openKeyring, readKeyFile } from '@spanseal/keys'
import type { Command } from 'commander'
import type { Session } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import { addKeysCertify } from './keys-certify.ts'
import { addKeysNew } from './keys-new.ts'
import type { KeyringPlace } from './keys-options.ts'
import {
  addKeyringOptions,
  existingKeyring,
  holdsIssuers,
  keyPassphrase,
  logsOf,
} from './keys-options.ts'
import { addKeysRevoke, addKeysRotate } from './keys-rotate.ts'

interface KeysOptions extends KeyringPlace {
  readonly vkey?: true
  readonly json?: true
}

/** What is public about a key that verifiers pin. */
interface ShownKey {
  readonly log: string
  readonly vkey: string
  readonly notBefore: string
  readonly notAfter: string
  readonly state: 'in force' | 'expired' | 'not yet valid' | 'revoked'
  /** Whether a tenant key has certified it; then that one can be pinned instead. */
  readonly certified: boolean
  /** When the tenant's certificate holds, and the names and ids of the keys that signed it. */
  readonly certificate?: {
    readonly notBefore: string
    readonly notAfter: string
    readonly signedBy: readonly string[]
  }
}

export function addKeys(program: Command, session: Session): void {
  const keys = program
    .command('keys')
    .summary('make, show, certify, rotate and revoke keys')
    .description(
      'The keys of a log: the tenant key certifies issuers, issuers certify the key of each epoch. ' +
        'Verifiers pin the tenant key, or where there is none an issuer. Secrets are never printed.',
    )
    .addHelpText(
      'after',
      `
Examples:
  spanseal keys new --tenant --log example.com/support --out ~/keys/support.pem
  spanseal keys certify --journal ./audit --tenant-key ~/keys/support.pem
  spanseal keys show --journal ./audit`,
    )
  addKeysNew(keys, session)
  addShow(keys, session)
  addKeysCertify(keys, session)
  addKeysRotate(keys, session)
  addKeysRevoke(keys, session)
}

function addShow(keys: Command, session: Session): void {
  const command = keys
    .command('show')
    .summary('print the keys that verifiers pin')
    .description(
      'Prints the verifier keys of the issuers in a keyring, or of key files: public, to be handed to ' +
        'whoever verifies, by another way than the journal. Secrets are never printed.',
    )
    .argument('[files...]', 'files with a tenant or retention key, instead of a keyring')
  addKeyringOptions(command)
    .option('--vkey', 'print the key in force and nothing else')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal keys show --journal ./audit
  spanseal keys show --keys /etc/agent/audit.keys --json
  spanseal keys show --journal ./audit --json | jq -r '.keys[].vkey' > trusted`,
    )
    .action((files: string[], options: KeysOptions) => {
      if (files.length > 0) showFiles(files, options, session.terminal)
      else show(options, session.terminal)
    })
}

function showFiles(files: readonly string[], options: KeysOptions, terminal: Terminal): void {
  const shown = files.map((file) => {
    const { key: _, name, ...about } = readKeyFile(file, keyPassphrase())
    const role = /\/(issuer|retention)-[a-z0-9]+$/.exec(name)?.[1] ?? 'tenant'
    return { file, role, name, ...about }
  })
  if (options.json === true) terminal.print(`${printableJson({ keys: shown }, 2)}\n`)
  else if (options.vkey === true) {
    terminal.print(shown.map(({ vkey }) => `${printable(vkey)}\n`).join(''))
  } else {
    for (const { encrypted, notAfter, notBefore, role, vkey } of shown) {
      const time = notBefore === undefined ? '' : `  from ${notBefore} until ${notAfter}\n`
      const lock = encrypted ? ', encrypted' : ''
      terminal.print(`${terminal.paint('bold', printable(vkey))}\n  ${role} key${lock}\n${time}`)
    }
  }
}

function show(options: KeysOptions, terminal: Terminal): void {
  const folder = existingKeyring(options)
  const logs = logsOf(folder, options)
  const shown = logs.flatMap((log) => keysOf(folder, log, options.journal))
  if (shown.length === 0) {
    throw new AuditError(
      'NOT_FOUND',
      `${folder} holds no issuer key${logs.length === 0 ? '' : ` of ${logs.join(', ')}`}; ` +
        'run this on the host that writes the journal, or name its keyring with --keys',
    )
  }
  if (options.json === true) {
    terminal.print(`${printableJson({ keyring: folder, keys: shown }, 2)}\n`)
    return
  }
  if (options.vkey === true) {
    const inForce = shown.filter(({ state }) => state === 'in force')
    terminal.print(inForce.map(({ vkey }) => `${printable(vkey)}\n`).join(''))
    return
  }
  terminal.print(shown.map((key) => keyText(key, terminal)).join('\n'))
}

function keysOf(folder: string, log: string, journal: string | undefined): ShownKey[] {
  // Opening a keyring makes what is missing; a command that shows must not.
  if (!holdsIssuers(folder, log)) return []
  const keyring = openKeyring({
    log,
    folder,
    create: false,
    ...(journal === undefined ? {} : { journal }),
  })
  const now = new Date().toISOString()
  return keyring.issuerVkeys().map(({ certificate, notAfter, notBefore, revoked, vkey }) => ({
    log,
    vkey,
    notBefore,
    notAfter,
    state: revoked
      ? 'revoked'
      : now > notAfter
        ? 'expired'
        : now < notBefore
          ? 'not yet valid'
          : 'in force',
    certified: certificate !== undefined,
    ...(certificate === undefined ? {} : { certificate: certificateShown(certificate) }),
  }))
}

function certificateShown(text: string): NonNullable<ShownKey['certificate']> {
  const note = parseNote(text)
  const { notAfter, notBefore } = parseCertificate(note.text)
  const signedBy = note.signatures.map(({ keyId, name }) => `${name}+${keyId}`)
  return { notBefore, notAfter, signedBy }
}

function keyText(key: ShownKey, { paint }: Terminal): string {
  const { certificate, log, notAfter, notBefore, state, vkey } = key
  return [
    paint('bold', printable(vkey)),
    `  issuer of ${printable(log)}, ${paint(state === 'in force' ? 'green' : 'yellow', state)}`,
    `  from ${notBefore} until ${notAfter}`,
    ...(certificate === undefined
      ? []
      : [
          `  certified by the tenant key (${certificate.signedBy.map(printable).join(', ')}) until ${certificate.notAfter}`,
        ]),
    '',
  ].join('\n')
}
