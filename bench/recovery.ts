// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { block } from '@spanseal/core'
import type { EpochWriter } from '@spanseal/journal'
import { journalStatus, openWriter, tendSpool } from '@spanseal/journal'
import { openKeyring } from '@spanseal/keys'

/**
 * How long a writer takes from its start until it can append, beside a large journal that another
 * process left when it was killed: one epoch, many epochs, and both compressed. The child process
 * writes the journal and is killed; a second one opens it, so that nothing is remembered.
 *
 *     node --conditions=spanseal-source bench/recovery.ts
 *
 * MIB=1024 is the size of the journal.
 */

const LOG = 'localhost/bench'
const MIB = Number(process.env['MIB'] ?? 1_024)
const MEBIBYTE = 1024 * 1024
const LINE_BYTES = 2_048
const OPENINGS = 5

const [role = '', folder = '', epochMebibytes = ''] = process.argv.slice(2)
if (role === 'write') write(folder, Number(epochMebibytes))
else if (role === 'open') open(folder)
else await main()

function aWriter(journal: string, more: object = {}): EpochWriter {
  return openWriter({
    journal,
    log: LOG,
    keys: openKeyring({ log: LOG, journal }),
    service: { name: 'agent', version: '1.0.0' },
    deployment: { environment: 'bench' },
    audit: { redaction: '1', sdk: '0.1.0', fail_closed: [] },
    ...more,
  })
}

/** Writes until the journal is as large as wanted, and dies in the middle of a record. */
function write(journal: string, megabytesAnEpoch: number): void {
  const writer = aWriter(journal, {
    durability: 'none',
    epochBytesMax: megabytesAnEpoch * MEBIBYTE,
    epochRecordsMax: 100_000_000,
  })
  // The filler does not shrink, as hashes and commitments do not.
  let state = 1
  const filler = (): string => {
    let text = ''
    while (text.length < 1_400) {
      state = (state * 48_271) % 2_147_483_647
      text += state.toString(16)
    }
    return text
  }
  for (let bytes = 0; bytes < MIB * MEBIBYTE; bytes += LINE_BYTES) {
    const ext = block({ filler: filler() })
    const actor = block({ agent: { id: 'a-1' }, user: { ref: 'unattributed' } })
    const context = block({ data_classifications: [], environment: 'bench', task_id: 't-1' })
    const invocation = { status: 'started' } as never
    writer.append(() => ({ type: 'task.start', severity: 'info', actor, context, ext, invocation }))
  }
  const { epoch = '' } = writer
  const last = readdirSync(join(journal, epoch)).findLast((name) => name.endsWith('.jsonl')) ?? ''
  appendFileSync(join(journal, epoch, last), '{"chain":{"epoch":"half a rec')
  process.kill(process.pid, 'SIGKILL')
}

/** Says how long it took until a record was written. */
function open(journal: string): void {
  const start = performance.now()
  const writer = aWriter(journal)
  const openMillis = performance.now() - start
  const context = block({ data_classifications: [], environment: 'bench', task_id: 't-1' })
  const actor = block({ agent: { id: 'a-1' }, user: { ref: 'unattributed' } })
  const invocation = { status: 'started' } as never
  writer.append(() => ({ type: 'task.start', severity: 'info', actor, context, invocation }))
  const readyMillis = performance.now() - start
  process.stdout.write(JSON.stringify({ openMillis, readyMillis }))
  // Its epoch is left as a crash leaves it.
  process.kill(process.pid, 'SIGKILL')
}

async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'spanseal-recovery-'))
  try {
    for (const mebibytes of [1_024, 4]) {
      const journal = join(home, `audit-${mebibytes}`)
      runRole(['write', journal, String(mebibytes)])
      const { totals } = journalStatus(journal)
      const size = `${(totals.bytes / MEBIBYTE).toFixed(0)} MiB in ${totals.epochs} epochs`
      report(`${size}, left by a kill`, journal)
      const start = performance.now()
      const { compressed } = await tendSpool(journal, { sinks: [] })
      const seconds = ((performance.now() - start) / 1_000).toFixed(1)
      const ratio = (compressed.bytesAfter / compressed.bytesBefore).toFixed(2)
      line(`  compressed in ${seconds} s to ${ratio} of its size`)
      rmSync(`${journal}.keys`, { recursive: true, force: true })
      report(`${size}, compressed`, journal)
      const looked = performance.now()
      journalStatus(journal)
      line(`  status in ${(performance.now() - looked).toFixed(0)} ms`)
    }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** The first opening has to name every epoch; the later ones only what is new. */
function report(what: string, journal: string): void {
  const runs = Array.from({ length: OPENINGS }, () => runRole(['open', journal]))
  const ready = runs.map((text) => (JSON.parse(text) as { readyMillis: number }).readyMillis)
  const [first = 0, ...later] = ready
  const median = later.toSorted((a, b) => a - b)[Math.floor(later.length / 2)] ?? 0
  line(`${what}: first record after ${first.toFixed(0)} ms, then ${median.toFixed(0)} ms`)
}

function runRole(args: readonly string[]): string {
  const script = statSync(import.meta.filename).isFile() ? import.meta.filename : ''
  const flags = ['--conditions=spanseal-source', script, ...args]
  const options = { encoding: 'utf8', maxBuffer: MEBIBYTE } as const
  const { signal, stderr, stdout } = spawnSync(process.execPath, flags, options)
  if (signal !== 'SIGKILL') throw new Error(`${args.join(' ')} ended early: ${stderr}`)
  return stdout
}

function line(text: string): void {
  process.stdout.write(`${text}\n`)
}
