// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { BundleOpening, Encoding, PlacedCommitment } from '@spanseal/core'
import {
  AuditError,
  commitmentAt,
  commitmentDigest,
  commitmentSalt,
  commitmentsOf,
  encodingsOf,
  formatBundle,
  openingOf,
  printable,
  printableJson,
  proveRecord,
} from '@spanseal/core'
import type { Command } from 'commander'
import { EXIT } from '../exit-code.ts'
import type { Session } from '../session.ts'
import type { FoundRecord } from './open-record.ts'
import { existingKeyring, findRecord, journalGiven, keysOfKids } from './open-record.ts'
import { encodingOption, readValue, writePrivate } from './open-value.ts'
import type { VaultPlace } from './vault-options.ts'
import { addVaultOptions, existingVault } from './vault-options.ts'

interface OpenOptions extends VaultPlace {
  readonly field: string
  readonly value?: string
  readonly fromVault?: true
  readonly enc?: Encoding
  readonly encoded?: true
  readonly keys?: string
  readonly out?: string
  readonly json?: true
}

export function addOpen(program: Command, session: Session): void {
  const command = program
    .command('open')
    .summary('prove that a value is what a record committed')
    .description(
      'Compares a value with a commitment of a record, and where it is that value writes a proof ' +
        'bundle with an opening: record, proof, one salt and the value, for somebody who has ' +
        'neither the journal nor the keyring (spanseal check).',
    )
    .argument('<epoch/seq>', 'the record, as spanseal tail and search show it')
    .requiredOption('--journal <folder>', 'the journal folder')
    .option('--field <pointer>', 'where the commitment stands', '/invocation/input')
    .option('--value <file>', 'the value; - for standard input')
    .option('--from-vault', 'take the value from the vault')
    .option(
      '--enc <encoding>',
      'read the file as bytes, text, json, args/1 or items/1',
      encodingOption,
    )
    .option('--encoded', 'the file holds the encoded bytes themselves')
    .option('--keys <folder>', 'the keyring (default: <folder>.keys)')
    .option('--out <file>', 'write the bundle there, readable for you only (default: stdout)')
    .option('--json', 'print one JSON document')
  addVaultOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  spanseal open 019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00/7 --value order.json \\
                --journal ./audit --out proof.json
  spanseal open 019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00/8 \\
                --field /invocation/output --from-vault \\
                --journal ./audit --out proof.json
  echo -n 'yes' | spanseal open 019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00/9 \\
                --field /detail/content --value - --journal ./audit

A file is read as the record's encoding says: JSON for json, an array of the
arguments for args/1. An opening discloses the value and the salt of this one
commitment, and nothing else.

Exit status: 0 it is that value, 1 it is another, 2 could not run.`,
    )
    .action((id: string, options: OpenOptions) => open(id, options, session))
}

async function open(wanted: string, options: OpenOptions, session: Session): Promise<void> {
  if ((options.value === undefined) === (options.fromVault === undefined)) {
    throw new AuditError('INVALID_OPTION', 'give the value with --value, or --from-vault')
  }
  const found = await findRecord(journalGiven(options.journal), wanted)
  const id = `${found.record.chain.epoch}/${found.record.chain.seq}`
  const placed = placedAt(found, options.field)
  const opening = options.fromVault
    ? await fromVault(found, placed, options)
    : fromFile(found, placed, options)
  const { print, note } = session.terminal
  if (typeof opening === 'string') {
    session.exitCode = EXIT.faults
    if (options.json)
      print(
        `${printableJson({ record: id, field: placed.field, opens: false, why: opening }, 2)}\n`,
      )
    else note(`spanseal: ${printable(opening)}`)
    return
  }
  const bundle = await proveRecord(found.epoch, found.record.chain.seq)
  const text = formatBundle({ ...bundle, openings: [opening] })
  if (options.out !== undefined) writePrivate(options.out, text)
  if (options.json) {
    const rest =
      options.out === undefined ? { bundle: JSON.parse(text) as unknown } : { out: options.out }
    print(`${printableJson({ record: id, field: placed.field, opens: true, ...rest }, 2)}\n`)
    return
  }
  if (options.out === undefined) print(text)
  const where = options.out === undefined ? '' : `; ${printable(options.out)} proves it`
  note(`spanseal: this is what ${id} committed at ${placed.field}${where}`)
  if (placed.commitment.alg === 'blinded-sha256' && placed.commitment.eq !== undefined) {
    note(
      'spanseal: whoever has the journal can see by its eq where else in the period this value stands',
    )
  }
}

function placedAt({ record }: FoundRecord, field: string): PlacedCommitment {
  const placed = commitmentAt(record, field)
  if (placed !== undefined) return placed
  const fields = commitmentsOf(record).map((one) => one.field)
  const others = fields.length === 0 ? 'it has no commitment' : `it has ${fields.join(', ')}`
  throw new AuditError('NOT_FOUND', `the record commits nothing at ${field}; ${others}`, {
    details: { option: '--field' },
  })
}

/** The opening, or why the file is not the value. */
function fromFile(
  { record }: FoundRecord,
  placed: PlacedCommitment,
  options: OpenOptions,
): BundleOpening | string {
  const { commitment, field, place } = placed
  const { enc } = commitment
  if (options.enc !== undefined && options.enc !== enc) {
    return `the record committed ${field} as ${enc}, not as ${options.enc}`
  }
  const file = readValue(options.value ?? '-')
  const bodies = options.encoded ? [{ enc, body: file }] : encodingsOf(file, enc)
  if (bodies.length === 0) {
    return `the record committed ${field} as ${enc}, which this file is not; --encoded takes encoded bytes`
  }
  const keys =
    commitment.alg === 'sha256'
      ? undefined
      : keysOfKids(existingKeyring(record.chain.log, options), commitment.kid)
  const salt = keys === undefined ? undefined : commitmentSalt(place, keys)
  const match = bodies.find((one) => commitmentDigest(one, place, salt) === commitment.c)
  if (match !== undefined) return openingOf(placed, match.body, keys)
  return `this is not the value that the record committed at ${field}`
}

async function fromVault(
  { record }: FoundRecord,
  { commitment, field, place }: PlacedCommitment,
  options: OpenOptions,
): Promise<BundleOpening> {
  const keyring = existingKeyring(record.chain.log, options)
  const value = await existingVault(keyring, options).get(commitment)
  const { opening } = value
  // The vault checked c at the place that it says; here it must be the place of this record.
  if (
    opening !== undefined &&
    commitmentDigest({ enc: value.enc, body: value.bytes }, place, opening.salt) !== commitment.c
  ) {
    throw new AuditError(
      'VAULT_UNUSABLE',
      `vault: what it holds does not belong to ${field} of this record`,
    )
  }
  return {
    field,
    enc: value.enc,
    ...(opening !== undefined && { salt: opening.salt }),
    value: Buffer.from(value.bytes).toString('base64'),
  }
}
