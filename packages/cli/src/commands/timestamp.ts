// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  AuditError,
  parseCheckpoint,
  parseNote,
  printable,
  printableJson,
  sha256Hex,
} from '@spanseal/core'
import type { Command } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { EXIT } from '../exit-code.ts'
import { certificatesGiven } from '../given-files.ts'
import { collect, existingLog, wholeNumber } from '../option-values.ts'
import type { Session } from '../session.ts'
import { publishFile, readSmallFile } from './timestamp-files.ts'

interface RequestFlags {
  readonly logDir: string
  readonly tsaUrl: string
  readonly tsa?: readonly string[]
  readonly timeoutMs?: number
  readonly json?: true
}

interface VerifyFlags {
  readonly data: string
  readonly tsa: readonly string[]
  readonly json?: true
}

const NOTE_BYTES_MAX = 65_536
/** Of a token as of what it is over: a checkpoint, or a file that somebody stamped. */
const TOKEN_BYTES_MAX = 65_536
const DATA_BYTES_MAX = 64 * 1024 * 1024

export function addTimestamp(program: Command, session: Session): void {
  const timestamp = program
    .command('timestamp')
    .summary('let an authority stamp a head, or check its stamp')
    .description(
      'Time-stamps (RFC 3161) over the head of a tenant log: the word of an authority, which ' +
        'neither writes nor reads the log, that the head was there at a time.',
    )
  addRequest(timestamp, session)
  addVerify(timestamp, session)
}

function addRequest(timestamp: Command, session: Session): void {
  timestamp
    .command('request')
    .summary('let an authority stamp the newest head of a tenant log')
    .description(
      "Sends the SHA-256 of the newest checkpoint's text to a time-stamping authority, checks its " +
        'answer, and keeps it as timestamps/<size>.tsr in the folder. Nothing else leaves this ' +
        'machine. A head that has its stamp already is left as it is.',
    )
    .requiredOption('--log-dir <folder>', "the tenant log's folder, which holds its checkpoint")
    .requiredOption('--tsa-url <url>', 'http or https address of the authority')
    .option(
      '--tsa <pem>',
      "file with an authority's certificate that is trusted; may be given several times " +
        '(default: the certificate in the answer is taken, and its authority is not checked)',
      collect,
    )
    .option(
      '--timeout-ms <millis>',
      'how long to wait for the answer (default: 10000)',
      wholeNumber('--timeout-ms', 1, 600_000),
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal timestamp request --log-dir ./tenant-log \\
                             --tsa-url http://tsa.example/ --tsa tsa-root.pem

Exit status: 0 the head has a stamp, 2 the authority gave none that holds.`,
    )
    .action(async (flags: RequestFlags) => {
      session.exitCode = await request(flags, session)
    })
}

function addVerify(timestamp: Command, session: Session): void {
  timestamp
    .command('verify')
    .summary('check a time-stamp')
    .description(
      'Checks that an authority stamped a checkpoint, and says when. Asks nobody: whether a ' +
        'certificate was revoked is not looked up.',
    )
    .argument('<tsr>', "the authority's answer, as timestamps/<size>.tsr holds it")
    .requiredOption(
      '--data <file>',
      'what was stamped; of a signed checkpoint its text counts, of any other file every byte',
    )
    .requiredOption(
      '--tsa <pem>',
      "file with a trusted authority's certificate; may be given several times",
      collect,
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal timestamp verify tenant-log/timestamps/4711.tsr \\
                            --data head-4711.note --tsa tsa-root.pem

Exit status: 0 it holds, 1 it does not, 2 something could not be read.`,
    )
    .action(async (tsr: string, flags: VerifyFlags) => {
      session.exitCode = await verify(tsr, flags, session)
    })
}

async function request(flags: RequestFlags, { terminal }: Session): Promise<ExitCode> {
  const { requestTimestamp } = await import('@spanseal/transparency')
  const folder = existingLog('--log-dir', flags.logDir)
  const note = await readText(join(folder, 'checkpoint'), NOTE_BYTES_MAX)
  const { text } = parseNote(note)
  const { origin, size } = parseCheckpoint(text)
  const file = join(flags.logDir, 'timestamps', `${size}.tsr`)
  const say = (created: boolean, time?: string): ExitCode => {
    const done = created ? `stamped at ${time}` : 'has its time-stamp already'
    terminal.print(
      flags.json === true
        ? `${printableJson({ origin, size, file, created, ...(time && { time }) }, 2)}\n`
        : `${printable(`${origin}, size ${size}: ${done}`)}\n${printable(file)}\n`,
    )
    return EXIT.holds
  }
  if (existsSync(file)) return say(false)
  const stamp = await requestTimestamp(flags.tsaUrl, sha256Hex(text), {
    ...(flags.tsa && { authorities: certificatesGiven(flags.tsa) }),
    ...(flags.timeoutMs !== undefined && { timeoutMillis: flags.timeoutMs }),
  })
  return say(await publishFile(file, stamp.token), stamp.time)
}

async function verify(tsr: string, flags: VerifyFlags, { terminal }: Session): Promise<ExitCode> {
  const { timestampVerifier } = await import('@spanseal/transparency')
  const check = timestampVerifier(certificatesGiven(flags.tsa))
  const token = await readSmallFile(tsr, TOKEN_BYTES_MAX, 'time-stamp')
  const digest = sha256Hex(stampedBytes(await readSmallFile(flags.data, DATA_BYTES_MAX, '--data')))
  const { paint, print } = terminal
  try {
    const { accuracyMillis, policy, serial, time } = await check(token, digest)
    const stamp = { time, ...(accuracyMillis !== undefined && { accuracyMillis }), policy, serial }
    if (flags.json === true) print(`${printableJson({ ok: true, ...stamp }, 2)}\n`)
    else {
      const within = accuracyMillis === undefined ? '' : ` (give or take ${accuracyMillis} ms)`
      print(`${paint('green', 'The time-stamp holds.')}\n`)
      print(`It was there at ${time}${within}, policy ${printable(policy)}, number ${serial}.\n`)
    }
    return EXIT.holds
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== 'MALFORMED_TIMESTAMP') throw error
    const { code, message } = error
    if (flags.json === true) print(`${printableJson({ ok: false, code, message }, 2)}\n`)
    else print(`${paint('red', 'The time-stamp does not hold.')}\n${printable(message)}\n`)
    return EXIT.faults
  }
}

/** The text of a signed checkpoint, so that cosignatures that came later change nothing. */
function stampedBytes(bytes: Uint8Array): string | Uint8Array {
  try {
    const { text } = parseNote(Buffer.from(bytes).toString('utf8'))
    parseCheckpoint(text)
    return text
  } catch {
    return bytes
  }
}

async function readText(path: string, bytesMax: number): Promise<string> {
  return Buffer.from(await readSmallFile(path, bytesMax, '--log-dir')).toString('utf8')
}
