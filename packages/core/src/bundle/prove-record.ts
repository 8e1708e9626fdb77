// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '../errors.ts'
import { leafHash } from '../hash.ts'
import type { NoteKey } from '../note.ts'
import { noteSignedBy, parseVkey } from '../note.ts'
import type { EpochOpen } from '../record.ts'
import type { LeafReader } from '../tlog/leaf-nodes.ts'
import { InclusionCollector, leafNodes } from '../tlog/leaf-nodes.ts'
import { inclusionProof, inclusionRoot } from '../tlog/proof.ts'
import type { EpochBytes } from '../verify/input.ts'
import { readNotes } from '../verify/note-stream.ts'
import type { Bundle } from './bundle.ts'
import { leafOf, lineOf, readOpen, walkLines } from './epoch-lines.ts'
import type { SignedHead } from './read-head.ts'
import { readHead } from './read-head.ts'

export interface ProveRecordOptions {
  /** The text of the checkpoint to lead to. Default: the smallest signed one that covers the record. */
  readonly checkpoint?: string
  /**
   * Leaf hashes of the epoch that somebody kept. Not trusted: where they do not lead to the signed
   * root, the proof is made from the records.
   */
  readonly leaves?: LeafReader
  /** Told that the leaves did not fit. */
  readonly onLeavesUnfit?: () => void
}

/**
 * The proof that record `seq` is in its epoch, without a tenant log's part and without openings.
 *
 * Reads the epoch once up to the checkpoint, or with `leaves` only those and the record's segment; in
 * constant memory. The proof was checked before it is handed out.
 *
 * @throws AuditError `NOT_FOUND` where the record is not there or no signed checkpoint covers it (yet);
 * `JOURNAL_UNUSABLE` where the records are not what was signed; and what the source throws
 */
export async function proveRecord(
  epoch: EpochBytes,
  seq: number,
  options: ProveRecordOptions = {},
): Promise<Bundle> {
  if (!Number.isSafeInteger(seq) || seq < 0) {
    throw new AuditError('INVALID_OPTION', `seq: ${seq} is no sequence number`)
  }
  const open = await readOpen(epoch)
  const head = await findHead(epoch, { open, seq, text: options.checkpoint })
  const place = { index: seq, size: head.size }
  const fits = ({ record, path }: Proven): boolean =>
    inclusionRoot(leafHash(Buffer.from(record, 'utf8')), place, path) === head.root
  const certs = open.detail.key.certs
  const common = { checkpoint: head.whole, certs }
  if (options.leaves !== undefined) {
    const proven = await fromLeaves(epoch, place, options.leaves)
    if (proven !== undefined && fits(proven)) return { ...proven, ...common }
    options.onLeavesUnfit?.()
  }
  const proven = await fromRecords(epoch, place)
  if (fits(proven)) return { ...proven, ...common }
  throw new AuditError(
    'JOURNAL_UNUSABLE',
    `${epoch.name}: the records are not those that its checkpoint of size ${head.size} signs; verify the journal`,
    { details: { seq } },
  )
}

/** A record and its way up. */
type Proven = Pick<Bundle, 'record' | 'path'>

interface Place {
  readonly index: number
  readonly size: number
}

async function fromLeaves(
  epoch: EpochBytes,
  { index, size }: Place,
  leaves: LeafReader,
): Promise<Proven | undefined> {
  let path: string[]
  try {
    path = await inclusionProof(index, size, leafNodes(leaves))
  } catch (error) {
    if (error instanceof AuditError) return undefined
    throw error
  }
  const record = await lineOf(epoch, index)
  return record === undefined ? undefined : { record, path }
}

async function fromRecords(epoch: EpochBytes, { index, size }: Place): Promise<Proven> {
  const collector = new InclusionCollector(index, size)
  let record: string | undefined
  let next = 0
  await walkLines(epoch, 0, (line, seq) => {
    if (seq !== next || line.tooLong) return 'stop'
    next++
    if (seq === index) record = line.bytes.toString('utf8', line.start, line.end)
    collector.append(leafOf(line))
    return next < size ? 'go on' : 'stop'
  })
  const path = collector.path()
  if (record !== undefined && path !== undefined) return { record, path }
  throw new AuditError(
    'JOURNAL_UNUSABLE',
    `${epoch.name}: the records end at ${next} (or are not in order), and its checkpoint signs ${size}; verify the journal`,
    { details: { seq: next } },
  )
}

interface Wanted {
  readonly open: EpochOpen
  readonly seq: number
  readonly text: string | undefined
}

/** The smallest checkpoint that its epoch's key signed and that covers the record. */
async function findHead(
  epoch: EpochBytes,
  { open, seq, text }: Wanted,
): Promise<SignedHead & { readonly whole: string }> {
  const { chain, detail } = open
  const origin = `${chain.log}/${chain.epoch}`
  const key = keyOf(detail.key.vkey, origin)
  let found: (SignedHead & { readonly whole: string }) | undefined
  for await (const framed of readNotes(epoch.checkpoints())) {
    const whole = framed.kind === 'note' ? framed.text : undefined
    const head = whole === undefined ? undefined : readHead(whole)
    if (whole === undefined || head === undefined || head.origin !== origin) continue
    const isWanted =
      text === undefined ? head.size < (found?.size ?? Infinity) : text === head.note.text
    if (!isWanted || head.size <= seq || !noteSignedBy(head.note, key)) continue
    found = { ...head, whole }
    if (text !== undefined) break
  }
  if (found !== undefined) return found
  const which =
    text === undefined ? 'no signed checkpoint covers' : 'the given checkpoint is not that of'
  throw new AuditError(
    'NOT_FOUND',
    `${epoch.name}: ${which} record ${seq}; there may be one later`,
    {
      details: { epoch: chain.epoch, seq },
    },
  )
}

function keyOf(vkey: string, origin: string): NoteKey {
  const key = parseVkey(vkey)
  if (key.name === origin) return key
  throw new AuditError('JOURNAL_UNUSABLE', `epoch.open of ${origin} names the key ${key.name}`)
}
