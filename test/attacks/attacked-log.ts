// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Commitment, NoteKey, RecordDraft } from '@spanseal/core'
import { block, commit, digestValue, parseVkey, plainCommitment } from '@spanseal/core'
import type { EpochWriter, WriterOptions } from '@spanseal/journal'
import { openWriter } from '@spanseal/journal'
import type { Keyring } from '@spanseal/keys'
import { appendCompleteRecords } from './complete-drafts.ts'
import type { NamedKey } from './host-secrets.ts'
import { aKey, certifiedKeyring, namedKey, tapKeys, tearingDisk } from './host-secrets.ts'

/**
 * The log that is attacked: written by the real writer into real files, with a keyring whose issuer
 * a tenant certified. What an attacker may steal is here too, and what an auditor may hold from
 * before the attack.
 */
export interface AttackedLog {
  readonly log: string
  readonly journal: string
  /** The journal as it was before its newest epoch was opened. */
  readonly oldCopy: string
  /** The journal as it was while its newest epoch was being written. */
  readonly liveCopy: string
  readonly keyring: Keyring
  readonly tenant: NamedKey
  readonly issuer: NamedKey
  readonly issuerCertificate: string
  /** By epoch. */
  readonly epochKeys: ReadonlyMap<string, NamedKey>
  /** Its first died in the middle of a write, its second closed, and so did its newest. */
  readonly epochs: readonly [crashed: string, closed: string, newest: string]
  /** The newest signed head of each epoch, from a place that no attacker can reach. */
  readonly heads: readonly string[]
  readonly pinned: readonly NoteKey[]
}

export const LOG = 'example.com/payments'
/** Calls whose checkpoints lie close together, so that ranges between them can be told apart. */
const CHECKPOINT_RECORDS = 4

export interface LogSize {
  readonly log?: string
  /** Few calls, and no complete records; default: enough for every attack. */
  readonly small?: boolean
}

export function writeAttackedLog(
  folder: string,
  { log = LOG, small = false }: LogSize = {},
): AttackedLog {
  const journal = join(folder, 'journal')
  const copies = { oldCopy: join(folder, 'old-copy'), liveCopy: join(folder, 'live-copy') }
  mkdirSync(folder, { recursive: true })
  const tenant = aKey(log)
  const { keyring, issuer } = certifiedKeyring({ journal, keyring: `${journal}.keys` }, tenant)
  const { result: epochs, keys } = tapKeys(() =>
    writeEpochs({ journal, ...copies }, keyring, small),
  )
  return {
    log,
    journal,
    ...copies,
    keyring,
    tenant,
    issuer,
    issuerCertificate: keyring.issuer.certificate as string,
    epochKeys: new Map(
      epochs.map((epoch, i) => [epoch, namedKey(`${log}/${epoch}`, keys[i] as NamedKey['key'])]),
    ),
    epochs,
    heads: epochs.map((epoch) => keyring.heads.read(epoch) as string),
    pinned: [parseVkey(tenant.vkey)],
  }
}

function writeEpochs(
  { journal, oldCopy, liveCopy }: Pick<AttackedLog, 'journal' | 'oldCopy' | 'liveCopy'>,
  keyring: Keyring,
  small: boolean,
): AttackedLog['epochs'] {
  const disk = tearingDisk()
  const first = openWriter({ ...writerOptions(journal, keyring), fs: disk.fs })
  const crashed = first.epoch as string
  writeCalls(first, keyring, small ? 2 : 6)
  disk.tearNext()
  // The write breaks off in the middle, so the writer gives the epoch up and goes on in another.
  writeCalls(first, keyring, 1)
  const closed = first.epoch as string
  if (!small) {
    appendCompleteRecords(first, [0])
    writeCalls(first, keyring, 2)
  }
  first.close()
  cpSync(journal, oldCopy, { recursive: true })
  const second = openWriter(writerOptions(journal, keyring))
  const newest = second.epoch as string
  writeCalls(second, keyring, small ? 1 : 3)
  cpSync(journal, liveCopy, { recursive: true })
  if (!small) writeCalls(second, keyring, 1)
  second.close()
  return [crashed, closed, newest]
}

export function writerOptions(journal: string, keyring: Keyring): WriterOptions {
  return {
    journal,
    log: keyring.log,
    keys: keyring,
    service: { name: 'payments', version: '1.0.0', instance: 'pod-1' },
    deployment: { environment: 'test', cluster: 'eu-1', version: '7' },
    audit: {
      redaction: 'spanseal/1',
      sdk: 'test',
      fail_closed: ['write'],
      sampler: 'parentbased_always_on',
    },
    durability: 'every',
    checkpointRecords: CHECKPOINT_RECORDS,
    checkpointMillis: 3_600_000,
  }
}

const actor = block({ agent: { id: 'payer-1' }, user: { ref: 'unattributed' } })
const context = block({ data_classifications: ['financial'], environment: 'test', task_id: 't-1' })
const tool = block({
  name: 'pay_invoice',
  publisher: 'example.com',
  trust_level: 'verified',
  type: 'function' as const,
  version: '1.0.0',
})
const authorization = block({
  decision: 'granted' as const,
  method: 'policy' as const,
  permissions_denied: [],
  permissions_used: ['data_access:invoices'],
})
const trace = { span_id: '00f067aa0ba902b7', trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' }
const call = { actor, authorization, context, severity: 'info' as const, tool, trace }

/** The intent of a call whose outcome never comes. */
export function startCall(): RecordDraft {
  const input = plainCommitment('text', 'pay')
  return { ...call, type: 'tool.start', invocation: { input, status: 'started' } }
}

/** Whole calls: intent and outcome, their values committed under the keyring's keys. */
export function writeCalls(writer: EpochWriter, keyring: Keyring, count: number): void {
  for (let i = 0; i < count; i++) {
    const start = writer.append((at) => {
      const input = commitTo(keyring, `pay invoice ${i}`, { ...at, pointer: '/invocation/input' })
      return { ...call, type: 'tool.start', invocation: { input, status: 'started' } }
    })
    const place = { epoch: start.epoch, seq: start.seq, pointer: '/invocation/input' }
    const input = commitTo(keyring, `pay invoice ${i}`, place)
    writer.append((at): RecordDraft => {
      const output = commitTo(keyring, `paid ${i}`, { ...at, pointer: '/invocation/output' })
      const end = `${start.epoch}/${start.seq}`
      const invocation = {
        duration_ns: '1000',
        input,
        output,
        start: end,
        status: 'success',
      } as const
      return { ...call, type: 'tool.end', invocation }
    })
  }
}

function commitTo(
  keyring: Keyring,
  value: string,
  place: { readonly epoch: string; readonly seq: number; readonly pointer: string },
): Commitment {
  return commit(digestValue(value), place, keyring.commitKeys())
}
