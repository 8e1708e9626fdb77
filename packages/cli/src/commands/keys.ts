// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError, fileSafeLogName, isLogName, printable, printableJson } from '@spanseal/core'
import { defaultKeyringFolder, openKeyring } from '@spanseal/keys'
import type { Command } from 'commander'
import { logsOfJournal } from '../journal-logs.ts'
import { existingFolder } from '../option-values.ts'
import type { Session } from '../session.ts'
import type { Terminal } from '../terminal.ts'

interface KeysOptions {
  readonly journal?: string
  readonly keys?: string
  readonly vkey?: true
  readonly json?: true
}

/** What is public about a key that verifiers pin. */
interface ShownKey {
  readonly log: string
  readonly vkey: string
  readonly notBefore: string
  readonly notAfter: string
  readonly state: 'in force' | 'expired' | 'not yet valid'
  /** Whether a tenant key has certified it; then that one can be pinned instead. */
  readonly certified: boolean
}

export function addKeys(program: Command, session: Session): void {
  const keys = program
    .command('keys')
    .summary('print the keys that verifiers pin')
    .description('Prints what is public about the keys of a log.')
  keys
    .command('show')
    .description(
      'Prints the verifier keys of the issuers in a keyring: public, to be handed to whoever ' +
        'verifies, by another way than the journal. Secrets are never printed.',
    )
    .option(
      '--journal <folder>',
      'the journal whose keyring it is (default: <folder>.keys beside it)',
    )
    .option('--keys <folder>', 'the keyring, where it lies elsewhere (or SPANSEAL_KEYS)')
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
    .action((options: KeysOptions) => show(options, session.terminal))
}

function show(options: KeysOptions, terminal: Terminal): void {
  const folder = keyringFolder(options)
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

function keyringFolder({ journal, keys = process.env['SPANSEAL_KEYS'] }: KeysOptions): string {
  if (keys === undefined && journal === undefined) {
    throw new AuditError(
      'INVALID_OPTION',
      'name the journal with --journal <folder>, or the keyring with --keys <folder>',
    )
  }
  const folder = keys ?? defaultKeyringFolder(journal ?? '')
  if (existsSync(folder) && statSync(folder).isDirectory()) return folder
  throw new AuditError(
    'NOT_FOUND',
    `keyring: ${folder} is no folder; keyrings never leave the host that writes: run this there, ` +
      'or name the keyring with --keys',
    { details: { option: 'keys', file: folder } },
  )
}

function logsOf(folder: string, { journal }: KeysOptions): string[] {
  if (journal !== undefined) return logsOfJournal(existingFolder(journal))
  return readdirSync(folder).map(logOfFolder).filter(isLogName).sort()
}

/** The reverse of `fileSafeLogName`: no segment begins with `_`, so it is unambiguous. */
function logOfFolder(name: string): string {
  return name.replace(/__?/g, (found) => (found === '__' ? '_' : '/'))
}

function keysOf(folder: string, log: string, journal: string | undefined): ShownKey[] {
  // Opening a keyring makes what is missing; a command that shows must not.
  if (!existsSync(join(folder, fileSafeLogName(log), 'issuer'))) return []
  const keyring = openKeyring({
    log,
    folder,
    create: false,
    ...(journal === undefined ? {} : { journal }),
  })
  const now = new Date().toISOString()
  return keyring.issuerVkeys().map(({ certificate, notAfter, notBefore, vkey }) => ({
    log,
    vkey,
    notBefore,
    notAfter,
    state: now > notAfter ? 'expired' : now < notBefore ? 'not yet valid' : 'in force',
    certified: certificate !== undefined,
  }))
}

function keyText(key: ShownKey, { paint }: Terminal): string {
  const { certified, log, notAfter, notBefore, state, vkey } = key
  const certificate = certified ? ', certified by the tenant key' : ''
  return [
    paint('bold', printable(vkey)),
    `  issuer of ${printable(log)}, ${paint(state === 'in force' ? 'green' : 'yellow', state)}${certificate}`,
    `  from ${notBefore} until ${notAfter}`,
    '',
  ].join('\n')
}
