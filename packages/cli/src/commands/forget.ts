// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditRecord } from '@spanseal/core'
import {
  AuditError,
  fileSafeLogName,
  parseVkey,
  printable,
  printableJson,
  readRecords,
} from '@spanseal/core'
import { openWriter, readJournal } from '@spanseal/journal'
import type { Erased, ErasureParts, Keyring } from '@spanseal/keys'
import {
  completeErasures,
  forgetPeriod,
  forgetPerson,
  openKeyring,
  replayErasures,
} from '@spanseal/keys'
import type { Command } from 'commander'
import { EXIT } from '../exit-code.ts'
import { keysGiven } from '../given-files.ts'
import { logsOfJournal } from '../journal-logs.ts'
import { collect, existingFolder } from '../option-values.ts'
import type { Session } from '../session.ts'
import { provenErasures } from './forget-proven.ts'
import { keyringFolderOf } from './open-record.ts'
import type { VaultPlace } from './vault-options.ts'
import { addVaultOptions, allVaults } from './vault-options.ts'

interface ForgetOptions extends VaultPlace {
  readonly keys?: string
  readonly reason?: string
  readonly period?: string
  readonly replay?: true
  readonly vaultGone?: readonly string[]
  readonly key?: readonly string[]
  readonly json?: true
}

const KID = /^[0-9a-f]{16}$/

/** What was done in one log. */
interface Forgotten {
  readonly log: string
  readonly erased: readonly Erased[]
  /** Kids whose keys had come back with a back-up. */
  readonly again: readonly string[]
}

