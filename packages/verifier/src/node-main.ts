// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync, statSync } from 'node:fs'
import { basename, relative } from 'node:path'
import { parseArgs } from 'node:util'
import type { ErrorCode } from '@spanseal/core'
import { AuditError, isEpochId, notesIn, printable, printableJson } from '@spanseal/core'
import type { Trusted } from './examine.ts'
import { examine } from './examine.ts'
import { headsIn, keysIn, witnessKeysIn } from './given-text.ts'
import { filesAt } from './node-files.ts'
import { statementsOf } from './statement.ts'
import { statementText } from './statement-text.ts'

declare const SPANSEAL_VERSION: string

const EXIT = { holds: 0, faults: 1, couldNotRun: 2 } as const
const GIVEN_BYTES_MAX = 1024 * 1024
const WIDTH_COLUMNS = 100

const HELP = `usage: node verify.mjs <folder|file>… --key <vkey> [option…]

Checks a spanseal audit trail, or proof bundles, with nothing else at hand: no
network, no other program. Folders may hold journals, a tenant log, bundles or an
export with all of them; what they hold of one log is checked together.

  --key <vkey|file>      a key you trust; repeatable. Have it from elsewhere than
                         the files: by telephone, from a contract, a website
  --head <line|file>     a head you kept: "<origin> <size> <root>", a file of such
                         lines, or signed checkpoints; repeatable
  --witness <vkey|file>  a witness you trust; repeatable
  --threshold <k>        how many of them must have cosigned (default: all)
  --revocation <file>    signed revocations besides those in the tenant log; repeatable
  --live                 the writer was at work when the files were copied
  --json                 print the verdict as one JSON document
  --version              print the version
  --help                 print this

Examples:
  node verify.mjs journal --key "$(cat issuer.vkey)"
  node verify.mjs . --key issuer.vkey --head heads-of-monday.txt --json
  node verify.mjs record.bundle.json --key issuer.vkey --witness w1.vkey --witness w2.vkey

Exit status: 0 it holds; 1 there are faults, or it is not what your keys and heads
vouch for; 2 it could not be checked.
Time-stamps (level 5) are not checked here: openssl ts, or spanseal verify, can.
`

/** How this program is told what a statement advises. */
const HINTS = {
  key: '--key <vkey>',
  heads: '--head <file>',
  log: 'its folder beside the journal, and --witness <vkey>',
  outside: '--head, --witness, --revocation',
  live: 'verify with --live',
  json: '--json',
  everyKey: 'each takes a --key of its own',
}

/** What each option wants, for whoever gave something else. */
const WANTED: Readonly<Record<string, string>> = {
  '--key': 'verifier key, <name>+<8 hex digits>+<base64>',
  '--head': 'head line or signed checkpoint',
  '--witness': "witness's key, <name>+<8 hex digits>+<base64>",
  '--revocation': 'signed revocation',
}

const OPTIONS = {
  key: { type: 'string', multiple: true, default: [] as string[] },
  head: { type: 'string', multiple: true, default: [] as string[] },
  witness: { type: 'string', multiple: true, default: [] as string[] },
  threshold: { type: 'string' },
  revocation: { type: 'string', multiple: true, default: [] as string[] },
  live: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  version: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
  })
  if (values.help) return print(HELP)
  if (values.version) return print(`${SPANSEAL_VERSION}\n`)
  if (positionals.length === 0 || positionals.includes('')) {
    throw new AuditError('INVALID_OPTION', 'name a folder or a file; see --help')
  }
  const trusted: Trusted = {
    keys: given('--key', values.key, keysIn),
    heads: given('--head', values.head, headsIn),
    witnesses: given('--witness', values.witness, witnessKeysIn),
    revocations: given('--revocation', values.revocation, notesIn),
    ...(values.threshold === undefined ? {} : { threshold: wholeNumber(values.threshold) }),
    live: values.live,
    // Who names single epochs knows of the others.
    partial: positionals.every((path) => isEpochPart(basename(path))),
  }
  for (const file of [...values.key, ...values.head, ...values.witness, ...values.revocation]) {
    noteIfWithin(file, positionals)
  }
  const report = await examine(await filesAt(positionals), trusted, { onProgress: showProgress })
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  if (values.json) print(`${printableJson(report, 2)}\n`)
  else {
    const color = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
    const width = Math.max(60, Math.min(process.stdout.columns ?? WIDTH_COLUMNS, WIDTH_COLUMNS))
    const texts = statementsOf(report, trusted, HINTS).map((each) =>
      statementText(each, { width, color }),
    )
    print(texts.join('\n'))
  }
  return report.ok ? EXIT.holds : EXIT.faults
}

function print(text: string): number {
  process.stdout.write(text)
  return EXIT.holds
}

/** Values that are a file's name stand for what is in it. */
function given<T>(
  option: string,
  values: readonly string[],
  parse: (text: string) => readonly T[],
): T[] {
  return values.flatMap((value) => {
    const file = isFile(value) ? value : undefined
    const text = file === undefined ? value : readGiven(option, file)
    const refuse = (code: ErrorCode): never => {
      // What was given instead may be a private key: it is not repeated.
      const what = file === undefined ? 'what was given is neither a file nor' : `${file} holds no`
      throw new AuditError(code, `${option}: ${what} ${WANTED[option] ?? 'such text'}`)
    }
    try {
      const parsed = parse(text)
      return parsed.length > 0 ? parsed : refuse('INVALID_OPTION')
    } catch (error) {
      return refuse(error instanceof AuditError ? error.code : 'INVALID_OPTION')
    }
  })
}

function isEpochPart(name: string): boolean {
  return isEpochId(name) || /^\d{12}\.jsonl$/.test(name)
}

/** What came with the evidence cannot vouch for it. */
function noteIfWithin(path: string, folders: readonly string[]): void {
  if (!isFile(path)) return
  const within = folders.some((folder) => !relative(folder, path).startsWith('..'))
  if (!within) return
  const note = `verify.mjs: ${path} lies in what is checked: it proves something only if you have it from elsewhere`
  process.stderr.write(`${printable(note)}\n`)
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function readGiven(option: string, path: string): string {
  if (statSync(path).size > GIVEN_BYTES_MAX) {
    throw new AuditError('INVALID_OPTION', `${option}: ${path} has over 1 MiB`)
  }
  return readFileSync(path, 'utf8')
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw new AuditError('INVALID_OPTION', `--threshold: ${text} is not a whole number from 1 on`)
}

let shownAt = 0

function showProgress(bytes: number, totalBytes: number): void {
  const now = performance.now()
  if (!process.stderr.isTTY || now - shownAt < 200 || totalBytes === 0) return
  shownAt = now
  const percent = Math.min(100, Math.floor((bytes / totalBytes) * 100))
  process.stderr.write(`\r\u001b[Kverifying ${percent} %`)
}

// Whoever has seen enough (`| head`) is no error.
process.stdout.on('error', () => undefined)

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    const { code = 'UNEXPECTED', message = String(error) } = error as Partial<NodeJS.ErrnoException>
    const said = code.startsWith('ERR_PARSE_ARGS')
      ? `INVALID_OPTION: ${message.split('. ')[0]}; see --help`
      : `${code}: ${message}`
    process.stderr.write(`verify.mjs: ${printable(said)}\n`)
    process.exitCode = EXIT.couldNotRun
  },
)
