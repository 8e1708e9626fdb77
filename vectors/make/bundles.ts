// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  block,
  canonicalize,
  cosignatureBlob,
  cosignedMessage,
  Ed25519PrivateKey,
  entriesPath,
  formatCheckpoint,
  formatRevocation,
  formatWitnessKey,
  leafHash,
  parseNote,
  parseWitnessKey,
  plainCommitment,
  sha256Hex,
  signNoteSync,
  tilePath,
} from '@spanseal/core'
import type { Bundle, BundleOpening, Encoding } from '@spanseal/core'
import { certify, EpochFiles } from './epoch-files.ts'
import { goldenEpochs } from './journal.ts'
import { issuer, LOG, seedOf, signingKey, stranger, tenant } from './keys.ts'
import type { SigningKey } from './keys.ts'
import { jsonFile } from './text-files.ts'
import type { Files } from './text-files.ts'

const NOW = '2026-11-21T10:00:00.000Z'
const COSIGNED_AT = 1_795_254_000

/** RFC 6962 §2.1 and §2.1.1 as they stand there, on hex. */
function treeHash(leaves: readonly string[]): string {
  if (leaves.length <= 1) return leaves[0] ?? sha256Hex('')
  const split = splitOf(leaves.length)
  return node(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)))
}

function node(left: string, right: string): string {
  return sha256Hex(Buffer.from(`01${left}${right}`, 'hex'))
}

function splitOf(size: number): number {
  let split = 1
  while (split * 2 < size) split *= 2
  return split
}

function inclusion(index: number, leaves: readonly string[]): string[] {
  if (leaves.length <= 1) return []
  const split = splitOf(leaves.length)
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)]
  return index < split
    ? [...inclusion(index, left), treeHash(right)]
    : [...inclusion(index - split, right), treeHash(left)]
}

function consistency(first: number, leaves: readonly string[], isOldTree = true): string[] {
  if (first === leaves.length) return isOldTree ? [] : [treeHash(leaves)]
  const split = splitOf(leaves.length)
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)]
  return first <= split
    ? [...consistency(first, left, isOldTree), treeHash(right)]
    : [...consistency(first - split, right, false), treeHash(left)]
}

function leavesOf(texts: readonly string[]): string[] {
  return texts.map((text) => leafHash(Buffer.from(text, 'utf8')))
}

/** A tenant log of given entries. */
interface TenantLog {
  readonly entries: readonly string[]
  readonly text: string
  readonly note: string
}

function tenantLog(entries: readonly string[], by: SigningKey = tenant): TenantLog {
  const text = formatCheckpoint({ origin: LOG, size: entries.length, root: treeHash(leavesOf(entries)) })
  return { entries, text, note: signNoteSync(text, by) }
}

function witness(n: number): { readonly vkey: string; cosign(text: string): string } {
  const key = Ed25519PrivateKey.fromSeed(Buffer.from(seedOf(`witness ${n}`), 'hex'))
  const vkey = formatWitnessKey(`witness-${n}.example`, key.publicKey)
  const known = parseWitnessKey(vkey)
  return {
    vkey,
    cosign: (text) => {
      const signature = key.sign(cosignedMessage(text, COSIGNED_AT))
      return `— ${known.name} ${cosignatureBlob(known, COSIGNED_AT, signature).toString('base64')}\n`
    },
  }
}

const witnesses = [1, 2, 3].map(witness)
const witnessKeys = witnesses.map(({ vkey }) => vkey)

function revocation(vkey: string, tenantLogSize: number, by: SigningKey = tenant): string {
  return signNoteSync(formatRevocation({ log: LOG, vkey, tenantLogSize }), by)
}

/** The bundle of a record without a tenant log. */
function bundleOf(epoch: EpochFiles, seq: number, note = epoch.notes.at(-1) as string): Bundle {
  const size = Number(parseNote(note).text.split('\n')[1])
  const lines = epoch.lines.slice(0, size)
  return {
    record: lines[seq] as string,
    path: inclusion(seq, leavesOf(lines)),
    checkpoint: note,
    certs: certsOf(epoch),
  }
}

function certsOf(epoch: EpochFiles): string[] {
  const open = JSON.parse(epoch.lines[0] as string) as { detail: { key: { certs: string[] } } }
  return open.detail.key.certs
}

