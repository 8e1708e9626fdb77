// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditRecord, Verdict } from '@spanseal/core'
import { parseVkey, verify } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import { openKeyring } from '@spanseal/keys'
import { afterEach } from 'vitest'
import type { AgentSettings } from './acking-agent.fixture.ts'
import { openAgentWriter } from './acking-agent.fixture.ts'

const AGENT = join(import.meta.dirname, 'acking-agent.fixture.ts')

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** The path of a journal that does not exist yet; removed after the test. */
export function aJournal(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-crash-'))
  folders.push(folder)
  return join(folder, 'audit')
}

/** A program under way and what it acknowledged so far. */
export interface RunningAgent {
  readonly process: ChildProcess
  /** Whole lines only: a place that was told in full. */
  readonly acknowledged: () => string[]
  /** Resolves at its end, with its standard error. */
  readonly ended: Promise<{
    readonly signal: string | null
    readonly code: number | null
    readonly stderr: string
  }>
}

/** Starts the acking agent, behind another program if `wrapper` says so. */
export function startAgent(settings: AgentSettings, wrapper: readonly string[] = []): RunningAgent {
  return startProgram(AGENT, settings, wrapper)
}

/** Starts a program of this folder that takes its orders as JSON and tells what it did by lines. */
export function startProgram(
  file: string,
  orders: unknown,
  wrapper: readonly string[] = [],
): RunningAgent {
  const node = [process.execPath, '--conditions=spanseal-source', file, JSON.stringify(orders)]
  const [command = '', ...args] = [...wrapper, ...node]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<Awaited<RunningAgent['ended']>>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stderr }))
  })
  return { process: child, acknowledged: () => stdout.split('\n').slice(0, -1), ended }
}

/** What is in a journal, and what the verifier says of it. */
export interface Inspected {
  readonly verdict: Verdict
  /** Every whole line, by `<epoch>/<seq>`. */
  readonly records: ReadonlyMap<string, AuditRecord>
}

/** Verifies a journal under the issuer keys of the keyring beside it. */
export async function inspect(
  journal: string,
  { live = false, log = 'example.com/crash' } = {},
): Promise<Inspected> {
  const keys = openKeyring({ journal, log }).issuerVkeys()
  const pinned = keys.map(({ vkey }) => parseVkey(vkey))
  const verdict = await verify(readJournal(journal), { keys: pinned, live })
  const records = new Map<string, AuditRecord>()
  for await (const epoch of readJournal(journal)) {
    let text = ''
    for await (const segment of epoch.segments()) {
      for await (const chunk of segment.chunks()) text += Buffer.from(chunk).toString('latin1')
    }
    for (const line of text.split('\n').slice(0, -1)) {
      const record = JSON.parse(line) as AuditRecord
      records.set(`${record.chain.epoch}/${record.chain.seq}`, record)
    }
  }
  return { verdict, records }
}

/** Opens and closes an epoch, as the next start of the agent would: it observes the others. */
export function reopen(journal: string): void {
  openAgentWriter({ journal }).close()
}

export const faultsOf = ({ verdict }: Inspected): string[] =>
  verdict.findings
    .filter(({ kind }) => kind === 'fault')
    .map(({ code, message }) => `${code}: ${message}`)

/** Starts without an end, as the lines have them, and as the verifier names them; both in order. */
export function unansweredOf({ records, verdict }: Inspected): {
  readonly there: readonly string[]
  readonly named: readonly string[]
} {
  const ends = new Set<string | undefined>()
  const starts: string[] = []
  for (const [place, record] of records) {
    if (record.type === 'tool.start') starts.push(place)
    if (record.type === 'tool.end') ends.add(record.invocation.start)
  }
  const named = verdict.findings
    .filter(({ code }) => code === 'unanswered')
    .map(({ epoch, seq }) => `${epoch}/${seq}`)
  return { there: starts.filter((place) => !ends.has(place)).sort(), named: named.sort() }
}

/** Which acknowledged records are not there. */
export function lostOf({ records }: Inspected, acknowledged: readonly string[]): string[] {
  return acknowledged.filter((place) => !records.has(place))
}
