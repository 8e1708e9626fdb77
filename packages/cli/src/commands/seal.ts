// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, pause, printable } from '@spanseal/core'
import type { Sealer, SealRound, TenantLog, Witness } from '@spanseal/transparency'
import type { Command } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { EXIT } from '../exit-code.ts'
import { failureOf } from '../failure.ts'
import { keysGiven, revocationsGiven } from '../given-files.ts'
import type { KafkaFlags } from '../kafka-options.ts'
import { addKafkaOptions } from '../kafka-options.ts'
import { collect, wholeNumber } from '../option-values.ts'
import type { Session } from '../session.ts'
import { stopSignal } from '../stop-signal.ts'
import type { Terminal } from '../terminal.ts'
import type { TenantOptions } from './keys-options.ts'
import { addTenantOptions, requiredTenant } from './keys-options.ts'
import { assertSealPlaces } from './seal-folder.ts'
import type { SealSource } from './seal-sources.ts'
import { journalSealSource, kafkaSealSource } from './seal-sources.ts'
import type { RoundOutcome } from './seal-text.ts'
import { hasFaults, outcomeJson, printOutcome } from './seal-text.ts'

const SECOND_MILLIS = 1_000

interface SealOptions extends TenantOptions, Omit<KafkaFlags, 'brokers'> {
  readonly logDir: string
  readonly brokers?: string
  readonly issuerKey?: readonly string[]
  readonly witness?: readonly string[]
  readonly threshold?: number
  readonly witnessTimeout: number
  readonly revocation?: readonly string[]
  readonly watch?: true
  readonly every: number
  readonly json?: true
}

export function addSeal(program: Command, session: Session): void {
  const command = program
    .command('seal')
    .summary('take epochs’ checkpoints into the tenant log')
    .description(
      'Takes the newest checkpoint of each epoch, from journals or from Kafka, into the tenant log: a ' +
        'folder to be served as it is. Each is taken only if its signature, its certificates and its ' +
        'records hold and it continues what the log has already. Witnesses cosign the new head.',
    )
    .argument('[journal...]', 'journal folders; none: from Kafka (--brokers)')
    .requiredOption('--log-dir <folder>', 'the tenant log; <folder>.sealer beside it is not served')
  addTenantOptions(command)
    .option(
      '--issuer-key <vkey|file>',
      'an issuer whose epochs are taken without a certificate by the tenant; may be given again',
      collect,
    )
    .option('--witness <vkey@url>', 'ask this witness to cosign; may be given again', collect)
    .option(
      '--threshold <k>',
      'cosignatures asked for (default: of all witnesses)',
      wholeNumber('--threshold', 0, 63),
    )
    .option(
      '--witness-timeout <seconds>',
      'for each witness',
      wholeNumber('--witness-timeout', 1, 600),
      10,
    )
    .option(
      '--revocation <file>',
      'add a revocation (spanseal keys revoke); may be given again',
      collect,
    )
    .option('--watch', 'go on until SIGINT or SIGTERM')
    .option(
      '--every <seconds>',
      'how often to look, with --watch',
      wholeNumber('--every', 1, 86_400),
      10,
    )
    .option(
      '--json',
      'print the outcome as JSON; with --watch a line for each round that did something',
    )
  addKafkaOptions(command).addHelpText(
    'after',
    `
Examples:
  spanseal seal ./audit --log-dir ./tenant-log --tenant-key ./tenant.pem
  spanseal seal ./audit-1 ./audit-2 --log-dir /srv/log --watch \\
    --tenant-command "kms-sign tenant" --tenant-vkey ./tenant.vkey \\
    --witness "w1.example+…@https://w1.example" \\
    --witness "w2.example+…@https://w2.example" --threshold 1
  spanseal seal --brokers kafka:9092 --log-dir ./tenant-log \\
    --tenant-key ./tenant.pem

Exit status: 0 sealed; 1 a checkpoint was refused (the rest is sealed), or too
few witnesses cosigned; 2 could not run.`,
  )
  command.options.find(({ long }) => long === '--brokers')?.makeOptionMandatory(false)
  command.action(async (journals: readonly string[], options: SealOptions) => {
    session.exitCode = await seal(journals, options, session.terminal)
  })
}