function inLog(bundle: Bundle, log: TenantLog, more: object = {}): Bundle {
  const leaves = leavesOf(log.entries)
  const at = (text: string): { entry: number; path: string[] } => {
    const entry = log.entries.indexOf(text)
    return { entry, path: inclusion(entry, leaves) }
  }
  const own = at(parseNote(bundle.checkpoint).text)
  const certificate = at(bundle.certs[0] as string)
  return { ...bundle, tenant: { checkpoint: log.note, ...own, certificate, ...more } }
}

/** The text, whatever it holds. */
function text(bundle: Bundle, more: object = {}): string {
  return `${canonicalize({ bundle: 'spanseal/bundle/1', ...bundle, ...more })}\n`
}

function openingsOf(epoch: EpochFiles, record: string): BundleOpening[] {
  return epoch.openings
    .filter((one) => one.record === record)
    .map(({ bytes, enc, field, salt }) => ({ enc: enc as Encoding, field, salt, value: bytes }))
}

const [first, second] = goldenEpochs()
const entriesOf = (epoch: EpochFiles): string[] => [
  certsOf(epoch)[0] as string,
  ...epoch.notes.map((note) => parseNote(note).text),
]
const log = tenantLog([...entriesOf(first), ...entriesOf(second)])
const seqOf = (epoch: EpochFiles, type: string): number =>
  epoch.lines.findIndex((line) => line.includes(`"type":"${type}","v":1}`))

/** The end of a call: its input has its start's place. */
const endSeq = second.lines.findLastIndex((line) => line.includes('"type":"tool.end","v":1}'))
const startSeq = seqOf(second, 'tool.start')
const planSeq = seqOf(second, 'agent.reasoning')
const plain = bundleOf(second, endSeq)
const logged = inLog(plain, log)
const opened = {
  ...plain,
  openings: [
    ...openingsOf(second, `${second.id}/${startSeq}`),
    ...openingsOf(second, `${second.id}/${endSeq}`),
  ],
}

/** An epoch whose commitments are plain digests. */
function plainEpoch(): { readonly epoch: EpochFiles; readonly openings: BundleOpening[] } {
  const epoch = new EpochFiles({ words: 'epoch of plain digests', openedAt: '2026-11-21T09:10:00.000Z' })
  const said = 'Order A-1'
  const line = first.lines[seqOf(first, 'user.input')] as string
  const like = JSON.parse(line) as Record<'actor' | 'context' | 'retention' | 'trace', never>
  epoch.append({
    type: 'user.input',
    severity: 'info',
    actor: block(like.actor),
    context: block(like.context),
    retention: block(like.retention),
    trace: like.trace,
    detail: { bytes: said.length, content: plainCommitment('text', said) },
  })
  epoch.checkpoint()
  const value = Buffer.from(said).toString('base64')
  return { epoch, openings: [{ enc: 'text', field: '/detail/content', value }] }
}

interface Given {
  readonly keys?: readonly string[]
  readonly heads?: readonly string[]
  readonly witnesses?: { readonly keys: readonly string[]; readonly threshold: number }
  readonly revocations?: readonly string[]
  readonly now?: string
}

interface Expected {
  readonly ok: boolean
  readonly level: number
  readonly faults?: readonly string[]
  readonly notices?: readonly string[]
}

function vector(name: string, bundle: string, given: Given, expect: Expected): object {
  const { keys = [tenant.vkey], now = NOW, ...rest } = given
  const { faults = [], notices = [], ...outcome } = expect
  return { name, bundle, given: { keys, now, ...rest }, expect: { ...outcome, faults, notices } }
}

