// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Verdict, VerifyOptions } from '@spanseal/core'
import {
  AuditError,
  formatHeadLine,
  isEpochId,
  printable,
  printableJson,
  verify,
} from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import { readTenantLog } from '@spanseal/transparency'
import { verifierFiles } from '@spanseal/verifier'
import type { Command } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { EXIT } from '../exit-code.ts'
import { keysGiven } from '../given-files.ts'
import { isWithin } from '../is-within.ts'
import { collect } from '../option-values.ts'
import { progressOf } from '../progress.ts'
import type { Session } from '../session.ts'
import type { Stop } from '../stop-signal.ts'
import { stopSignal } from '../stop-signal.ts'
import type { Terminal } from '../terminal.ts'
import { verdictText } from '../verdict-text.ts'
import { ExportDraft } from './export-draft.ts'
import type { ExportFile, ExportPlan } from './export-files.ts'
import { planJournals, planTenantLog } from './export-files.ts'
import { exportReadme } from './export-readme.ts'

interface ExportOptions {
  readonly out: string
  readonly epoch?: readonly string[]
  readonly log?: string
  readonly key?: readonly string[]
  readonly live?: true
  readonly json?: true
}

export function addExport(program: Command, session: Session): void {
  program
    .command('export')
    .summary('make a folder to hand over, with the verifier in it')
    .description(
      'Copies epochs byte for byte into a new folder, together with their heads, a program and a ' +
        'page that check them without this tool, and a text for whoever it is handed to. Reads the ' +
        'copy again and verifies it. Keys, cursors and what names the host stay behind.',
    )
    .argument('<journal...>', 'journal or epoch folders')
    .requiredOption('--out <folder>', 'the folder to make: a new one, or one that is empty')
    .option('--epoch <id>', 'that epoch only; repeatable', collect)
    .option('--log <folder>', 'the tenant log as it is served, to be copied along')
    .option('--key <vkey|file>', 'a key to verify the copy with; not copied; repeatable', collect)
    .option('--live', 'a writer is at work: epochs without an end are no fault')
    .option('--json', 'print what was done as one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  spanseal export ./audit --out ./for-the-auditor --key issuer.vkey
  spanseal export ./audit --log ./tenant-log --out ./for-the-auditor
  spanseal export ./audit --epoch 01a1fd55-7a80-7050-854a-e09e46db1e1e \\
                  --out ./one

Send the key by another way than the folder: spanseal keys show.

Exit status: 0 exported, and the copy holds; 1 exported, and it does not hold;
2 nothing was exported.`,
    )
    .action(async (journals: readonly string[], options: ExportOptions) => {
      session.exitCode = await exportJournals(journals, options, session.terminal)
    })
}

async function exportJournals(
  journals: readonly string[],
  options: ExportOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const only = options.epoch ?? []
  for (const id of only) {
    if (isEpochId(id)) continue
    throw new AuditError('INVALID_OPTION', `--epoch: ${JSON.stringify(id)} is no epoch id`)
  }
  assertOutside(options.out, [...journals, ...(options.log === undefined ? [] : [options.log])])
  const keys = keysGiven(options.key ?? [])
  const verifier = verifierFiles()
  const plan = planJournals(journals, only)
  const log = options.log === undefined ? [] : planTenantLog(options.log)
  const stop = stopSignal(terminal.closed)
  try {
    const made = await makeExport({ plan, log, keys, verifier, options }, stop, terminal)
    terminal.clearStatus()
    report(made, options, terminal)
    return made.verdict.ok && made.verdict.checked > 0 ? EXIT.holds : EXIT.faults
  } catch (error) {
    if (!stop.signal.aborted) throw error
    terminal.note('spanseal: stopped; nothing was exported')
    return EXIT.couldNotRun
  } finally {
    stop.dispose()
  }
}

/** What is copied must not grow by its copy. */
function assertOutside(out: string, folders: readonly string[]): void {
  const refuse = (why: string): never => {
    const details = { option: '--out', file: out }
    throw new AuditError('INVALID_OPTION', `--out: ${out === '' ? 'the name' : out} ${why}`, {
      details,
    })
  }
  if (out === '') return refuse('is empty; name a new folder')
  const around = folders.find((folder) => isWithin(out, folder))
  if (around !== undefined) return refuse(`lies in ${around}; name a folder elsewhere`)
}

interface Work {
  readonly plan: ExportPlan
  readonly log: readonly ExportFile[]
  readonly keys: NonNullable<VerifyOptions['keys']>
  readonly verifier: ReturnType<typeof verifierFiles>
  readonly options: ExportOptions
}

interface Made {
  readonly verdict: Verdict
  readonly files: number
  readonly bytes: number
  readonly millis: number
  readonly keys: number
}

async function makeExport(work: Work, stop: Stop, terminal: Terminal): Promise<Made> {
  const { plan, log, keys, verifier, options } = work
  const files = [...plan.files, ...log]
  const total = files.reduce((sum, { from }) => sum + statSync(from).size, 0)
  const copying = progressOf('copying', total, terminal)
  const draft = new ExportDraft(options.out, {
    signal: stop.signal,
    onBytes: (bytes) => copying.reach(copying.bytes + bytes),
  })
  try {
    for (const file of files) await draft.copy(file)
    const verifying = progressOf('verifying', total, terminal)
    const folders = [...new Set(plan.files.map(({ to }) => to.split('/')[0] as string))]
    const verdict = await verify(readJournal(folders.map((name) => join(draft.folder, name))), {
      keys,
      live: options.live === true,
      partial: plan.partial,
      ...(log.length > 0 && { tenantLog: readTenantLog(join(draft.folder, 'log')) }),
      onProgress(bytes) {
        stop.signal.throwIfAborted()
        verifying.reach(bytes)
      },
    })
    const madeAt = new Date().toISOString()
    const readme = { log: log.length > 0, partial: plan.partial, madeAt }
    await draft.write('heads.txt', Buffer.from(headsText(verdict, madeAt)))
    await draft.write('README.txt', Buffer.from(exportReadme(verdict, readme)))
    for (const path of [verifier.program, verifier.page]) {
      await draft.write(basename(path), readFileSync(path))
    }
    await draft.write('SHA256SUMS', Buffer.from(draft.sums()))
    draft.publish()
    const { bytes, millis } = copying
    const placed = placedVerdict(verdict, draft.folder, options.out)
    return { verdict: placed, files: draft.files, bytes, millis, keys: keys.length }
  } finally {
    draft.discard()
  }
}

/** Findings name files by where the copy lies now. */
function placedVerdict(verdict: Verdict, draft: string, out: string): Verdict {
  const findings = verdict.findings.map((finding) =>
    finding.file?.startsWith(draft) === true
      ? { ...finding, file: join(out, finding.file.slice(draft.length)) }
      : finding,
  )
  return { ...verdict, findings }
}

/** The tenant log's head is the last line, as `head export` has it. */
function headsText({ heads }: Verdict, madeAt: string): string {
  const lines = heads.map((head) => `${formatHeadLine(head)}\n`)
  return `# Heads reached on ${madeAt}. Keep them elsewhere than with the records.\n${lines.join('')}`
}

function report(made: Made, options: ExportOptions, terminal: Terminal): void {
  const { verdict, files, bytes, millis, keys } = made
  if (options.json === true) {
    terminal.print(`${printableJson({ out: options.out, files, bytes, verdict }, 2)}\n`)
    return
  }
  const frame = {
    paths: [options.out],
    keysPinned: keys,
    headsGiven: 0,
    ignored: [],
    bytes,
    millis,
  }
  terminal.print(verdictText(verdict, frame, terminal))
  terminal.print(
    `\nExported ${files.toLocaleString('en-US')} files to ${printable(options.out)}. ` +
      'Send the key by another way: spanseal keys show.\n',
  )
}
