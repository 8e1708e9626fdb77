// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint } from '../checkpoint.ts'
import { parseCheckpoint } from '../checkpoint.ts'
import type { ErrorCode } from '../errors.ts'
import { AuditError } from '../errors.ts'
import { leafHash, sha256Hex } from '../hash.ts'
import { isLogName } from '../log-name.ts'
import { MerkleFrontier } from '../merkle.ts'
import type { Note, NoteKey } from '../note.ts'
import { noteSignedBy, parseNote } from '../note.ts'
import { parseRevocation } from '../revocation.ts'
import type { WitnessKey } from '../tlog/cosignature.ts'
import { cosignaturesOf } from '../tlog/cosignature.ts'
import type { GivenHead } from './checkpoint-check.ts'
import type { Findings } from './findings.ts'
import type { TenantLogBytes } from './input.ts'
import type { NamedEpoch } from './named-epoch.ts'
import { CERTIFICATES_MAX, namedEpoch } from './named-epoch.ts'
import type { Revocations } from './revocations.ts'
import { readTenantEntry } from './tenant-entries.ts'
import type { Check, FindingCode, Witnessed } from './verdict.ts'

/** Entries that are read; beyond, nothing is claimed. 60 bytes are kept of each. */
const ENTRIES_MAX = 4_194_304
/** Epochs that are taken from one log, some 500 bytes each. */
const EPOCHS_MAX = 1_048_576
const TIMESTAMPS_MAX = 64
const TIMESTAMP_BYTES_MAX = 65_536
/** What a source may say of itself: findings, not reasons to end. */
const SOURCE_CODES: readonly ErrorCode[] = [
  'MALFORMED_TILE',
  'NOT_FOUND',
  'LOG_UNUSABLE',
  'JOURNAL_UNUSABLE',
]

/** Witnesses that the caller trusts. */
export interface Witnesses {
  readonly keys: readonly WitnessKey[]
  readonly threshold: number
}

export interface TenantLogOptions {
  readonly pinned: readonly NoteKey[]
  /** Given heads with the origin of a tenant log. */
  readonly heads: readonly GivenHead[]
  readonly witnesses: Witnesses | undefined
  readonly revocations: Revocations
  readonly verifyTimestamp:
    | ((token: Uint8Array, digestHex: string) => Promise<{ readonly time: string }>)
    | undefined
}

/** What a tenant log says. */
export interface TenantLogOutcome {
  /** Its name; undefined where it has no checkpoint that can be read. */
  readonly log: string | undefined
  readonly named: ReadonlyMap<string, NamedEpoch>
  /** The head that was kept outside, or cosigned, and that the entries have. */
  readonly anchor: Checkpoint | undefined
  /** The anchor is the log's checkpoint, and as many witnesses as asked for cosigned it. */
  readonly cosigned: boolean
  readonly witnessed: Witnessed
  /** The earliest time that an authority attests for the log's checkpoint. */
  readonly timestampedAt: string | undefined
  /** Its own checkpoint, where its entries have that root. */
  readonly head: Checkpoint | undefined
}

/** The checks `witness` and `timestamp`, and of `completeness` what the tenant log alone tells. */
export class TenantLogCheck {
  readonly #source: TenantLogBytes
  readonly #options: TenantLogOptions
  readonly #findings: Findings
  readonly #named = new Map<string, NamedEpoch>()
  /** Heads that the entries have. */
  readonly #reached: Checkpoint[] = []
  #entryFaultSaid = false
  #overflowed = false

  constructor(source: TenantLogBytes, options: TenantLogOptions, findings: Findings) {
    this.#source = source
    this.#options = options
    this.#findings = findings
  }