function holding(): object[] {
  const holds = (name: string, bundle: Bundle, given: Given, level: number, notices: string[] = []): object =>
    vector(name, text(bundle), given, { ok: true, level, notices })
  const { epoch, openings } = plainEpoch()
  const cosignatures = [witnesses[0], witnesses[2]].map((one) => one?.cosign(log.text)).join('')
  const cosigned = { ...log, note: log.note + cosignatures }
  const head = log.note
  const early = { keys: [tenant.vkey], now: '2026-11-21T08:00:00.000Z' }
  return [
    holds('nothing pinned', plain, { keys: [] }, 1),
    holds('the tenant pinned', plain, {}, 2),
    holds('the issuer pinned', plain, { keys: [issuer.vkey] }, 2),
    holds('the epoch’s key pinned', plain, { keys: [second.key.vkey] }, 2),
    holds('the epoch’s key pinned, no certificate', { ...plain, certs: [] }, { keys: [second.key.vkey] }, 2),
    holds('the first record', bundleOf(first, 0), {}, 2),
    holds('the only record of its checkpoint', bundleOf(first, 0, first.notes[0]), {}, 2),
    holds('the last record', bundleOf(second, second.size - 1), {}, 2),
    holds('opened at the end and at its start’s place', opened, {}, 2),
    holds('opened text that was cut', { ...bundleOf(second, planSeq), openings: openingsOf(second, `${second.id}/${planSeq}`) }, {}, 2),
    holds('opened plain digest', { ...bundleOf(epoch, 1), openings }, {}, 2),
    holds('in the tenant log', logged, {}, 2),
    holds('in a tenant log that no pinned key vouches for', logged, { keys: [issuer.vkey] }, 2, ['tenant:unsigned']),
    holds('the tenant’s head given, and its key not pinned', logged, { keys: [issuer.vkey], heads: [head] }, 3),
    holds('the tenant’s head given', logged, { heads: [head] }, 3),
    holds('the epoch’s head given', plain, { heads: [second.notes.at(-1) as string] }, 3),
    holds('a head of another size given', logged, { heads: [first.notes[0] as string, tenantLog(log.entries.slice(0, 3)).note] }, 2, ['head:unverifiable']),
    holds('two of three witnesses', inLog(plain, cosigned), { witnesses: { keys: witnessKeys, threshold: 2 } }, 4),
    holds('an issuer that was revoked after it vouched', inLog(plain, log, { revocations: [revocation(issuer.vkey, log.entries.length)] }), {}, 2),
    holds('a revocation of another issuer', inLog(plain, log, { revocations: [revocation(signingKey(`${LOG}/issuer-x`, seedOf('x')).vkey, 0)] }), {}, 2),
    holds('a time-stamp, and no authority to check it', inLog(plain, log, { timestamps: ['MAMCAQA='] }), {}, 2),
    holds('opened later than it is now', plain, early, 2, ['record:clock']),
    holds('a certificate that does not cover the time in the epoch id', bundleOf(lateEpoch(), 0), { now: '2026-11-23T00:00:00.000Z' }, 2, ['signature:expired']),
  ]
}

/** Opened on the day after its certificates end. */
function lateEpoch(): EpochFiles {
  return new EpochFiles({ words: 'late epoch', openedAt: '2026-11-22T00:00:00.001Z' })
}

function changedBytes(bundle: Bundle): [string, Bundle, string[]][] {
  const { record, path, checkpoint } = bundle
  const zeros = '0'.repeat(64)
  return [
    ['a field of the record changed', { ...bundle, record: record.replace('"success"', '"timeout"') }, ['inclusion:edited']],
    ['another seq', { ...bundle, record: record.replace(/"seq":\d+\}/, '"seq":1}') }, ['inclusion:edited']],
    ['a seq behind the checkpoint', { ...bundle, record: record.replace(/"seq":\d+\}/, '"seq":4096}') }, ['inclusion:edited']],
    ['the record not canonical', { ...bundle, record: record.replace(':', ': ') }, ['record:edited']],
    ['an LF in the record', { ...bundle, record: `${record}\n` }, ['record:edited']],
    ['no record', { ...bundle, record: '' }, ['record:edited']],
    ['a record of another version', { ...bundle, record: record.replace('"v":1}', '"v":2}') }, ['record:unverifiable']],
    ['a record that is none of its type', { ...bundle, record: record.replace('"type":"tool.end"', '"type":"tool.ended"') }, ['record:schema', 'inclusion:edited']],
    ['a hash of the path changed', { ...bundle, path: [zeros, ...path.slice(1)] }, ['inclusion:edited']],
    ['a hash less', { ...bundle, path: path.slice(1) }, ['inclusion:edited']],
    ['a hash more', { ...bundle, path: [...path, zeros] }, ['inclusion:edited']],
    ['the path upside down', { ...bundle, path: path.toReversed() }, ['inclusion:edited']],
    ['no checkpoint', { ...bundle, checkpoint: 'none' }, ['inclusion:edited']],
    ['another size in the checkpoint', { ...bundle, checkpoint: checkpoint.replace(/\n(\d+)\n/, '\n1$1\n') }, ['inclusion:edited', 'signature:forged']],
    ['the checkpoint of another epoch', { ...bundle, checkpoint: first.notes.at(-1) as string }, ['inclusion:forged']],
    ['the tenant’s checkpoint', { ...bundle, checkpoint: log.note }, ['inclusion:forged']],
  ]
}

