// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Commitment } from '@spanseal/core'
import { AuditError, commitmentAt, printable, printableJson, readRecords } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { Keyring, Vault } from '@spanseal/keys'
import { keyringMasterKeys } from '@spanseal/keys'
import type { Command } from 'commander'
import { EXIT } from '../exit-code.ts'
import { logsOfJournal } from '../journal-logs.ts'
import { existingFolder } from '../option-values.ts'
import type { Session } from '../session.ts'
import { stopSignal } from '../stop-signal.ts'
import { existingKeyring, findRecord, journalGiven } from './open-record.ts'
import { writePrivate } from './open-value.ts'
import { withRewrapLock } from './rewrap-lock.ts'
import type { VaultPlace } from './vault-options.ts'
import { addVaultOptions, existingVault, masterOf } from './vault-options.ts'

interface VaultOptions extends VaultPlace {
  readonly keys?: string
  readonly json?: true
}
interface GetOptions extends VaultOptions {
  readonly field: string
  readonly out?: string
}

export function addVault(program: Command, session: Session): void {
  const vault = program
    .command('vault')
    .summary('read and tend the encrypted originals')
    .description('The vault: committed values, encrypted, to be found by their commitments.')
  addGet(vault, session)
  subcommand(vault, 'stat', 'Counts what a vault holds, and what of it can be read.').action(
    (options: VaultOptions) => stat(options, session),
  )
  subcommand(
    vault,
    'compact',
    'Removes values whose key was destroyed, and what crashes left.',
  ).action((options: VaultOptions) => compact(options, session))
  subcommand(
    vault,
    'rewrap',
    'Makes a new master key, wraps every data key anew, destroys the old ones; with --master-command has that wrap them.',
  ).action((options: VaultOptions) => rewrap(options, session))
  vault.addHelpText(
    'after',
    `
Examples:
  spanseal vault get 019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00/7 --journal ./audit --out order.json
  spanseal vault stat --journal ./audit
  spanseal vault compact --journal ./audit         after spanseal forget
  spanseal vault rewrap --journal ./audit          rotate the master key`,
  )
}

function subcommand(vault: Command, name: string, description: string): Command {
  const command = vault
    .command(name)
    .description(description)
    .requiredOption('--journal <folder>', 'the journal folder')
    .option('--keys <folder>', 'the keyring (default: <folder>.keys)')
    .option('--json', 'print one JSON document')
  if (name !== 'get') {
    command.addHelpText('after', `\nExample:\n  spanseal vault ${name} --journal ./audit`)
  }
  return addVaultOptions(command)
}

function addGet(vault: Command, session: Session): void {
  subcommand(
    vault,
    'get',
    'Gives the value of a commitment, once it is shown to be what was committed.',
  )
    .argument('<commitment or epoch/seq>', '64 hexadecimal digits, or a record')
    .option('--field <pointer>', 'where in the record the commitment stands', '/invocation/input')
    .option(
      '--out <file>',
      'write the encoded bytes there, readable for you only (default: stdout)',
    )
    .addHelpText(
      'after',
      `
Examples:
  spanseal vault get 019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00/7 --journal ./audit
  spanseal vault get 019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00/8 \\
    --field /invocation/output --journal ./audit --out output`,
    )
    .action((wanted: string, options: GetOptions) => get(wanted, options, session))
}

/** The vault of each log of the journal. */
function vaultsOf(options: VaultOptions): { keyring: Keyring; vault: Vault }[] {
  const logs = logsOfJournal(existingFolder(options.journal))
  return logs.map((log) => {
    const keyring = existingKeyring(log, options)
    return { keyring, vault: existingVault(keyring, options) }
  })
}

async function get(wanted: string, options: GetOptions, session: Session): Promise<void> {
  const { print, note } = session.terminal
  const value = await valueOf(wanted, options)
  const { alg, bytes, c, enc, kids, opening } = value
  if (options.out !== undefined) writePrivate(options.out, bytes)
  if (options.json) {
    const content =
      options.out === undefined
        ? { value: Buffer.from(bytes).toString('base64') }
        : { out: options.out }
    const place = opening && {
      record: `${opening.place.epoch}/${opening.place.seq}`,
      field: opening.place.pointer,
    }
    print(`${printableJson({ alg, c, enc, kids, bytes: bytes.length, ...place, ...content }, 2)}\n`)
  } else if (options.out === undefined) {
    const text = Buffer.from(bytes).toString('utf8')
    if (!Buffer.from(text).equals(Buffer.from(bytes))) {
      throw new AuditError('INVALID_OPTION', 'the value is no text; write it to a file with --out')
    }
    print(text)
  } else note(`spanseal: ${bytes.length} bytes (${enc}) written to ${printable(options.out)}`)
}