export function addForget(program: Command, session: Session): void {
  const command = program
    .command('forget')
    .summary('destroy the key of a person, for good')
    .description(
      'Destroys the key under which what is about a person was committed, and its vault key, and ' +
        'records that in the journal as erasure.done, without naming anybody. Every proof still ' +
        'verifies; what was committed can never be opened again. Without a person it completes ' +
        'what a crash left half done.',
    )
    .argument('[person]', 'the id under which the agent names the person')
    .requiredOption('--journal <folder>', 'the journal folder')
    .option('--keys <folder>', 'the keyring (default: <folder>.keys)')
    .option('--reason <text>', 'why; committed to the record, not written in clear')
    .option('--period <kid>', 'destroy the keys of a period that is over, instead of a person’s')
    .option('--replay', 'destroy again what the journal says was destroyed: after a restore')
    .option('--key <vkey or file>', 'with --replay: another key that may have signed', collect)
    .option('--vault-gone <folder>', 'this vault is no more; may be given several times', collect)
    .option('--json', 'print one JSON document')
  addVaultOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  spanseal forget customer-4711 --journal ./audit \\
                  --reason 'request of 2026-11-20'
  spanseal forget --replay --journal ./audit    after restoring keyring or vault
  spanseal forget --journal ./audit             complete what was interrupted

Agents that run notice within 60 seconds. Copies in back-ups are out of reach:
restore them only together with --replay.

Exit status: 0 done, or nothing to do; 1 an erasure was not proved and is left
out (--replay); 2 could not run.`,
    )
    .action((person: string | undefined, options: ForgetOptions) =>
      forget(person, options, session),
    )
}

async function forget(
  person: string | undefined,
  options: ForgetOptions,
  session: Session,
): Promise<void> {
  const { period, replay } = options
  if ([person, period, replay].filter((one) => one !== undefined).length > 1) {
    throw new AuditError('INVALID_OPTION', 'give a person, or --period, or --replay')
  }
  if (period !== undefined && !KID.test(period)) {
    const message = `--period: ${JSON.stringify(period.slice(0, 40))} is no kid; give the 16 hexadecimal digits that commitments name`
    throw new AuditError('INVALID_OPTION', message, { details: { option: '--period' } })
  }
  const journal = existingFolder(options.journal)
  const done: Forgotten[] = []
  for (const { keyring, parts } of logsWithKeys(journal, options)) {
    const again = replay ? await replayed(parts, journal, { options, session }) : []
    const erased = await completeErasures(parts)
    if (person !== undefined)
      erased.push(...some(await forgetPerson(person, options.reason, parts)))
    if (period !== undefined)
      erased.push(...some(await forgetPeriod(period, options.reason, parts)))
    done.push({ log: keyring.log, erased, again })
  }
  show(done, options, session)
}

/** Only what a key of this keyring signed, or one that was given. */
function replayed(
  { keyring, vaults }: ErasureParts,
  journal: string,
  { options, session }: { readonly options: ForgetOptions; readonly session: Session },
): Promise<string[]> {
  const own = keyring.issuerVkeys().map(({ vkey }) => parseVkey(vkey))
  const keys = [...own, ...keysGiven(options.key ?? [])]
  const erasures = provenErasures(journal, keys, (record) => {
    session.exitCode = EXIT.faults
    session.terminal.note(
      `spanseal: ${record} is not vouched for by a key of this keyring and is left out; where it is ` +
        'genuine (spanseal verify), give the key that signed it with --key',
    )
  })
  return replayErasures({ keyring, vaults }, erasures)
}

function some<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value]
}

function logsWithKeys(
  journal: string,
  options: ForgetOptions,
): { keyring: Keyring; parts: ErasureParts }[] {
  const folder = keyringFolderOf(options)
  const logs = logsOfJournal(journal).filter((log) =>
    existsSync(join(folder, fileSafeLogName(log))),
  )
  if (logs.length === 0) {
    throw new AuditError('NOT_FOUND', `keyring: ${folder} has no keys of a log in ${journal}`, {
      details: { option: '--keys', file: folder },
    })
  }
  // Read before anything is destroyed: a vault that is not there stops all of it.
  return logs.map((log) => {
    const keyring = openKeyring({ log, folder, journal, create: false })
    const vaults = allVaults(keyring, options, options.vaultGone)
    const records = (mentioning: string): AsyncIterable<AuditRecord> =>
      readRecords(readJournal(journal), { mentioning })
    const record = (detail: Parameters<ErasureParts['record']>[0]): Promise<string> =>
      recordErasure({ log, folder, journal }, detail)
    return { keyring, parts: { keyring, vaults, records, record } }
  })
}

/** Writes `erasure.done` into an epoch of its own. */
async function recordErasure(
  where: { readonly log: string; readonly folder: string; readonly journal: string },
  detail: Parameters<ErasureParts['record']>[0],
): Promise<string> {
  const { folder, journal, log } = where
  const writer = openWriter({
    journal,
    log,
    keys: openKeyring({ log, folder, journal }),
    service: { name: 'spanseal-forget' },
    deployment: { environment: 'unspecified' },
    audit: { fail_closed: [], redaction: 'none', sdk: '@spanseal/cli' },
    durability: 'every',
  })
  try {
    const { epoch, seq } = writer.append((at) => ({
      type: 'erasure.done',
      severity: 'info',
      detail: detail(at),
    }))
    await writer.synced({ epoch, seq })
    return `${epoch}/${seq}`
  } finally {
    writer.close()
  }
}

function show(done: readonly Forgotten[], { json }: ForgetOptions, session: Session): void {
  const { print } = session.terminal
  if (json) {
    print(`${printableJson({ logs: done }, 2)}\n`)
    return
  }
  for (const { again, erased, log } of done) {
    for (const { closed, kid, of, openable, record } of erased) {
      print(`${printable(log)}: the key ${kid} of a ${of} is destroyed; recorded at ${record}\n`)
      print(`  ${closed} commitments can never be opened again\n`)
      if (openable.count > 0) {
        print(
          `  ${openable.count} more name the person and stay openable under period keys; the last ` +
            `of those periods ends ${openable.until ?? ''}\n`,
        )
      }
    }
    for (const kid of again)
      print(`${printable(log)}: the key ${kid} had come back, and is destroyed again\n`)
    if (erased.length + again.length === 0)
      print(`${printable(log)}: nothing to do: there is no such key, or it was destroyed before\n`)
  }
}
