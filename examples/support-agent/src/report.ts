// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { relative } from 'node:path'
import type { AuditRecord } from '@spanseal/core'
import { buildTimelines, parseVkey, readRecords, renderTimeline, verify } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import { openKeyring } from '@spanseal/keys'

/** What was run, for the report. */
export interface RunOutcome {
  /** Its timeline is shown by the command that is suggested. */
  readonly lastTrace: string | undefined
  readonly showTimelines: boolean
}

/** Verifies the journal, prints the timelines and what to do next; the exit status. */
export async function reportJournal(journal: string, run: RunOutcome): Promise<number> {
  const [vkey = ''] = openKeyring({ log: 'localhost/support-agent', journal })
    .issuerVkeys()
    .map((key) => key.vkey)
  if (run.showTimelines) {
    const records: AuditRecord[] = []
    for await (const record of readRecords(readJournal(journal))) records.push(record)
    const width = process.stdout.columns ?? 100
    const color = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined
    for (const timeline of buildTimelines(records)) {
      process.stdout.write(`${renderTimeline(timeline, { color, width })}\n`)
    }
  }
  const verdict = await verify(readJournal(journal), { keys: [parseVkey(vkey)] })
  const shown = relative(process.cwd(), journal) || '.'
  process.stdout.write(
    [
      verdict.ok
        ? `Verified: ${verdict.checked} records in ${verdict.epochs} epoch(s), level ${verdict.level}: the chain holds and its checkpoints are signed by the pinned key.`
        : `NOT verified: ${verdict.findings.length} finding(s).`,
      ...verdict.findings.map((f) => `  ${f.kind} ${f.code}: ${f.message}`),
      '',
      `Journal:  ${shown}`,
      `Keyring:  ${shown}.keys (keep it away from whoever verifies; the public key is below)`,
      '',
      'Next:',
      `  npx spanseal verify ${quoted(shown)} --key ${quoted(vkey)}`,
      ...(run.lastTrace === undefined
        ? []
        : [`  npx spanseal timeline ${run.lastTrace} --journal ${quoted(shown)}`]),
      '',
    ].join('\n'),
  )
  return verdict.ok ? 0 : 1
}

/** As a shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w./+:=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
