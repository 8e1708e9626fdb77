// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '../errors.ts'
import { MerkleFrontier } from '../merkle.ts'
import { parseNote } from '../note.ts'
import type { CertifiedStub, Stub } from '../stub.ts'
import { checkStub, parseStub } from '../stub.ts'
import type { Findings, Place, Report } from './findings.ts'
import { LeftRecords } from './left-records.ts'
import type { RecordChecks } from './record-check.ts'
import type { SeqRanges } from './seq-ranges.ts'

/** The stub, its certificate, and a length before each. */
const STUB_FILE_BYTES_MAX = 2 * 65_536 + 16

/** The epoch that a stub should be of. */
export interface StubOwner {
  readonly log: string | undefined
  readonly epoch: string | undefined
}

/** A `stub` file taken apart: the stub, and the notes of it and of its certificate. */
interface ReadStub {
  readonly stub: Stub
  readonly notes: readonly [string, string]
}

/** The check of an epoch's `stub` file. */
export class StubCheck {
  readonly #findings: Findings
  readonly #checks: RecordChecks
  readonly #file: string
  readonly left: LeftRecords

  constructor(findings: Findings, file: string, checks: RecordChecks) {
    this.#findings = findings
    this.left = new LeftRecords(findings)
    this.#file = file
    this.#checks = checks
  }

  /** What the file says; undefined, and a fault, where it is no stub. */
  read(text: string): ReadStub | undefined {
    try {
      const [note, certificate, ...more] = framedNotes(text)
      if (note !== undefined && certificate !== undefined && more.length === 0) {
        return { stub: parseStub(parseNote(note).text), notes: [note, certificate] }
      }
    } catch (error) {
      if (!(error instanceof AuditError)) throw error
    }
    const message = 'The file is not a stub and its retention certificate.'
    this.#fault({ code: 'edited', check: 'epoch', message }, undefined)
    return undefined
  }

  /** Compares it with the records for which it stands, where all of them are there. */
  compare(
    { lastSeq, nodes }: Stub,
    { doubts, root }: { readonly doubts: SeqRanges; readonly root: string | undefined },
    epoch: string | undefined,
  ): void {
    const size = lastSeq + 1
    if (!doubts.empty || MerkleFrontier.resume(size, nodes)?.root() === root) return
    const message = `The stub stands for other records than the ${size} that are there.`
    this.#fault({ code: 'forged', check: 'epoch', message }, { epoch, log: undefined })
  }

  /** Whether it may stand where it stands. */
  settle(stub: Stub, [note, certificate]: readonly [string, string], owner: StubOwner): boolean {
    const faults = this.#findings.faults
    const { epoch = '', log = stub.origin.slice(0, -epoch.length - 1) } = owner
    try {
      this.#judge(checkStub({ log, epoch, note, certificate }, this.#checks.pinned), owner)
    } catch (error) {
      if (!(error instanceof AuditError)) throw error
      const message = `The stub is not one of a retention key of this log: ${error.message}.`
      this.#fault({ code: 'forged', check: 'epoch', message }, owner)
    }
    if (stub.keepUntil >= new Date(this.#checks.nowMillis).toISOString()) {
      const message = `Records 1 to ${stub.lastSeq} are gone, and some of them were to be kept until ${stub.keepUntil}.`
      this.#fault({ code: 'missing', check: 'epoch', message }, owner, stub)
    } else if (this.#findings.faults === faults) {
      const message = `Records 1 to ${stub.lastSeq} have expired: all were to be kept until ${stub.keepUntil} at most.`
      const place = { ...this.#place(owner), seq: 1, lastSeq: stub.lastSeq }
      this.#findings.notice({ code: 'expired', check: 'epoch', message }, place)
    }
    return this.#findings.faults === faults
  }

  #judge({ stub, vkey, pinned, notAfter }: CertifiedStub, owner: StubOwner): void {
    const { pinned: keys, revoked } = this.#checks
    if (revoked.has(vkey)) {
      const message = 'The key that signed the stub was revoked.'
      this.#fault({ code: 'unsigned', check: 'epoch', message, outside: true }, owner)
    } else if (!pinned && keys.length > 0) {
      const message = 'None of the keys you gave vouches for the key that signed the stub.'
      this.#fault({ code: 'unsigned', check: 'epoch', message, outside: true }, owner)
    } else if (notAfter < stub.keepUntil) {
      const message = "The stub's key was certified until before the records might be removed."
      this.#findings.notice({ code: 'expired', check: 'epoch', message }, this.#place(owner))
    }
  }

  #fault(report: Report, owner: StubOwner | undefined, stub?: Stub): void {
    const range = stub === undefined ? {} : { seq: 1, lastSeq: stub.lastSeq }
    this.#findings.fault(report, { ...this.#place(owner), ...range })
  }

  #place(owner: StubOwner | undefined): Place {
    return { file: this.#file, epoch: owner?.epoch }
  }
}

/** Notes, each after its length in bytes; empty where the text cannot be cut so. */
function framedNotes(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8')
  const notes: string[] = []
  if (bytes.length > STUB_FILE_BYTES_MAX) return notes
  for (let at = 0; at < bytes.length; ) {
    const head = /^([1-9]\d{0,4})\n/.exec(bytes.toString('latin1', at, at + 6))?.[1]
    if (head === undefined) return []
    const start = at + head.length + 1
    at = start + Number(head)
    if (at > bytes.length) return []
    notes.push(bytes.toString('utf8', start, at))
  }
  return notes
}
