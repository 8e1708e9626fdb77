// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import * as nodeFs from 'node:fs'
import { writeSync } from 'node:fs'
import type { RecordDraft } from '@spanseal/core'
import { block } from '@spanseal/core'
import type { EpochWriter, JournalFs, WriterOptions } from '@spanseal/journal'
import { openWriter } from '@spanseal/journal'
import { openKeyring } from '@spanseal/keys'

/**
 * A program that calls tools and tells on standard output, synchronously, what was acknowledged:
 * `<epoch>/<seq>` and LF for each record whose `append` (under `group`: whose sync) returned.
 *
 * Run as `node acking-agent.fixture.ts <settings as JSON>`, see {@link AgentSettings}.
 */

export interface AgentSettings {
  readonly journal: string
  /** Calls to make; without end where it is missing. */
  readonly calls?: number
  /** Bytes of the user's own in each start; default 0. */
  readonly padding?: number
  readonly options?: Partial<WriterOptions>
  /** Await a sync before a record is acknowledged. */
  readonly synced?: boolean
  /** Close at the end; default true. */
  readonly close?: boolean
  /** Go on after records that could not be written; default: end with the error. */
  readonly persists?: boolean
  /** Take all descriptors that are left from the 10th call to the 20th. */
  readonly hogsDescriptors?: boolean
  /** Writers open at once, each making the calls; default 1. */
  readonly writers?: number
  /** Stay when all is done, until killed. */
  readonly stays?: boolean
  /** Kill the process in the n-th call to the file system, a write when half of it is done. */
  readonly dieAtCall?: number
}

const LOG = 'example.com/crash'

const actor = block({ agent: { id: 'a-1' }, user: { ref: 'unattributed' } })
const context = block({ data_classifications: [], environment: 'test', task_id: 't-1' })
const tool = block({
  name: 'refund',
  publisher: 'example.com',
  trust_level: 'verified',
  type: 'function' as const,
  version: '1.0.0',
})
const authorization = block({
  decision: 'not_required' as const,
  method: 'none' as const,
  permissions_denied: [],
  permissions_used: [],
})
const trace = { span_id: '00f067aa0ba902b7', trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' }
const call = { actor, authorization, context, severity: 'info' as const, tool, trace }
const input = { alg: 'sha256' as const, c: 'ab'.repeat(32), enc: 'json' as const }
const observed = { flags: [], input_bytes: 512, input_shape: '0123456789abcdef' }

function toolStart(padding: number): RecordDraft {
  const invocation = { input, observed, status: 'started' as const }
  const ext = padding === 0 ? {} : { ext: block({ padding: 'x'.repeat(padding) }) }
  return { ...call, ...ext, type: 'tool.start', invocation }
}

function toolEnd(start: string): RecordDraft {
  const outcome = { duration_ns: '1000', output: input, start, status: 'success' as const }
  const invocation = { input, observed: { ...observed, output_bytes: 512 }, ...outcome }
  return { ...call, type: 'tool.end', invocation }
}

/** Kills this process in its n-th call. */
function dyingFs(dieAtCall: number): JournalFs {
  let calls = 0
  const die = (): void => {
    if (++calls === dieAtCall) process.kill(process.pid, 'SIGKILL')
  }
  return {
    openSync: (path, flags, mode) => (die(), nodeFs.openSync(path, flags, mode)),
    writeSync: (fd, bytes, offset, length) => {
      if (calls + 1 === dieAtCall) nodeFs.writeSync(fd, bytes, offset, Math.floor(length / 2))
      die()
      return nodeFs.writeSync(fd, bytes, offset, length)
    },
    fdatasync: (fd, done) => (die(), nodeFs.fdatasync(fd, done)),
    fdatasyncSync: (fd) => (die(), nodeFs.fdatasyncSync(fd)),
    fsyncSync: (fd) => (die(), nodeFs.fsyncSync(fd)),
    closeSync: (fd) => (die(), nodeFs.closeSync(fd)),
    mkdirSync: (path, mode) => {
      die()
      nodeFs.mkdirSync(path, { mode })
    },
    renameSync: (from, to) => (die(), nodeFs.renameSync(from, to)),
  }
}

export function openAgentWriter({ journal, options, dieAtCall }: AgentSettings): EpochWriter {
  return openWriter({
    journal,
    log: LOG,
    keys: openKeyring({ journal, log: LOG }),
    service: { name: 'crash' },
    deployment: { environment: 'test' },
    audit: { redaction: '1', sdk: '0.1.0', fail_closed: [] },
    ...options,
    ...(dieAtCall === undefined ? {} : { fs: dyingFs(dieAtCall) }),
  })
}

/** Takes every descriptor that the process may still open. */
function hogDescriptors(): number[] {
  const taken: number[] = []
  for (;;) {
    try {
      taken.push(nodeFs.openSync('/dev/null', 'r'))
    } catch {
      return taken
    }
  }
}

/** Makes calls; `acknowledge` gets each record's place once it is as safe as was asked for. */
export async function runAgent(
  settings: AgentSettings,
  acknowledge: (place: string) => void,
): Promise<void> {
  const { calls = Number.POSITIVE_INFINITY, padding = 0, synced = false, close = true } = settings
  const writer = openAgentWriter(settings)
  const hogged: number[] = []
  const append = async (draft: RecordDraft): Promise<string> => {
    const record = writer.append(() => draft)
    if (synced) await writer.synced(record)
    const place = `${record.epoch}/${record.seq}`
    acknowledge(place)
    return place
  }
  for (let i = 0; i < calls; i++) {
    // Each time anew: an epoch that was given up leaves some to its successor.
    if (settings.hogsDescriptors === true && i >= 10) hogged.push(...hogDescriptors())
    if (i >= 20) for (const fd of hogged.splice(0)) nodeFs.closeSync(fd)
    try {
      const start = await append(toolStart(padding))
      await append(toolEnd(start))
    } catch (error) {
      if (settings.persists !== true) throw error
      // The writer tries again after `retryMillis`.
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    // Timers, and syncs under way, must come to run as in any agent.
    if (i % 50 === 49) await new Promise((resolve) => setImmediate(resolve))
  }
  if (close) writer.close()
}

if (import.meta.main) {
  const settings = JSON.parse(process.argv[2] ?? '{}') as AgentSettings
  const runs = Array.from({ length: settings.writers ?? 1 }, () =>
    runAgent(settings, (place) => void writeSync(1, `${place}\n`)),
  )
  await Promise.all(runs)
  if (settings.stays === true) setInterval(() => {}, 60_000)
}