function wrongSignatures(bundle: Bundle): [string, Bundle, string[]][] {
  const [epochCert = '', issuerCert = ''] = bundle.certs
  const imposter = signingKey(second.key.name, seedOf('imposter'))
  const rogue = new EpochFiles({
    words: 'rogue epoch',
    openedAt: '2026-11-21T09:00:00.000Z',
    certs: (key) => [certify(key.vkey, signingKey(issuer.name, seedOf('rogue issuer')), 'epoch')],
  })
  return [
    ['signed by another key of that name', { ...bundle, checkpoint: signNoteSync(parseNote(bundle.checkpoint).text, imposter) }, ['signature:forged']],
    ['certificates the wrong way round', { ...bundle, certs: [issuerCert, epochCert] }, ['signature:forged']],
    ['the certificate of another epoch', { ...bundle, certs: [certsOf(first)[0] as string, issuerCert] }, ['signature:forged']],
    ['an issuer that the tenant did not certify', { ...bundle, certs: [epochCert, certify(issuer.vkey, stranger, 'issuer')] }, ['signature:unsigned']],
    ['no certificate', { ...bundle, certs: ['none'] }, ['signature:forged']],
    ['no certificates', { ...bundle, certs: [] }, ['signature:unsigned']],
    ['made with an issuer of one’s own', bundleOf(rogue, 0), ['signature:unsigned']],
  ]
}

function wrongTenant(): [string, Bundle, string[]][] {
  const own = logged.tenant as NonNullable<Bundle['tenant']>
  const withTenant = (more: object): Bundle => ({ ...logged, tenant: { ...own, ...more } })
  const swapped = tenantLog([entriesOf(second).at(-1) as string, certsOf(second)[0] as string])
  const { certificate } = own
  return [
    ['another entry', withTenant({ entry: own.entry - 1 }), ['tenant:edited']],
    ['an entry behind the log', withTenant({ entry: log.entries.length }), ['tenant:edited']],
    ['another path to the entry', withTenant({ path: certificate.path }), ['tenant:edited']],
    ['another entry for the certificate', withTenant({ certificate: { ...certificate, entry: 0 } }), ['tenant:edited']],
    ['no head', withTenant({ checkpoint: 'none' }), ['tenant:edited']],
    ['an epoch’s head for the tenant’s', withTenant({ checkpoint: second.notes.at(-1) }), ['tenant:forged']],
    ['a log signed by a stranger', inLog(plain, tenantLog(log.entries, stranger)), ['tenant:forged']],
    ['the certificate behind the checkpoint', inLog(plain, swapped), ['tenant:forged']],
    ['an issuer revoked before', withTenant({ revocations: [revocation(issuer.vkey, certificate.entry)] }), ['revocation:unsigned']],
    ['two revocations, the smaller size counts', withTenant({ revocations: [revocation(issuer.vkey, 99), revocation(issuer.vkey, 0)] }), ['revocation:unsigned']],
    ['a revocation signed by a stranger', withTenant({ revocations: [revocation(issuer.vkey, 0, stranger)] }), ['revocation:forged']],
    ['no revocation', withTenant({ revocations: ['none'] }), ['revocation:edited']],
  ]
}

