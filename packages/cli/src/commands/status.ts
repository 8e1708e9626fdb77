// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { printableJson } from '@spanseal/core'
import { journalStatus } from '@spanseal/journal'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { EXIT } from '../exit-code.ts'
import { duration, existingFolder } from '../option-values.ts'
import { prometheusText } from '../prometheus-text.ts'
import type { Session } from '../session.ts'
import { statusReport } from '../status-report.ts'
import { statusText } from '../status-text.ts'
import type { Terminal } from '../terminal.ts'

interface StatusOptions {
  readonly check?: true
  /** Milliseconds. */
  readonly maxLag: number
  readonly json?: true
  readonly prometheus?: true
}

const MAX_LAG_MILLIS = 300_000

export function addStatus(program: Command, session: Session): void {
  program
    .command('status')
    .summary('say how a journal stands')
    .description(
      'Says how far a journal is written, on disk and delivered, what is left behind by processes ' +
        'that ended, how much disk it takes, and what the agents last said of themselves. Reads ' +
        'names, sizes and the ends of files; proves nothing (spanseal verify does) and changes nothing.',
    )
    .argument('<folder>', 'the journal folder')
    .option('--check', 'status 1 where somebody has to look after something')
    .addOption(
      new Option('--max-lag <age>', 'records may wait so long for delivery: 90s, 1h')
        .argParser(duration('--max-lag'))
        .default(MAX_LAG_MILLIS, '5m'),
    )
    .option('--json', 'print it as one JSON document')
    .addOption(
      new Option(
        '--prometheus',
        'print it as Prometheus reads it, for a textfile collector',
      ).conflicts('json'),
    )
    .addHelpText(
      'after',
      `
Examples:
  spanseal status ./audit
  spanseal status ./audit --check --max-lag 60s
  spanseal status ./audit --json | jq .watermarks
  spanseal status ./audit --prometheus > /var/lib/node_exporter/spanseal.prom

Exit status: 0 it could be told; with --check 1 where there is a problem;
2 could not run.`,
    )
    .action((folder: string, options: StatusOptions) => {
      session.exitCode = status(existingFolder(folder), options, session.terminal)
    })
}

function status(folder: string, options: StatusOptions, terminal: Terminal): ExitCode {
  const report = statusReport(journalStatus(folder), { folder, lagMaxMillis: options.maxLag })
  if (options.prometheus === true) terminal.print(prometheusText(report))
  else if (options.json === true) terminal.print(`${printableJson(report, 2)}\n`)
  else terminal.print(statusText(report, terminal))
  return options.check === true && !report.ok ? EXIT.faults : EXIT.holds
}
