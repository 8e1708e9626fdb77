// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { checkCertificateChain } from '../certificate.ts'
import { epochBelongsTo, epochMillis } from '../epoch-id.ts'
import { AuditError } from '../errors.ts'
import { sha256Hex } from '../hash.ts'
import { isLogName } from '../log-name.ts'
import type { NoteKey } from '../note.ts'
import { formatVkey, parseVkey } from '../note.ts'
import type { Arrival } from './arrival.ts'
import { placeOf } from './arrival.ts'
import type { Findings } from './findings.ts'
import type { LoggedCertificate } from './named-epoch.ts'

/** How far the time in an epoch's id may be from that of its first record. */
const OPENING_MILLIS_MAX = 60_000

/** What an epoch's key is worth. */
export interface EpochKey {
  readonly key: NoteKey
  /** It is pinned, or a pinned key vouches for it. */
  readonly pinned: boolean
}

/** What `epoch.open` is held against. */
export interface OpenChecks {
  readonly findings: Findings
  /** Keys that the verifier's user trusts; none means that nobody asks whose key it is. */
  readonly pinned: readonly NoteKey[]
  /** Keys that the tenant revoked: up to which size of the tenant log what they vouched for counts. */
  readonly revoked: ReadonlyMap<string, number>
}

/** What the tenant log says of the epoch's certificate; undefined where none was given. */
export type LoggedCertificates = readonly LoggedCertificate[] | undefined

/**
 * The check `epoch` of an `epoch.open`: the id fits the key, and the certificates lead from it to a
 * pinned key.
 *
 * @returns the epoch's key, or undefined where the record does not give one that is its own
 */
export function checkEpochOpen(
  arrival: Arrival,
  checks: OpenChecks,
  logged: LoggedCertificates,
): EpochKey | undefined {
  const { findings } = checks
  const { chain, time } = arrival.read.envelope
  const forged = (message: string): undefined => {
    findings.fault({ code: 'forged', check: 'epoch', message }, placeOf(arrival))
  }
  if (!isLogName(chain.log)) return forged('The log has a name that no log may have.')
  if (time.mono_ns !== '0') {
    const message = 'The monotonic clock of an epoch begins at 0, and here it does not.'
    findings.fault({ code: 'schema', check: 'time', message }, placeOf(arrival))
  }
  if (Math.abs(Date.parse(time.at) - epochMillis(chain.epoch)) > OPENING_MILLIS_MAX) {
    const message = `The epoch was opened at ${time.at}, and its id speaks of another time.`
    findings.notice({ code: 'clock', check: 'time', message }, placeOf(arrival))
  }
  const { vkey, certs } = keyFields(arrival)
  const key = keyOf(vkey)
  if (key === undefined) return forged('The epoch names no key that could sign its checkpoints.')
  if (!epochBelongsTo(chain.epoch, key.publicKey)) {
    return forged('The id of the epoch was not made from its key.')
  }
  checkLogged(arrival, certs, { findings, logged })
  return checkCertificates(arrival, { key, vkey, certs, logged }, checks)
}

/** The certificate that the tenant log holds is the one that the epoch shows. */
function checkLogged(
  arrival: Arrival,
  [cert]: readonly string[],
  { findings, logged = [] }: { findings: Findings; logged: LoggedCertificates },
): void {
  if (logged.length === 0 || (cert !== undefined && holds(logged, cert) !== undefined)) return
  const message = 'The tenant log holds another certificate for this epoch than its epoch.open.'
  findings.fault(
    { code: 'forged', check: 'completeness', message, outside: true },
    placeOf(arrival),
  )
}

/** The first entry with this certificate. */
function holds(logged: readonly LoggedCertificate[], cert: string): number | undefined {
  const digest = sha256Hex(cert)
  return logged.find((one) => one.digest === digest)?.index
}

interface ClaimedKey {
  readonly key: NoteKey
  readonly vkey: string
  readonly certs: readonly string[]
  readonly logged: LoggedCertificates
}

function checkCertificates(
  arrival: Arrival,
  { key, vkey, certs, logged }: ClaimedKey,
  { findings, pinned, revoked }: OpenChecks,
): EpochKey | undefined {
  const { chain, time } = arrival.read.envelope
  const { log, epoch } = chain
  try {
    const certified = checkCertificateChain({ log, epoch, vkey, certs, at: time.at }, pinned)
    const isPinned = pinned.some((one) => vkeyOf(one) === vkey)
    const size = revoked.get(certified.issuer ?? '')
    const index = certs[0] === undefined ? undefined : holds(logged ?? [], certs[0])
    const isRevoked = !isPinned && size !== undefined && (index === undefined || index >= size)
    const vouched = isPinned || (certified.pinned && !isRevoked)
    if (!certified.valid) {
      const message = 'The epoch was opened outside the time for which its key was certified.'
      findings.notice({ code: 'expired', check: 'epoch', message }, placeOf(arrival))
    }
    if (!vouched && pinned.length > 0) {
      const message = isRevoked
        ? revokedMessage(size, index)
        : 'None of the keys you gave vouches for the key of this epoch.'
      const report = { code: 'unsigned', check: 'epoch', message, outside: true } as const
      findings.fault(report, placeOf(arrival))
    }
    return { key, pinned: vouched }
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    const message = `The certificates of the epoch's key contradict it: ${error.message}.`
    findings.fault({ code: 'forged', check: 'epoch', message }, placeOf(arrival))
    return { key, pinned: false }
  }
}

function revokedMessage(size: number, index: number | undefined): string {
  const where =
    index === undefined ? 'not in the tenant log that you gave' : `entry ${index} of the tenant log`
  const until = size === 0 ? 'for nothing' : `only for what stands below entry ${size}`
  return `The issuer of this epoch's key was revoked, and counts ${until}: the epoch's certificate is ${where}.`
}

function keyOf(vkey: string): NoteKey | undefined {
  try {
    return parseVkey(vkey)
  } catch (error) {
    if (error instanceof AuditError) return undefined
    throw error
  }
}

function vkeyOf({ name, publicKey }: NoteKey): string {
  return formatVkey(name, publicKey)
}

/** Read without the schema's help, for revisions that are not known here. */
function keyFields({ read }: Arrival): { vkey: string; certs: string[] } {
  const { detail } = read.envelope as { detail?: { key?: { vkey?: unknown; certs?: unknown } } }
  const vkey = detail?.key?.vkey
  const certs = detail?.key?.certs
  return {
    vkey: typeof vkey === 'string' ? vkey : '',
    certs: Array.isArray(certs) ? certs.filter((cert) => typeof cert === 'string') : [],
  }
}