function wrongOpenings(): [string, Bundle, string[]][] {
  const [input, output] = opened.openings as unknown as [BundleOpening, BundleOpening]
  const withOne = (opening: object): Bundle => ({ ...plain, openings: [opening as BundleOpening] })
  const { salt: _, ...saltless } = output
  const digest = plainEpoch()
  const salted = { ...(digest.openings[0] as BundleOpening), salt: '0'.repeat(64) }
  const fault = ['opening:forged']
  return [
    ['another value', withOne({ ...output, value: Buffer.from('{}').toString('base64') }), fault],
    ['another salt', withOne({ ...output, salt: input.salt }), fault],
    ['another encoding', withOne({ ...output, enc: 'text' }), fault],
    ['another field', withOne({ ...output, field: '/invocation/input' }), fault],
    ['a field that holds no commitment', withOne({ ...output, field: '/invocation/status' }), fault],
    ['a field that is not there', withOne({ ...output, field: '/detail/text' }), fault],
    ['no salt', withOne(saltless), fault],
    ['a salt for a plain digest', { ...bundleOf(digest.epoch, 1), openings: [salted] }, fault],
    ['the commitment in text that was cut', { ...bundleOf(second, planSeq), openings: openingsOf(second, `${second.id}/${planSeq}`).map((one) => ({ ...one, field: `${one.field}/commitment` })) }, fault],
  ]
}

function failing(): object[] {
  const fails = ([name, bundle, faults]: [string, Bundle, string[]], given: Given = {}): object =>
    vector(name, text(bundle), given, { ok: false, level: 0, faults })
  const tree = { origin: LOG, size: log.entries.length, root: '11'.repeat(32) }
  const fork = signNoteSync(formatCheckpoint(tree), tenant)
  const revoked = { revocations: [revocation(issuer.vkey, 99)] }
  const asked = { witnesses: { keys: witnessKeys, threshold: 1 } }
  const foreign = { ...log, note: log.note + witness(9).cosign(log.text) + witnesses[0]?.cosign('another\n') }
  return [
    ...changedBytes(plain).map((one) => fails(one)),
    ...wrongSignatures(plain).map((one) => fails(one)),
    ...wrongTenant().map((one) => fails(one)),
    ...wrongOpenings().map((one) => fails(one)),
    fails(['another tenant pinned', plain, ['signature:unsigned']], { keys: [stranger.vkey] }),
    fails(['another head given of that size', logged, ['head:forked']], { heads: [fork] }),
    fails(['revoked, and no tenant log shows when', plain, ['revocation:unsigned']], revoked),
    vector('revoked, and no tenant key to confirm it', text(logged), { ...revoked, keys: [issuer.vkey] }, {
      ok: false,
      level: 0,
      faults: ['revocation:unverifiable'],
      notices: ['tenant:unsigned'],
    }),
    fails(['witnesses asked for, and no tenant log', plain, ['witness:unsigned']], asked),
    fails(['witnesses asked for, foreign and wrong cosignatures', inLog(plain, foreign), ['witness:unsigned']], asked),
  ]
}