  async run(): Promise<TenantLogOutcome> {
    const signed = await this.#checkpoint()
    const witnessed = this.#witness(signed?.note)
    if (signed === undefined) return { ...NOTHING, named: this.#named, witnessed }
    const { checkpoint, note } = signed
    const isCosigned = witnessed.threshold > 0 && witnessed.k >= witnessed.threshold
    const heads = this.#headsOf(checkpoint)
    const kept = heads.at(-1)?.size ?? 0
    await this.#entries(checkpoint, heads, isCosigned ? checkpoint.size : kept)
    const head = this.#reached.find(({ size }) => size === checkpoint.size)
    // A head of no entries is memory of nothing: every log goes on from it.
    const isKept = ({ size }: Checkpoint): boolean => size > 0 && size <= kept
    const anchor = isCosigned && checkpoint.size > 0 ? head : this.#reached.findLast(isKept)
    return {
      log: checkpoint.origin,
      named: this.#named,
      anchor,
      cosigned: isCosigned && anchor !== undefined,
      witnessed,
      timestampedAt: await this.#timestamp(note),
      head,
    }
  }

  async #checkpoint(): Promise<{ checkpoint: Checkpoint; note: Note } | undefined> {
    let note: Note
    let checkpoint: Checkpoint
    try {
      note = parseNote(await this.#source.checkpoint())
      checkpoint = parseCheckpoint(note.text)
    } catch (error) {
      if (!(error instanceof AuditError)) throw error
      const isAbsent = SOURCE_CODES.includes(error.code)
      const message = isAbsent
        ? `The tenant log cannot be read: ${error.message}.`
        : 'The checkpoint of the tenant log is not a signed checkpoint.'
      this.#fault(isAbsent ? 'unverifiable' : 'edited', message)
      return undefined
    }
    const { origin } = checkpoint
    const tenants = this.#options.pinned.filter(({ name }) => name === origin)
    if (!isLogName(origin)) {
      this.#fault('forged', 'The checkpoint of the tenant log has an origin that no log may have.')
    } else if (tenants.length > 0 && !tenants.some((key) => noteSignedBy(note, key))) {
      this.#fault('forged', 'The checkpoint of the tenant log is not signed by its tenant key.')
    }
    return { checkpoint, note }
  }

  #witness(note: Note | undefined): Witnessed {
    const { keys, threshold } = this.#options.witnesses ?? { keys: [], threshold: 0 }
    const n = new Set(keys.map(({ publicKey }) => Buffer.from(publicKey).toString('hex'))).size
    const times = note === undefined ? [] : cosignaturesOf(note, keys).map(({ time }) => time)
    const k = times.length
    if (k < threshold && note !== undefined) {
      const message = `${k} of your ${n} witnesses cosigned the tenant log's checkpoint, and you ask for ${threshold}.`
      this.#fault('unsigned', message, 'witness')
    }
    const at = times.sort((a, b) => b - a)[threshold - 1]
    return { k, n, threshold, ...(at !== undefined && { at: isoOfSeconds(at) }) }
  }