async function seal(
  journals: readonly string[],
  options: SealOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  // Loaded here, so that other commands start without it.
  const transparency = await import('@spanseal/transparency')
  if (journals.length === 0 && options.brokers === undefined && options.revocation === undefined) {
    throw new AuditError('INVALID_OPTION', 'name a journal, or --brokers to read from Kafka')
  }
  if (journals.length > 0 && options.brokers !== undefined) {
    throw new AuditError('INVALID_OPTION', 'name journals or --brokers, not both')
  }
  const asked = options.threshold ?? 0
  if (asked > (options.witness?.length ?? 0)) {
    const has = `${options.witness?.length ?? 0} times --witness`
    throw new AuditError('INVALID_OPTION', `--threshold: ${asked} cannot be had of ${has}`, {
      details: { option: '--threshold' },
    })
  }
  const watch = options.watch === true
  assertSealPlaces(options.logDir, { journals, tenantKey: options.tenantKey, watch })
  const signer = requiredTenant(options)
  const issuers = keysGiven(options.issuerKey ?? [], '--issuer-key')
  const witnesses = (options.witness ?? []).map(transparency.parseWitness)
  const revocations = revocationsGiven(options.revocation ?? [])
  const log = await transparency.TenantLog.open({ folder: options.logDir, signer })
  const stop = stopSignal(terminal.closed)
  const { signal } = stop
  let source: SealSource | undefined
  try {
    const onEpoch = (name: string): void => terminal.status(() => `sealing ${printable(name)}`)
    const sealer = await transparency.Sealer.open(log, { issuers, onEpoch })
    source = await sourceOf(journals, sealer, { options, signal, terminal })
    const work = { log, sealer, source, witnesses, revocations, options, terminal, signal }
    return await rounds(work)
  } finally {
    await source?.close()
    await log.close()
    stop.dispose()
  }
}

async function sourceOf(
  journals: readonly string[],
  sealer: Sealer,
  given: {
    readonly options: SealOptions
    readonly signal: AbortSignal
    readonly terminal: Terminal
  },
): Promise<SealSource> {
  const { options, signal, terminal } = given
  const { brokers } = options
  if (journals.length > 0 || brokers === undefined)
    return journalSealSource(sealer, journals, pause)
  const onMalformed = (topic: string): void =>
    terminal.note(`spanseal: a message of ${printable(topic)} is not what its topic holds`)
  const flags = { ...options, brokers }
  return kafkaSealSource(sealer, { flags, signal, watch: options.watch === true, onMalformed })
}

interface SealWork {
  readonly log: TenantLog
  readonly sealer: Sealer
  readonly source: SealSource
  readonly witnesses: readonly Witness[]
  readonly revocations: readonly string[]
  readonly options: SealOptions
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

async function rounds(work: SealWork): Promise<ExitCode> {
  const { log, options, sealer, signal, source, terminal } = work
  const knownSizes = new Map<string, number>()
  let revocations = await sealer.revoke(work.revocations)
  let exitCode: ExitCode = EXIT.holds
  let said = ''
  do {
    const round = await oneRound(work)
    if (round !== undefined) {
      const outcome = { ...(await cosign(work, knownSizes)), round, revocations }
      revocations = 0
      const text = outcomeJson(log, outcome, options.watch === true ? undefined : 2)
      terminal.clearStatus()
      if (isNews(outcome, options) && text !== said) {
        if (options.json === true) terminal.print(text)
        else printOutcome(log, outcome, terminal)
      }
      said = text
      if (outcome.round.refused.length > 0 || (!options.watch && hasFaults(outcome)))
        exitCode = EXIT.faults
    }
    if (options.watch === true) await source.wait(options.every * SECOND_MILLIS, signal)
  } while (options.watch === true && !signal.aborted)
  return exitCode
}

function isNews({ round, ...outcome }: RoundOutcome, { watch }: SealOptions): boolean {
  if (watch !== true || hasFaults({ round, ...outcome })) return true
  return round.added.length > 0 || outcome.revocations > 0
}

/** Undefined where it failed in a way that passes: then the next one tries again. */
async function oneRound({ options, source, terminal }: SealWork): Promise<SealRound | undefined> {
  try {
    return await source.round()
  } catch (error) {
    const isFatal = !(error instanceof AuditError) || error.code === 'LOG_UNUSABLE'
    if (options.watch !== true || isFatal) throw error
    const { code, message } = failureOf(error)
    terminal.note(`spanseal: ${code}: ${printable(message)}; trying again`)
    return undefined
  }
}

async function cosign(
  { log, options, signal, witnesses }: SealWork,
  knownSizes: Map<string, number>,
): Promise<Pick<RoundOutcome, 'threshold' | 'witnessed'>> {
  const { collectCosignatures } = await import('@spanseal/transparency')
  const timeoutMillis = options.witnessTimeout * SECOND_MILLIS
  const witnessed = await collectCosignatures(log, witnesses, { knownSizes, signal, timeoutMillis })
  const threshold = log.size === 0 ? 0 : (options.threshold ?? witnesses.length)
  return { threshold, witnessed }
}
