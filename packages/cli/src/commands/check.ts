// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { BundleVerdict, CheckBundleOptions } from '@spanseal/core'
import { AuditError, checkBundle, printableJson } from '@spanseal/core'
import { timestampVerifier } from '@spanseal/transparency'
import type { Command } from 'commander'
import { EXIT } from '../exit-code.ts'
import { certificatesGiven, headsGiven, keysGiven, revocationsGiven } from '../given-files.ts'
import { collect } from '../option-values.ts'
import type { Session } from '../session.ts'
import { shortFile, witnessesGiven } from './check-options.ts'
import { bundleText } from './check-text.ts'

interface CheckOptions {
  readonly key?: readonly string[]
  readonly head?: readonly string[]
  readonly witness?: string
  readonly witnessKey?: readonly string[]
  readonly revocation?: readonly string[]
  readonly tsa?: readonly string[]
  readonly json?: true
}

export function addCheck(program: Command, session: Session): void {
  program
    .command('check')
    .summary('check a proof that one record is in the log')
    .description(
      'Checks proof bundles, as spanseal prove and spanseal open write them, from the files and ' +
        'the keys alone: no journal, no keyring, no network. Says who vouches for the record, what ' +
        'its opened commitments stand for, and what that does not prove.',
    )
    .argument('<bundle...>', 'files with one proof bundle each')
    .option('--key <vkey|file>', 'a key you trust, from elsewhere; repeatable', collect)
    .option(
      '--head <line|file>',
      'heads that you kept, of the tenant log or epochs; repeatable',
      collect,
    )
    .option('--witness <k/n>', 'k of the n witnesses must have cosigned the tenant log')
    .option('--witness-key <vkey|file>', 'a witness you trust; repeatable', collect)
    .option('--revocation <file>', 'a signed revocation that you know of; repeatable', collect)
    .option('--tsa <file>', 'certificate (PEM) of a time-stamp authority; repeatable', collect)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal check proof.json --key tenant.vkey
  spanseal check proof.json --key tenant.vkey --head heads-of-monday.txt
  spanseal check *.json --key tenant.vkey --witness 2/3 \\
                 --witness-key witnesses.vkeys

Exit status: 0 every bundle holds; 1 one does not, or is not what the keys,
heads and witnesses you gave vouch for; 2 it could not be checked.`,
    )
    .action((files: readonly string[], options: CheckOptions) => check(files, options, session))
}

async function check(
  files: readonly string[],
  options: CheckOptions,
  session: Session,
): Promise<void> {
  if (files.includes('')) throw new AuditError('INVALID_OPTION', 'the name of a bundle is empty')
  const asked = askedFor(options)
  const verdicts: { readonly file: string; readonly verdict: BundleVerdict }[] = []
  const { print } = session.terminal
  for (const file of files) {
    const bytes = shortFile('bundle', file)
    const verdict = await checkBundle(bytes, asked)
    verdicts.push({ file, verdict })
    if (options.json === true) continue
    if (verdicts.length > 1) print('\n')
    print(bundleText(verdict, { file, bytes, keysPinned: asked.keys.length }, session.terminal))
  }
  if (options.json === true) {
    const bundles = verdicts.map(({ file, verdict }) => ({ file, ...verdict }))
    print(`${printableJson({ bundles }, 2)}\n`)
  }
  const holds = verdicts.every(({ verdict }) => verdict.ok)
  session.exitCode = holds ? EXIT.holds : EXIT.faults
}

function askedFor(options: CheckOptions): CheckBundleOptions {
  const witnesses = witnessesGiven(options.witness, options.witnessKey ?? [])
  const { tsa } = options
  return {
    keys: keysGiven(options.key ?? []),
    heads: headsGiven(options.head ?? []),
    revocations: revocationsGiven(options.revocation ?? []),
    ...(witnesses !== undefined && { witnesses }),
    ...(tsa !== undefined && { verifyTimestamp: timestampVerifier(certificatesGiven(tsa)) }),
  }
}