function malformed(): object[] {
  const good = text(inLog(opened, log, { timestamps: ['MAMCAQA='] }))
  const zeros = '0'.repeat(64)
  const [opening] = opened.openings as [BundleOpening]
  const own = logged.tenant
  const list: [string, string][] = [
    ['nothing', ''],
    ['no LF', good.slice(0, -1)],
    ['two LFs', `${good}\n`],
    ['two bundles', good + good],
    ['CR LF', good.replace('\n', '\r\n')],
    ['white space', good.replace(':', ': ')],
    ['a byte order mark', `\ufeff${good}`],
    ['no JSON', good.slice(1)],
    ['null', 'null\n'],
    ['a list', '[]\n'],
    ['keys in another order', `${JSON.stringify({ bundle: 'spanseal/bundle/1', record: plain.record, path: plain.path, checkpoint: plain.checkpoint, certs: plain.certs })}\n`],
    ['a key twice', good.replace('{"bundle"', '{"bundle":"spanseal/bundle/1","bundle"')],
    ['another version', text(plain, { bundle: 'spanseal/bundle/2' })],
    ['an unknown key', text(plain, { note: 'x' })],
    ['an unknown key in tenant', text(logged, { tenant: { ...own, note: 'x' } })],
    ['an unknown key in an opening', text(plain, { openings: [{ ...opening, note: 'x' }] })],
    ['no path', good.replace(/"path":\[[^\]]*\],"record"/, '"record"')],
    ['a path in capitals', text(plain, { path: ['A'.repeat(64)] })],
    ['a path of 65 hashes', text(plain, { path: Array.from({ length: 65 }, () => zeros) })],
    ['three certificates', text(plain, { certs: [...plain.certs, plain.certs[0]] })],
    ['a tenant log without a certificate', text(logged, { certs: [] })],
    ['an index below 0', text(logged, { tenant: { ...own, entry: -1 } })],
    ['an index that is no integer', text(logged, { tenant: { ...own, entry: 0.5 } })],
    ['an index of 2^53', text(logged, { tenant: { ...own, entry: 2 ** 53 } })],
    ['an index as text', text(logged, { tenant: { ...own, entry: '1' } })],
    ['an index in another notation', text(logged, { tenant: { ...own, entry: 100 } }).replace('"entry":100', '"entry":1e2')],
    ['no revocations in their list', text(logged, { tenant: { ...own, revocations: [] } })],
    ['no openings in their list', text(plain, { openings: [] })],
    ['a field opened twice', text(plain, { openings: [opening, opening] })],
    ['an unknown encoding', text(plain, { openings: [{ ...opening, enc: 'xml' }] })],
    ['a field that is no JSON Pointer', text(plain, { openings: [{ ...opening, field: 'a' }] })],
    ['a tilde alone', text(plain, { openings: [{ ...opening, field: '/a~' }] })],
    ['a salt that is null', text(plain, { openings: [{ ...opening, salt: null }] })],
    ['base64 without padding', text(plain, { openings: [{ ...opening, value: 'YQ' }] })],
    ['base64 with spare bits', text(plain, { openings: [{ ...opening, value: 'YR==' }] })],
    ['half of a surrogate pair', text(plain).replace('"record":"', '"record":"\\ud800')],
    ['a record over 65,535 bytes', text(plain, { record: 'x'.repeat(65_536) })],
  ]
  return list.map(([name, bundle]) => ({ name, bundle }))
}

/** `bundle-proofs.json`: a tree of 17 leaves, proofs in it, and paths of tiles. */
function proofsFile(): [string, string] {
  const leaves = Array.from({ length: 17 }, (_, i) => `entry ${i}`)
  const hashes = leavesOf(leaves)
  const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17]
  return jsonFile('bundle-proofs.json', {
    about:
      'entries: their leaf hashes are the tree; roots by size, from 0 on. inclusion: all that are ' +
      'listed hold. consistency: from first to second. tiles: paths.',
    entries: leaves,
    roots: Array.from({ length: 18 }, (_, size) => treeHash(hashes.slice(0, size))),
    inclusion: sizes.flatMap((size) =>
      [...new Set([0, size >> 1, size - 1])].map((index) => ({ index, size, path: inclusion(index, hashes.slice(0, size)) })),
    ),
    consistency: sizes.flatMap((to) =>
      [0, ...sizes].filter((from) => from <= to).map((from) => ({
        first: from,
        second: to,
        proof: from === 0 ? [] : consistency(from, hashes.slice(0, to)),
      })),
    ),
    tiles: [
      { level: 0, index: 0, width: 256 },
      { level: 0, index: 5, width: 7 },
      { level: 1, index: 999, width: 256 },
      { level: 2, index: 1000, width: 255 },
      { level: 0, index: 1_234_067, width: 256 },
    ].map((tile) => ({ ...tile, path: tilePath(tile), entries: entriesPath(tile) })),
  })
}

/** `bundle.json`, and beside it proofs alone. */
export function bundleVectors(): Files {
  return new Map([
    jsonFile('bundle.json', {
      about:
        'bundle is the text of a file. given: what the checker brings along (verifier keys, heads and ' +
        'revocations as signed notes, the time now). expect: ok, level, and all faults and notices as ' +
        '<check>:<code>, each once, in the order of the checks. malformed: no bundles at all.',
      keys: { tenant: tenant.vkey, issuer: issuer.vkey, epoch: second.key.vkey, witnesses: witnessKeys },
      cases: [...holding(), ...failing()],
      malformed: malformed(),
    }),
    proofsFile(),
  ])
}
