// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Bundle } from '@spanseal/core'
import {
  AuditError,
  formatBundle,
  parseCheckpoint,
  parseNote,
  printable,
  printableJson,
} from '@spanseal/core'
import { proveJournalRecord } from '@spanseal/journal'
import { readTenantLog } from '@spanseal/transparency'
import type { Command } from 'commander'
import { existingLog } from '../option-values.ts'
import type { Session } from '../session.ts'
import { shortFile } from './check-options.ts'
import { journalGiven, recordIdOf } from './open-record.ts'
import { writePrivate } from './open-value.ts'

interface ProveOptions {
  readonly journal: string
  readonly log?: string
  readonly head?: string
  readonly leaves?: string
  readonly out?: string
  readonly json?: true
}

export function addProve(program: Command, session: Session): void {
  program
    .command('prove')
    .summary('write the proof that one record is in the log')
    .description(
      'Writes a proof bundle: one record, its way up to a signed checkpoint, and the certificates ' +
        'of the key that signed. Whoever has the tenant or issuer key checks it without journal ' +
        'and network (spanseal check). The record is shown in it as it stands; its commitments ' +
        'stay closed (spanseal open opens one).',
    )
    .argument('<epoch/seq>', 'the record, as spanseal tail and search show it')
    .requiredOption('--journal <folder>', 'the journal folder')
    .option('--log <folder>', 'also prove that the epoch is in this tenant log')
    .option('--head <file>', 'lead to this signed head of it, which somebody keeps, not the newest')
    .option('--leaves <folder>', 'keep leaf hashes there, so that the next proof reads less')
    .option('--out <file>', 'write the bundle there, readable for you only (default: stdout)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal prove 019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00/7 \\
                 --journal ./audit --out proof.json
  spanseal prove 019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00/7 \\
                 --journal ./audit --log ./tenant-log > proof.json

Exit status: 0 done, 2 could not run: no such record, no checkpoint covers it
yet, or the journal is not what was signed.`,
    )
    .action((id: string, options: ProveOptions) => prove(id, options, session))
}

async function prove(wanted: string, options: ProveOptions, session: Session): Promise<void> {
  if (options.head !== undefined && options.log === undefined) {
    const message = '--head: it is a head of the tenant log; name that with --log'
    throw new AuditError('INVALID_OPTION', message, { details: { option: '--head' } })
  }
  const journal = journalGiven(options.journal)
  const { epoch, seq } = recordIdOf(wanted, journal)
  const id = `${epoch}/${seq}`
  const bundle = await proveJournalRecord(journal, {
    epoch,
    seq,
    ...(options.log !== undefined && { log: readTenantLog(existingLog('--log', options.log)) }),
    ...(options.head !== undefined && { head: signedHead(options.head) }),
    ...(options.leaves !== undefined && { leavesFolder: options.leaves }),
  })
  const text = formatBundle(bundle)
  if (options.out !== undefined) writePrivate(options.out, text)
  const { print, note } = session.terminal
  if (options.json === true) {
    const rest =
      options.out === undefined ? { bundle: JSON.parse(text) as unknown } : { out: options.out }
    print(`${printableJson({ record: id, ...sizesOf(bundle), ...rest }, 2)}\n`)
    return
  }
  if (options.out === undefined) print(text)
  const { checkpoint, tenant } = sizesOf(bundle)
  const log = tenant === undefined ? '' : ` and the tenant log of size ${tenant}`
  const where = options.out === undefined ? '' : `: ${printable(options.out)}`
  note(`spanseal: record ${id} is in the checkpoint of size ${checkpoint}${log}${where}`)
}

/** A head that somebody keeps, whole: what stands in a head line is not signed. */
function signedHead(file: string): string {
  const text = shortFile('--head', file).toString()
  try {
    parseCheckpoint(parseNote(text).text)
    return text
  } catch (cause) {
    const message = `--head: ${file} is no signed checkpoint; keep the file \`checkpoint\` of the tenant log for that`
    throw new AuditError('MALFORMED_NOTE', message, { cause, details: { option: '--head', file } })
  }
}

/** What the bundle leads to. */
function sizesOf(bundle: Bundle): { readonly checkpoint: number; readonly tenant?: number } {
  const sizeOf = (note: string): number => parseCheckpoint(parseNote(note).text).size
  const checkpoint = sizeOf(bundle.checkpoint)
  if (bundle.tenant === undefined) return { checkpoint }
  return { checkpoint, tenant: sizeOf(bundle.tenant.checkpoint) }
}
