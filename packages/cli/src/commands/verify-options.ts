// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { basename, resolve } from 'node:path'
import type { VerifyOptions } from '@spanseal/core'
import { AuditError, isEpochId } from '@spanseal/core'
import { readTenantLog, timestampVerifier } from '@spanseal/transparency'
import type { Command } from 'commander'
import {
  certificatesGiven,
  headFileGiven,
  headsGiven,
  keysGiven,
  revocationsGiven,
} from '../given-files.ts'
import { collect, existingLog, wholeNumber } from '../option-values.ts'
import { witnessesGiven } from './check-options.ts'

/** What `verify` and `head export` are told about whom to believe. */
export interface TrustOptions {
  readonly key?: readonly string[]
  readonly head?: readonly string[]
  readonly log?: string
  readonly witness?: string
  readonly witnessKey?: readonly string[]
  readonly revocation?: readonly string[]
  readonly tsa?: readonly string[]
  readonly since?: string
  readonly live?: true
  readonly threads?: number
}

export function addTrustOptions(command: Command): Command {
  return command
    .option(
      '--key <vkey|file>',
      'a key you trust, from elsewhere than the journal; repeatable',
      collect,
    )
    .option(
      '--head <line|file>',
      'heads kept elsewhere: a head line, or a file of head lines or signed checkpoints; repeatable',
      collect,
    )
    .option('--log <folder>', 'the tenant log that names the epochs, as it is served')
    .option('--witness <k/n>', 'how many of your witnesses must have cosigned the tenant log')
    .option('--witness-key <vkey|file>', 'a witness you trust; repeatable', collect)
    .option(
      '--revocation <file>',
      "signed revocations, besides the tenant log's; repeatable",
      collect,
    )
    .option(
      '--tsa <file>',
      'PEM certificate of a time-stamp authority you trust; repeatable',
      collect,
    )
    .option('--since <file>', 'a head file that you kept: read only what is new since')
    .option('--live', 'a writer is at work: epochs without an end are no fault')
    .option(
      '--threads <n>',
      'epochs checked at once (default: one a core where the journal has over 64 MiB, at most 8)',
      wholeNumber('--threads', 1, 64),
    )
}

/**
 * The options of a verification.
 *
 * @throws AuditError for what was given and is wrong
 */
export function verifyOptions(paths: readonly string[], options: TrustOptions): VerifyOptions {
  if (paths.includes('')) {
    throw new AuditError('INVALID_OPTION', 'a path is empty; name a journal folder or a file')
  }
  const { log, since, tsa } = options
  const witnesses = witnessesGiven(options.witness, options.witnessKey ?? [])
  if (log === undefined && (witnesses !== undefined || tsa !== undefined)) {
    const option = witnesses === undefined ? '--tsa' : '--witness'
    const message = `${option}: it is the tenant log that is cosigned and time-stamped; name it with --log`
    throw new AuditError('INVALID_OPTION', message, { details: { option } })
  }
  return {
    keys: keysGiven(options.key ?? []),
    heads: headsGiven(options.head ?? []),
    live: options.live === true,
    // Who names single epochs knows of the others.
    partial: paths.every(
      (path) => isEpochId(basename(resolve(path))) || /\.jsonl(\.zst)?$/.test(path),
    ),
    revocations: revocationsGiven(options.revocation ?? []),
    ...(log !== undefined && { tenantLog: readTenantLog(existingLog('--log', log)) }),
    ...(witnesses !== undefined && { witnesses }),
    ...(since !== undefined && { since: headFileGiven(since) }),
    ...(tsa !== undefined && { verifyTimestamp: timestampVerifier(certificatesGiven(tsa)) }),
  }
}