  /** Given heads that this log can reach, by size. */
  #headsOf({ origin, size: logSize }: Checkpoint): GivenHead[] {
    const tenants = this.#options.pinned.filter(({ name }) => name === origin)
    const heads: GivenHead[] = []
    for (const head of this.#options.heads) {
      const { note, size } = head
      if (head.origin !== origin) {
        this.#fault(
          'missing',
          `A head of the tenant log ${head.origin} was given, and this one is ${origin}.`,
        )
      } else if (
        note !== undefined &&
        tenants.length > 0 &&
        !tenants.some((key) => noteSignedBy(note, key))
      ) {
        this.#fault('forged', `The given head of size ${size} is not signed by the tenant key.`)
      } else if (size > logSize) {
        const message = `The tenant log ends after ${logSize} entries, and the given head names ${size}: it was cut or rolled back.`
        this.#fault('truncated', message)
      } else {
        heads.push(head)
      }
    }
    return heads.sort((a, b) => a.size - b.size)
  }

  async #entries(
    checkpoint: Checkpoint,
    heads: readonly GivenHead[],
    anchorSize: number,
  ): Promise<void> {
    const wanted = [
      ...heads.map((head) => ({ head, given: true })),
      { head: checkpoint, given: false },
    ]
    const tree = new MerkleFrontier()
    let due = 0
    const compare = (): void => {
      for (; wanted[due]?.head.size === tree.size; due++) {
        const { head, given } = wanted[due] as (typeof wanted)[number]
        if (tree.root() === head.root) this.#reached.push(head)
        else this.#otherRoot(head, given)
      }
    }
    compare()
    try {
      for await (const entry of this.#source.entries(checkpoint.size)) {
        if (tree.size === checkpoint.size || tree.size === ENTRIES_MAX) break
        this.#entry(entry, { index: tree.size, isAnchored: tree.size < anchorSize }, checkpoint)
        tree.append(leafHash(entry))
        compare()
      }
    } catch (error) {
      if (!(error instanceof AuditError && SOURCE_CODES.includes(error.code))) throw error
      this.#fault(
        'unverifiable',
        `Entry ${tree.size} of the tenant log cannot be read: ${error.message}.`,
      )
      return
    }
    if (tree.size === checkpoint.size) return
    if (tree.size === ENTRIES_MAX) {
      this.#fault(
        'unverifiable',
        `Only the first ${ENTRIES_MAX} entries of the tenant log are read.`,
      )
    } else {
      const message = `The tenant log has ${tree.size} entries, and its checkpoint names ${checkpoint.size}.`
      this.#fault('truncated', message)
    }
  }

  #otherRoot({ size }: Checkpoint, given: boolean): void {
    if (given) {
      const message = `The first ${size} entries of the tenant log are other ones than those of the given head: the log was written anew, or you were shown another.`
      this.#fault('forked', message)
    } else {
      this.#fault('forged', 'The entries of the tenant log do not have the root of its checkpoint.')
    }
  }

  #entry(
    bytes: Uint8Array,
    { index, isAnchored }: { readonly index: number; readonly isAnchored: boolean },
    { origin }: Checkpoint,
  ): void {
    const entry = readTenantEntry(bytes)
    if (entry === undefined || (entry.kind !== 'revocation' && entry.log !== origin)) {
      this.#strangeEntry(index)
      return
    }
    if (entry.kind === 'revocation') {
      this.#revocation(entry.note, index, origin)
      return
    }
    const named = this.#namedEpoch(entry.epoch, index)
    if (named === undefined) return
    if (entry.kind === 'checkpoint') {
      const { size, root } = entry.head
      this.#fork(named, entry, index)
      named.sizes.add({ size, root, line: index, byteOffset: 0 })
      if (isAnchored) named.anchoredSize = Math.max(named.anchoredSize, size)
    } else if (named.certificates.length < CERTIFICATES_MAX) {
      named.certificates.push({ digest: sha256Hex(entry.text), index })
    }
  }

  #namedEpoch(epoch: string, index: number): NamedEpoch | undefined {
    const known = this.#named.get(epoch)
    if (known !== undefined) return known
    if (this.#named.size < EPOCHS_MAX) {
      const named = namedEpoch(index)
      this.#named.set(epoch, named)
      return named
    }
    if (!this.#overflowed) {
      this.#overflowed = true
      const message = `The tenant log names more than ${EPOCHS_MAX} epochs; those that follow are not checked.`
      this.#fault('unverifiable', message)
    }
    return undefined
  }

  /** Two entries for one size; two sizes are held against the records. */
  #fork(
    { sizes }: NamedEpoch,
    { epoch, head }: { readonly epoch: string; readonly head: Checkpoint },
    index: number,
  ): void {
    const last = sizes.last
    if (last?.size !== head.size || last.root === head.root) return
    const message = `Entries ${last.line} and ${index} of the tenant log name different roots for the first ${head.size} records of epoch ${epoch}: it was continued twice.`
    this.#fault('forked', message)
  }

  #revocation(note: Note, index: number, origin: string): void {
    try {
      if (parseRevocation(note.text).log !== origin) return this.#strangeEntry(index)
      if (this.#options.revocations.take(note)) return
      // Without the tenant's key nobody can tell.
      if (!this.#options.pinned.some(({ name }) => name === origin)) return
    } catch (error) {
      if (!(error instanceof AuditError)) throw error
    }
    this.#strangeEntry(index)
  }

  #strangeEntry(index: number): void {
    if (this.#entryFaultSaid) return
    this.#entryFaultSaid = true
    const message = `Entry ${index} of the tenant log is no certificate, checkpoint or revocation of this log.`
    this.#fault('forged', message)
  }

  async #timestamp({ text }: Note): Promise<string | undefined> {
    const { verifyTimestamp } = this.#options
    if (verifyTimestamp === undefined) return undefined
    const times: string[] = []
    let tokens = 0
    let why = ''
    try {
      for await (const token of this.#source.timestamps()) {
        if (tokens++ === TIMESTAMPS_MAX) break
        if (token.length > TIMESTAMP_BYTES_MAX) continue
        try {
          times.push((await verifyTimestamp(token, sha256Hex(text))).time)
        } catch (error) {
          if (!(error instanceof AuditError)) throw error
          why = error.message
        }
      }
    } catch (error) {
      if (!(error instanceof AuditError)) throw error
      why = error.message
    }
    if (times.length > 0) return times.sort()[0]
    if (tokens > 0) {
      // No fault: anybody who serves the log can add one. The level of time-stamps is not reached.
      const message = `No time-stamp of the tenant log's checkpoint holds by an authority that you trust: ${why}.`
      const report = { code: 'unsigned', check: 'timestamp', message } as const
      this.#findings.notice(report, { file: this.#source.name })
    }
    return undefined
  }

  #fault(code: FindingCode, message: string, check: Check = 'completeness'): void {
    this.#findings.fault({ code, check, message, outside: true }, { file: this.#source.name })
  }
}

const NOTHING = {
  log: undefined,
  anchor: undefined,
  cosigned: false,
  timestampedAt: undefined,
  head: undefined,
} as const

/** What is said where no tenant log was given. */
export const NO_TENANT_LOG: TenantLogOutcome = {
  ...NOTHING,
  named: new Map(),
  witnessed: { k: 0, n: 0, threshold: 0 },
}

/** Witnesses say seconds; a time that no calendar has is the last that one has. */
function isoOfSeconds(seconds: number): string {
  return new Date(Math.min(seconds * 1000, 8.64e15)).toISOString()
}