async function valueOf(wanted: string, options: GetOptions): ReturnType<Vault['get']> {
  if (wanted.includes('/')) {
    const { record } = await findRecord(journalGiven(options.journal), wanted)
    const placed = commitmentAt(record, options.field)
    if (placed === undefined) {
      throw new AuditError('NOT_FOUND', `the record commits nothing at ${options.field}`)
    }
    const vault = existingVault(existingKeyring(record.chain.log, options), options)
    return vault.get(placed.commitment satisfies Commitment)
  }
  const vaults = vaultsOf(options)
  for (const [i, { vault }] of vaults.entries()) {
    try {
      return await vault.get(wanted)
    } catch (error) {
      const isElsewhere = error instanceof AuditError && error.code === 'NOT_FOUND'
      if (!isElsewhere || i === vaults.length - 1) throw error
    }
  }
  throw new AuditError('NOT_FOUND', `${options.journal} has no log`)
}

async function stat(options: VaultOptions, session: Session): Promise<void> {
  const { print } = session.terminal
  for (const { keyring, vault } of vaultsOf(options)) {
    const { log } = keyring
    const found = await vault.stat()
    const returned = await vault.returnedKids(await erasedKids(options.journal, keyring))
    if (returned.length > 0) session.exitCode = EXIT.faults
    if (options.json) {
      print(`${printableJson({ log, folder: vault.folder, ...found, returned }, 2)}\n`)
      continue
    }
    const { bytes, erased, files, keyMissing, keys, readable, unreadable } = found
    print(`${printable(log)}: ${files} values, ${bytes} bytes, in ${printable(vault.folder)}\n`)
    print(
      `  ${readable} readable, ${erased} erased, ${keyMissing} without their key, ${unreadable} no files of a vault\n`,
    )
    print(`  ${keys.held} data keys, ${keys.gone} destroyed\n`)
    for (const kid of returned) {
      print(`  the key ${kid} was destroyed and has come back: run spanseal forget --replay\n`)
    }
  }
}

/** Kids that the journal or the keyring says were destroyed. */
async function erasedKids(journal: string, { erasures, log }: Keyring): Promise<Set<string>> {
  const kids = new Set(erasures.kids())
  const mentioning = '"type":"erasure.done"'
  for await (const record of readRecords(readJournal(journal), { mentioning })) {
    if (record.type !== 'erasure.done' || record.chain.log !== log) continue
    for (const kid of record.detail.kids) kids.add(kid)
  }
  return kids
}

async function compact(options: VaultOptions, session: Session): Promise<void> {
  for (const { keyring, vault } of vaultsOf(options)) {
    const { drafts, removed, removedBytes } = await vault.compact()
    const { log } = keyring
    session.terminal.print(
      options.json
        ? `${printableJson({ log, removed, removedBytes, drafts })}\n`
        : `${printable(log)}: ${removed} values removed (${removedBytes} bytes), ${drafts} drafts\n`,
    )
  }
}

async function rewrap(options: VaultOptions, { terminal }: Session): Promise<void> {
  // An interruption waits: half of it done, two master keys are needed.
  const stop = stopSignal(terminal.closed)
  try {
    for (const { keyring } of vaultsOf(options)) {
      const { log } = keyring
      const done = await withRewrapLock(keyring, () => rewrapped(keyring, options))
      const { count, retired } = done
      terminal.print(
        options.json
          ? `${printableJson({ log, rewrapped: count, retired })}\n`
          : `${printable(log)}: ${count} data keys wrapped anew, ${retired} old master keys destroyed\n`,
      )
    }
  } finally {
    stop.dispose()
  }
}

async function rewrapped(
  keyring: Keyring,
  options: VaultOptions,
): Promise<{ readonly count: number; readonly retired: number }> {
  const ring = keyringMasterKeys(keyring)
  // What is there was wrapped by the keyring's key files, or by the command already.
  const { masterCommand: _, ...place } = options
  const to = masterOf(options) ?? ring
  if (to === ring) ring.rotate()
  const count = await existingVault(keyring, place).rewrap(to)
  return { count, retired: to === ring ? ring.retireOlder() : 0 }
}
