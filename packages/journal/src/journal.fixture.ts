// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditRecord, EpochOpenDetail, ErrorCode, RecordDraft } from '@spanseal/core'
import {
  AuditError,
  block,
  Ed25519PrivateKey,
  formatCertificate,
  formatVkey,
  leafHash,
  MerkleFrontier,
  NO_PREV,
  noteSignedBy,
  parseCheckpoint,
  parseNote,
  parseVkey,
  signNoteSync,
} from '@spanseal/core'
import { afterEach } from 'vitest'
import type { Clock, JournalKeys } from './create-epoch.ts'
import type { JournalFs } from './journal-fs.ts'
import { nodeFs } from './journal-fs.ts'
import { listEpochs, listSegments } from './journal-layout.ts'
import type { WriterOptions } from './writer-options.ts'

export const LOG = 'example.com/agent'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A folder that is removed after the test. */
export function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-journal-'))
  folders.push(folder)
  return folder
}

/** A keyring in memory with a real issuer key; one object stands for one keyring folder. */
export interface MemoryKeys extends JournalKeys {
  readonly issuerVkey: string
  readonly notes: Map<string, string>
}

export function memoryKeys(): MemoryKeys {
  const key = Ed25519PrivateKey.generate()
  const vkey = formatVkey(`${LOG}/issuer-test`, key.publicKey)
  const notes = new Map<string, string>()
  const settled = new Set<string>()
  return {
    issuerVkey: vkey,
    notes,
    issuer: {
      certifyEpoch: (claim) =>
        signNoteSync(formatCertificate({ role: 'epoch', log: LOG, ...claim }), {
          vkey,
          sign: (message) => key.sign(message),
        }),
    },
    heads: {
      epochs: () => [...notes.keys()],
      read: (epoch) => notes.get(epoch),
      save: (epoch, note) => void notes.set(epoch, note),
      settled: () => settled,
      settle: (epochs) => {
        for (const epoch of epochs) settled.add(epoch)
      },
    },
  }
}

/** Not within a test, however long it takes: what it leaves as a dead process does must not stir. */
const NEVER_MILLIS = 2_000_000_000

export function writerOptions(journal: string, more: Partial<WriterOptions> = {}): WriterOptions {
  return {
    beatMillis: NEVER_MILLIS,
    checkpointMillis: NEVER_MILLIS,
    journal,
    log: LOG,
    keys: more.keys ?? memoryKeys(),
    service: { name: 'agent', version: '1.0.0' },
    deployment: { environment: 'test' },
    audit: { redaction: '1', sdk: '0.1.0', fail_closed: ['write'] },
    ...more,
  }
}

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

/** The start of a call; `padding` bytes of the user's own make it longer. */
export function toolStart(padding = 0): RecordDraft {
  return {
    ...call,
    type: 'tool.start',
    invocation: { input, observed, status: 'started' },
    ...(padding === 0 ? {} : { ext: block({ padding: 'x'.repeat(padding) }) }),
  }
}

/** The end of a call that started at `<epoch>/<seq>`. */
export function toolEnd(start: { readonly epoch: string; readonly seq: number }): RecordDraft {
  const invocation = {
    duration_ns: '1000',
    input,
    observed: { ...observed, output_bytes: 512 },
    output: input,
    start: `${start.epoch}/${start.seq}`,
    status: 'success' as const,
  }
  return { ...call, type: 'tool.end', invocation }
}

/** What lies in an epoch's folder, with its chain, tree and signatures checked on the way. */
export interface CheckedEpoch {
  readonly epoch: string
  readonly records: readonly AuditRecord[]
  /** Bytes behind the last whole line. */
  readonly rest: Buffer
  /** Sizes of its checkpoints. */
  readonly checkpoints: readonly number[]
}

/** Reads a journal in the plainest way there is, and throws where something does not fit. */
export function checkedJournal(journal: string): CheckedEpoch[] {
  return listEpochs(journal).map((epoch) => checkedEpoch(join(journal, epoch), epoch))
}

