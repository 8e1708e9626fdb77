// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync } from 'node:fs'
import type { AuditRecord, Encoding } from '@spanseal/core'
import {
  AuditError,
  allEncodingsOf,
  commitmentsOf,
  encodingsOf,
  printable,
  printableJson,
  readRecords,
} from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { Keyring } from '@spanseal/keys'
import type { Command } from 'commander'
import { EXIT } from '../exit-code.ts'
import { existingFolder } from '../option-values.ts'
import { countBytes, journalBytes, progressOf } from '../progress.ts'
import type { Session } from '../session.ts'
import { existingKeyring, keyringFolderOf } from './open-record.ts'
import { encodingOption, readValue } from './open-value.ts'
import { ValueSearch } from './search-value.ts'

interface SearchOptions {
  readonly journal: string
  readonly value: string
  readonly enc?: Encoding
  readonly encoded?: true
  readonly keys?: string
  readonly json?: true
}

/** A commitment that is the value. */
interface Match {
  readonly record: string
  readonly field: string
  readonly type: string
  readonly at: string
  readonly enc: string
}

export function addSearch(program: Command, session: Session): void {
  program
    .command('search')
    .summary('find where a value was committed')
    .description(
      'Finds every commitment of a journal that is of a given value: by the tags of equal values ' +
        'where there are some, else by computing the commitment at each place with its keys. What ' +
        'a destroyed or missing key closes cannot be searched, and is counted.',
    )
    .requiredOption('--journal <folder>', 'the journal folder')
    .requiredOption('--value <file>', 'the value; - for standard input')
    .option(
      '--enc <encoding>',
      'only as this encoding (default: whatever the file can be)',
      encodingOption,
    )
    .option('--encoded', 'the file holds encoded bytes; needs --enc')
    .option('--keys <folder>', 'the keyring (default: <folder>.keys)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal search --value order.json --journal ./audit
  echo -n 'alice@example.com' | \\
    spanseal search --value - --journal ./audit --json

Exit status: 0 found, 1 not found, 2 could not run.`,
    )
    .action((options: SearchOptions) => search(options, session))
}

async function search(options: SearchOptions, session: Session): Promise<void> {
  const { terminal } = session
  const folder = existingFolder(options.journal)
  const searches = searchesOf(options)
  const matches: Match[] = []
  let unsearchable = 0
  const progress = progressOf('searching', journalBytes([folder]), terminal)
  const epochs = countBytes(readJournal(folder), progress)
  for await (const record of readRecords(epochs, { mentioning: '"c":"' })) {
    const inLog = searches(record.chain.log)
    for (const placed of commitmentsOf(record)) {
      const outcome = inLog.look(placed)
      if (outcome === 'unsearchable') unsearchable++
      if (outcome === 'match') matches.push(matchOf(record, placed.field, placed.commitment.enc))
    }
  }
  if (matches.length === 0) session.exitCode = EXIT.faults
  if (options.json) {
    terminal.print(`${printableJson({ matches, unsearchable }, 2)}\n`)
    return
  }
  for (const { at, field, record, type } of matches) {
    terminal.print(`${at}  ${record}  ${printable(type)}  ${field}\n`)
  }
  const found = matches.length === 1 ? '1 commitment is' : `${matches.length} commitments are`
  terminal.note(`spanseal: ${found} of this value`)
  if (unsearchable > 0) {
    terminal.note(
      `spanseal: ${unsearchable} could not be searched: their keys are destroyed or not in the keyring`,
    )
  }
}

function matchOf({ chain, time, type }: AuditRecord, field: string, enc: string): Match {
  return { record: `${chain.epoch}/${chain.seq}`, field, type, at: time.at, enc }
}

/** A search in each log that the journal holds. */
function searchesOf(options: SearchOptions): (log: string) => ValueSearch {
  const file = readValue(options.value)
  if (options.encoded && options.enc === undefined) {
    throw new AuditError('INVALID_OPTION', '--encoded: name the encoding with --enc')
  }
  const { enc } = options
  const values =
    enc === undefined
      ? allEncodingsOf(file)
      : options.encoded
        ? [{ enc, body: file, partial: false }]
        : encodingsOf(file, enc)
  keyringFolderOf(options)
  const searches = new Map<string, ValueSearch>()
  return (log) => {
    let inLog = searches.get(log)
    if (inLog === undefined) {
      inLog = new ValueSearch(values, keyringOf(log, options))
      searches.set(log, inLog)
    }
    return inLog
  }
}

/** A keyring that never knew the log has none of its keys. */
function keyringOf(log: string, options: SearchOptions): Keyring | undefined {
  return existsSync(keyringFolderOf(options)) ? existingKeyring(log, options) : undefined
}
