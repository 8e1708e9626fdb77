// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordDraft } from '@spanseal/core'
import {
  AuditError,
  Ed25519PrivateKey,
  formatCertificate,
  formatVkey,
  parseVkey,
  signNoteSync,
  verify,
} from '@spanseal/core'
import type { JournalKeys } from './create-epoch.ts'
import type { EpochWriter } from './epoch-writer.ts'
import { openWriter } from './epoch-writer.ts'
import type { JournalSource } from './journal-source.ts'
import { journalSource } from './journal-source.ts'
import { readJournal } from './read-journal.ts'
import { makeRoom } from './spool/make-room.ts'
import type { WriterOptions } from './writer-options.ts'

/**
 * Fills a small file system, which somebody mounted at the given folder, and tells on standard
 * output as JSON how that went, see {@link SmallDiskReport}.
 */

export interface SmallDiskReport {
  readonly diskBytes: number
  /** With room made from what was delivered. */
  readonly delivered: {
    readonly appended: number
    readonly bytes: number
    readonly refused: number
  }
  /** Without deliveries, until a budget is used up. */
  readonly kept: { readonly code: string; readonly freeBytes: number }
  /** Without a budget, until the disk is full; then somebody makes room. */
  readonly full: {
    readonly codes: readonly string[]
    readonly acknowledged: number
    readonly found: number
  }
  readonly gaps: { readonly count: number; readonly records: number; readonly refused: number }
  readonly faults: readonly string[]
}

const LOG = 'example.com/small-disk'
const MEBIBYTE = 1024 * 1024

function keysInMemory(): JournalKeys & { readonly vkey: string } {
  const key = Ed25519PrivateKey.generate()
  const vkey = formatVkey(`${LOG}/issuer-test`, key.publicKey)
  const sign = (message: Uint8Array): Uint8Array => key.sign(message)
  const heads = new Map<string, string>()
  return {
    vkey,
    issuer: {
      certifyEpoch: (claim) =>
        signNoteSync(formatCertificate({ role: 'epoch', log: LOG, ...claim }), { vkey, sign }),
    },
    heads: {
      epochs: () => [...heads.keys()],
      read: (epoch) => heads.get(epoch),
      save: (epoch, note) => void heads.set(epoch, note),
      settled: () => new Set(),
      settle: () => {},
    },
  }
}

/** A record that needs nothing around it. */
function aDraft(): RecordDraft {
  const kids = Array.from({ length: 16 }, (_, i) => i.toString(16).padStart(16, '0'))
  const detail = { closed: 0, kids, of: 'person', openable: { count: 0 } }
  return { type: 'erasure.done', severity: 'info', detail }
}

function open(journal: string, keys: JournalKeys, more: Partial<WriterOptions>): EpochWriter {
  return openWriter({
    journal,
    log: LOG,
    keys,
    service: { name: 'small-disk' },
    deployment: { environment: 'test' },
    audit: { redaction: '1', sdk: '0.1.0', fail_closed: [] },
    retryMillis: 1,
    ...more,
  })
}

/** The code that an append fails with, where it does. */
function append(writer: EpochWriter): string | undefined {
  try {
    writer.append(aDraft)
    return undefined
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw error
  }
}

async function deliver(source: JournalSource): Promise<void> {
  for (;;) {
    const batch = await source.read({ recordCountMax: 500, bytesMax: 900_000 })
    if (batch === undefined) return
    await source.commit(batch)
  }
}

/** Removes a journal and waits for its space: a sync under way holds its file open. */
async function removed(disk: string, journal: string): Promise<void> {
  rmSync(journal, { recursive: true })
  for (let i = 0; i < 1_000; i++) {
    const { bavail, blocks } = statfsSync(disk)
    if (bavail > 0.9 * blocks) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('the space of removed files does not come back')
}

/** Three times what fits, each record delivered soon after it was written. */
async function runDelivered(disk: string): Promise<SmallDiskReport['delivered']> {
  const journal = join(disk, 'delivered')
  const keys = keysInMemory()
  const writer = open(journal, keys, {
    budget: { policy: 'make-room' },
    makeRoom: (bytesWanted) => makeRoom(journal, { sinks: ['test'], bytesWanted }),
    segmentBytesMax: MEBIBYTE / 4,
  })
  const source = journalSource(journal, { sinkName: 'test' })
  let [appended, bytes, refused] = [0, 0, 0]
  while (writer.health().bytes < 3 * 4 * MEBIBYTE && appended + refused < 50_000) {
    if (append(writer) === undefined) appended++
    else refused++
    bytes = writer.health().bytes
    if ((appended + refused) % 50 > 0) continue
    // A segment that is not synced yet is held open, and takes its space though it was removed.
    await writer.synced()
    await deliver(source)
  }
  writer.close()
  await removed(disk, journal)
  return { appended, bytes, refused }
}

async function runKept(disk: string): Promise<SmallDiskReport['kept']> {
  const journal = join(disk, 'kept')
  const writer = open(journal, keysInMemory(), {})
  let code: string | undefined
  for (let i = 0; i < 50_000 && code === undefined; i++) code = append(writer)
  const { bavail, bsize } = statfsSync(disk)
  writer.close()
  await removed(disk, journal)
  return { code: code ?? '', freeBytes: bavail * bsize }
}

async function runFull(disk: string): Promise<Pick<SmallDiskReport, 'full' | 'gaps' | 'faults'>> {
  const journal = join(disk, 'full')
  const ballast = join(disk, 'ballast')
  writeFileSync(ballast, Buffer.alloc(MEBIBYTE))
  const keys = keysInMemory()
  const writer = open(journal, keys, { budget: { freeBytesMin: 0 } })
  const codes: string[] = []
  let acknowledged = 0
  for (let i = 0; i < 50_000 && codes.length < 5; i++) {
    const code = append(writer)
    if (code === undefined) acknowledged++
    else codes.push(code)
  }
  rmSync(ballast)
  await new Promise((resolve) => setTimeout(resolve, 20)) // retryMillis
  for (let i = 0; i < 10; i++) {
    const code = append(writer)
    if (code === undefined) acknowledged++
    else codes.push(code)
  }
  writer.close()
  let found = 0
  for await (const epoch of readJournal(journal)) {
    for await (const segment of epoch.segments()) {
      // Joined: what is looked for may lie across two chunks, and a chunk is valid until the next.
      const chunks: Buffer[] = []
      for await (const chunk of segment.chunks()) chunks.push(Buffer.from(chunk))
      const text = Buffer.concat(chunks).toString('latin1')
      found += text.split('"type":"erasure.done"').length - 1
    }
  }
  const verdict = await verify(readJournal(journal), { keys: [parseVkey(keys.vkey)] })
  const faults = verdict.findings.filter(({ kind }) => kind === 'fault')
  return {
    full: { codes, acknowledged, found },
    gaps: verdict.gaps,
    faults: faults.map(({ message }) => message),
  }
}

const [, , disk = ''] = process.argv
const { blocks, bsize } = statfsSync(disk)
const delivered = await runDelivered(disk)
const kept = await runKept(disk)
const report = { diskBytes: blocks * bsize, delivered, kept, ...(await runFull(disk)) }
console.log(JSON.stringify(report satisfies SmallDiskReport))