export function checkedEpoch(folder: string, epoch: string): CheckedEpoch {
  const records: AuditRecord[] = []
  const tree = new MerkleFrontier()
  const roots: string[] = []
  let prev = NO_PREV
  let rest = Buffer.alloc(0)
  for (const { firstSeq, path } of listSegments(folder)) {
    if (rest.length > 0) throw new Error(`${path} follows a torn segment`)
    if (firstSeq !== records.length) throw new Error(`${path} should begin with ${records.length}`)
    const bytes = readFileSync(path)
    let start = 0
    for (let lf = bytes.indexOf(10); lf >= 0; lf = bytes.indexOf(10, start)) {
      const line = bytes.subarray(start, lf)
      const record = JSON.parse(line.toString()) as AuditRecord
      const { chain } = record
      if (chain.prev !== prev || chain.seq !== records.length || chain.epoch !== epoch) {
        throw new Error(`${path}: record ${records.length} does not link`)
      }
      prev = leafHash(line)
      tree.append(prev)
      roots.push(tree.root())
      records.push(record)
      start = lf + 1
    }
    rest = bytes.subarray(start)
  }
  const [open] = records
  const checkpoints = readNotes(join(folder, 'checkpoints')).map((text) => {
    const note = parseNote(text)
    const { size, root } = parseCheckpoint(note.text)
    if (open?.type !== 'epoch.open') throw new Error(`${folder} has no epoch.open`)
    if (!noteSignedBy(note, parseVkey(open.detail.key.vkey))) throw new Error('a wrong signature')
    if (roots[size - 1] !== root) throw new Error(`checkpoint ${size} does not cover what is there`)
    return size
  })
  return { epoch, records, rest, checkpoints }
}

export function readNotes(path: string): string[] {
  const bytes = readFileSync(path)
  const notes: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const lf = bytes.indexOf(10, at)
    const end = lf + 1 + Number(bytes.toString('latin1', at, lf))
    if (lf < 0 || end > bytes.length) break
    notes.push(bytes.toString('utf8', lf + 1, end))
    at = end
  }
  return notes
}

/** The only epoch of a journal. */
export function onlyEpoch(journal: string): CheckedEpoch {
  const epochs = checkedJournal(journal)
  if (epochs.length !== 1) throw new Error(`${epochs.length} epochs`)
  return epochs[0] as CheckedEpoch
}

/** What an epoch's first record says. */
export function openOf(epoch: CheckedEpoch | undefined): EpochOpenDetail {
  const [open] = epoch?.records ?? []
  if (open?.type !== 'epoch.open') throw new Error('no epoch.open')
  return open.detail
}

/** The file system with the given calls replaced. */
export function faultyFs(faults: Partial<JournalFs>): JournalFs {
  return { ...nodeFs, ...faults }
}

/** A clock that stands still until it is moved. */
export function aClock(): Clock & { readonly move: (millis: number) => void } {
  let millis = 0
  return {
    wallMillis: () => Date.UTC(2026, 10, 21) + millis,
    monoNanos: () => BigInt(millis) * 1_000_000n,
    move: (by) => void (millis += by),
  }
}

/** An error as the system makes them. */
export function errno(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected`), { code })
}

/** A process that ended without a word: its epochs are then nobody's. */
export function abandon(journal: string, epoch: string | undefined): void {
  if (epoch === undefined) throw new Error('no epoch')
  const path = join(journal, epoch, 'writer.json')
  const state = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  // The start time of a process that has long been another one.
  writeFileSync(path, JSON.stringify({ ...state, started: '1' }))
}

/** The code that `run` fails with, undefined where it does not; any other error is thrown on. */
export function codeOf(run: () => unknown): ErrorCode | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw error
  }
}

/** As {@link codeOf}, for a promise. */
export async function codeOfRejection(promise: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw error
  }
}

export function filesIn(folder: string): string[] {
  return readdirSync(folder).sort()
}
