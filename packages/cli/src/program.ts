// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { addCheck } from './commands/check.ts'
import { addDeadLetters } from './commands/dead-letters.ts'
import { addExport } from './commands/export.ts'
import { addForget } from './commands/forget.ts'
import { addHead } from './commands/head.ts'
import { addKeys } from './commands/keys.ts'
import { addOpen } from './commands/open.ts'
import { addProve } from './commands/prove.ts'
import { addRestore } from './commands/restore.ts'
import { addSeal } from './commands/seal.ts'
import { addSearch } from './commands/search.ts'
import { addShip } from './commands/ship.ts'
import { addStatus } from './commands/status.ts'
import { addTail } from './commands/tail.ts'
import { addTimeline } from './commands/timeline.ts'
import { addTimestamp } from './commands/timestamp.ts'
import { addTopics } from './commands/topics.ts'
import { addVault } from './commands/vault.ts'
import { addVerify } from './commands/verify.ts'
import type { ExitCode } from './exit-code.ts'
import { EXIT } from './exit-code.ts'
import { failureJson, failureLine, failureOf } from './failure.ts'
import type { Session } from './session.ts'
import type { Terminal } from './terminal.ts'
import { openTerminal } from './terminal.ts'

/** Runs the command line; never throws. */
export async function run(
  args: readonly string[],
  terminal: Terminal = openTerminal(),
): Promise<ExitCode> {
  const exitCode = await runProgram(args, terminal)
  const lost = await terminal.finish()
  if (lost === undefined) return exitCode
  // A verdict that nobody can read must not look like one that holds.
  const way = 'what was to be printed is lost in part; make room, or print elsewhere'
  const failure = { code: 'OUTPUT_LOST', message: `standard output: ${lost.code}; ${way}` }
  terminal.note(args.includes('--json') ? failureJson(failure) : failureLine(failure))
  return EXIT.couldNotRun
}

async function runProgram(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const session: Session = { terminal, exitCode: EXIT.holds }
  try {
    await buildProgram(session).parseAsync(args, { from: 'user' })
    return session.exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.code.startsWith('commander.help')) {
      return error.exitCode === 0 ? EXIT.holds : EXIT.couldNotRun
    }
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.holds
    const failure = failureOf(error)
    const hint = error instanceof CommanderError ? `; see ${helpCommand(args)}` : ''
    terminal.note(args.includes('--json') ? failureJson(failure) : `${failureLine(failure)}${hint}`)
    return EXIT.couldNotRun
  } finally {
    terminal.clearStatus()
  }
}

const COMMANDS = new Set([
  'verify',
  'head',
  'timeline',
  'tail',
  'ship',
  'status',
  'topics',
  'dead-letters',
  'restore',
  'keys',
  'prove',
  'check',
  'open',
  'search',
  'seal',
  'timestamp',
  'export',
  'forget',
  'vault',
])

function helpCommand([command = '']: readonly string[]): string {
  return COMMANDS.has(command) ? `spanseal ${command} --help` : 'spanseal --help'
}

function buildProgram(session: Session): Command {
  const { terminal } = session
  const program = new Command('spanseal')
    .description('Tamper-evident audit trails for AI agents: verify, read and ship their records.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text),
      writeErr: (text) => terminal.note(text.trimEnd()),
      // Errors are printed once, by run().
      outputError: () => undefined,
      getOutHelpWidth: () => terminal.width,
      getErrHelpWidth: () => terminal.width,
      getOutHasColors: () => terminal.color,
      getErrHasColors: () => false,
    })
    .addHelpText(
      'after',
      `
Examples:
  spanseal verify ./audit                 does the evidence hold?
  spanseal head export ./audit --out heads.txt
                                          keep this elsewhere, for --head and --since
  spanseal timeline --last --journal ./audit
                                          what did the agent do last?
  spanseal tail ./audit --follow          watch records as they are written
  spanseal ship ./audit --brokers kafka:9092 --watch
  spanseal status ./audit                 how far is it written and delivered?
  spanseal export ./audit --out ./for-the-auditor
                                          hand it over, with the verifier in it

Exit status: 0 holds or done, 1 faults or undelivered records, 2 could not run.`,
    )
  for (const add of [
    addVerify,
    addHead,
    addTimeline,
    addTail,
    addShip,
    addStatus,
    addTopics,
    addDeadLetters,
    addRestore,
    addKeys,
    addProve,
    addCheck,
    addOpen,
    addSearch,
    addForget,
    addVault,
    addSeal,
    addTimestamp,
    addExport,
  ]) {
    add(program, session)
  }
  return program
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
