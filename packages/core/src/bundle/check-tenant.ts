// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint } from '../checkpoint.ts'
import { leafHash, sha256Hex } from '../hash.ts'
import type { NoteKey } from '../note.ts'
import { noteSignedBy } from '../note.ts'
import type { WitnessKey } from '../tlog/cosignature.ts'
import { cosignaturesOf } from '../tlog/cosignature.ts'
import { inclusionRoot } from '../tlog/proof.ts'
import type { Bundle, EntryProof } from './bundle.ts'
import type { BundleReport } from './bundle-verdict.ts'
import type { SignedHead } from './read-head.ts'
import { readHead } from './read-head.ts'

/** How much later than the time-stamp over it a record may claim to be. */
const STAMP_AHEAD_MILLIS_MAX = 300_000

/** What a bundle shows of the tenant log. */
export interface TenantOutcome {
  readonly head: SignedHead
  /** Whether a pinned tenant key signed the head. */
  readonly signed: boolean
  /** Keys were pinned, and none that could have signed the head. */
  readonly unknown: boolean
  /** At which index the epoch's certificate stands; undefined where that is not shown. */
  readonly certificateEntry: number | undefined
}

/** The check `tenant`. */
export function checkTenant(
  { tenant, checkpoint, certs }: Bundle,
  { log, keys }: { readonly log: string; readonly keys: readonly NoteKey[] },
  report: BundleReport,
): TenantOutcome | undefined {
  if (tenant === undefined) return undefined
  report.asked('tenant')
  const head = readHead(tenant.checkpoint)
  if (head === undefined) {
    report.fault('tenant', 'edited', 'What stands for the tenant log’s head is no checkpoint.')
    return undefined
  }
  if (head.origin !== log) {
    const message = `The head is one of ${head.origin}, and the record belongs to ${log}.`
    report.fault('tenant', 'forged', message)
    return undefined
  }
  const tenantKeys = keys.filter(({ name }) => name === log)
  const signed = tenantKeys.some((key) => noteSignedBy(head.note, key))
  if (!signed && tenantKeys.length > 0) {
    const message = `The tenant log’s head of size ${head.size} is not signed by the tenant key that you pinned.`
    report.fault('tenant', 'forged', message)
  }
  const text = readHead(checkpoint)?.note.text ?? ''
  if (!isEntry(text, tenant, head)) {
    const message = `The epoch’s checkpoint is not entry ${tenant.entry} of the tenant log of size ${head.size}.`
    report.fault('tenant', 'edited', message)
  }
  const { certificate } = tenant
  const isThere = isEntry(certs[0] ?? '', certificate, head)
  if (!isThere) {
    const message = `The epoch’s certificate is not entry ${certificate.entry} of the tenant log of size ${head.size}.`
    report.fault('tenant', 'edited', message)
  } else if (certificate.entry >= tenant.entry) {
    const message = 'The tenant log holds the epoch’s certificate behind its checkpoint.'
    report.fault('tenant', 'forged', message)
  }
  const unknown = keys.length > 0 && tenantKeys.length === 0
  return { head, signed, unknown, certificateEntry: isThere ? certificate.entry : undefined }
}

function isEntry(entry: string, { entry: index, path }: EntryProof, head: SignedHead): boolean {
  const leaf = leafHash(Buffer.from(entry, 'utf8'))
  return inclusionRoot(leaf, { index, size: head.size }, path) === head.root
}

/** Heads that the caller gave, and whose they may be. */
export interface GivenHeads {
  readonly given: readonly Checkpoint[]
  readonly log: string
  readonly epoch: string
}

/** The check `head`: whether a given head is the bundle's. */
export function checkHeads(
  { given, log, epoch }: GivenHeads,
  own: { readonly epoch: SignedHead | undefined; readonly tenant: SignedHead | undefined },
  report: BundleReport,
): boolean {
  if (given.length === 0) return false
  let matched = false
  for (const head of given) {
    const mine = [own.tenant, own.epoch].find((one) => one?.origin === head.origin)
    if (mine?.size !== head.size) continue
    report.asked('head')
    if (mine.root === head.root) {
      matched = true
    } else {
      const message = `You hold another head of ${head.origin} for size ${head.size}: somebody was shown another log.`
      report.fault('head', 'forked', message)
    }
  }
  if (!matched && report.holds('head')) {
    const sizes = [own.tenant, own.epoch].flatMap((one) => (one === undefined ? [] : [one.size]))
    const message = `None of the heads you gave is the one of ${log} or of epoch ${epoch} that the bundle leads to (size ${sizes.join(' or ') || 'unknown'}), so they say nothing about it.`
    report.notice('head', 'unverifiable', message)
  }
  return matched
}

/** The check `witness`: how many of the caller's witnesses cosigned the tenant log's head. */
export function checkWitnesses(
  head: SignedHead | undefined,
  { keys, threshold }: { readonly keys: readonly WitnessKey[]; readonly threshold: number },
  report: BundleReport,
): number {
  if (threshold === 0) return 0
  report.asked('witness')
  const cosigned = head === undefined ? 0 : cosignaturesOf(head.note, keys).length
  if (head === undefined) {
    const message = 'The bundle holds no head of a tenant log, so no witness can have cosigned one.'
    report.fault('witness', 'unsigned', message)
  } else if (cosigned < threshold) {
    const message = `${cosigned} of your witnesses cosigned the tenant log’s head of size ${head.size}, and you ask for ${threshold}.`
    report.fault('witness', 'unsigned', message)
  }
  return cosigned
}

/** Time-stamps of a bundle, and whoever checks them. */
export interface Stamps {
  /** What the record claims. */
  readonly at: string
  readonly verify:
    | ((token: Uint8Array, digestHex: string) => Promise<{ readonly time: string }>)
    | undefined
  readonly tokens: readonly string[]
}

/** The check `timestamp`: the earliest time that a valid token gives. */
export async function checkTimestamps(
  head: SignedHead | undefined,
  { at, verify, tokens }: Stamps,
  report: BundleReport,
): Promise<string | undefined> {
  if (verify === undefined || head === undefined) return undefined
  const digest = sha256Hex(head.note.text)
  let earliest: number | undefined
  for (const token of tokens) {
    const time = await timeOf(() => verify(Buffer.from(token, 'base64'), digest))
    if (time !== undefined && time < (earliest ?? Infinity)) earliest = time
  }
  if (earliest === undefined) {
    const message =
      tokens.length === 0
        ? 'The bundle holds no time-stamp.'
        : 'No time-stamp in the bundle is one of an authority that you trust, over this head.'
    report.notice('timestamp', 'unsigned', message)
    return undefined
  }
  report.asked('timestamp')
  const stamped = new Date(earliest).toISOString()
  if (Date.parse(at) > earliest + STAMP_AHEAD_MILLIS_MAX) {
    const message = `The record says that it was made at ${at}, and it was time-stamped at ${stamped} already: the writer’s clock was ahead.`
    report.notice('timestamp', 'clock', message)
  }
  return stamped
}

async function timeOf(
  verify: () => Promise<{ readonly time: string }>,
): Promise<number | undefined> {
  try {
    const time = Date.parse((await verify()).time)
    return Number.isNaN(time) ? undefined : time
  } catch {
    // Anybody can put a token there that no parser of it expects; it does not count.
    return undefined
  }
}
