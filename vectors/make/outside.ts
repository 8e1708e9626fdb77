// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  cosignatureBlob,
  cosignedMessage,
  Ed25519PrivateKey,
  formatCertificate,
  formatCheckpoint,
  formatRevocation,
  formatStub,
  formatWitnessKey,
  leafHash,
  MerkleFrontier,
  parseWitnessKey,
  signNoteSync,
} from '@spanseal/core'
import type { EpochFiles } from './epoch-files.ts'
import { certify } from './epoch-files.ts'
import { goldenEpochs, journalFiles } from './journal.ts'
import { issuer, LOG, signingKey, seedOf, stranger, tenant } from './keys.ts'
import type { SigningKey } from './keys.ts'
import { jsonFile } from './text-files.ts'
import type { Files } from './text-files.ts'

/** What a verifier brings along besides keys. */
interface Brought {
  /** A signed note, and the exact entries as text. */
  readonly tenantLog?: { readonly checkpoint: string; readonly entries: readonly string[] }
  /** Head lines. */
  readonly heads?: readonly string[]
  readonly witnesses?: { readonly keys: readonly string[]; readonly threshold: number }
  readonly revocations?: readonly string[]
  /** Only some epochs of the log are given. */
  readonly partial?: true
  readonly now?: string
}

interface Expected {
  readonly faults: readonly string[]
  readonly also?: readonly string[]
  readonly notices?: readonly string[]
  readonly level?: number
}

interface Case extends Expected {
  readonly name: string
  readonly about: string
  readonly brought: Brought
  readonly files: Map<string, string>
}

interface Journal {
  readonly epochs: readonly [EpochFiles, EpochFiles]
  readonly files: Map<string, string>
}

function golden(): Journal {
  const epochs = goldenEpochs()
  return { epochs, files: new Map([...epochs[0].files(), ...epochs[1].files()]) }
}

function aCase(name: string, about: string, expected: Expected, bring: (journal: Journal) => Brought): Case {
  const journal = golden()
  return { name, about, ...expected, brought: bring(journal), files: journal.files }
}

// The tenant log, witnesses, stubs.

function rootOf(lines: readonly string[]): string {
  const tree = new MerkleFrontier()
  for (const line of lines) tree.append(leafHash(Buffer.from(line)))
  return tree.root()
}

/** The epoch's certificate, then its whole head. */
function entriesOf(epoch: EpochFiles): string[] {
  const head = { origin: epoch.key.name, size: epoch.size, root: rootOf(epoch.lines) }
  return [certify(epoch.key.vkey, issuer, 'epoch'), formatCheckpoint(head)]
}

function headOf(entries: readonly string[]): { readonly text: string; readonly line: string } {
  const text = formatCheckpoint({ origin: LOG, size: entries.length, root: rootOf(entries) })
  return { text, line: text.trimEnd().replaceAll('\n', ' ') }
}

function logOf(entries: readonly string[], by: SigningKey = tenant, cosignatures = ''): Required<Brought>['tenantLog'] {
  return { checkpoint: signNoteSync(headOf(entries).text, by) + cosignatures, entries }
}

interface Witness {
  readonly vkey: string
  cosign(text: string): string
}

function witness(name: string): Witness {
  const key = Ed25519PrivateKey.fromSeed(Buffer.from(seedOf(`witness ${name}`), 'hex'))
  const vkey = formatWitnessKey(name, key.publicKey)
  const seconds = Date.parse('2026-11-21T09:30:00.000Z') / 1000
  return {
    vkey,
    cosign: (text) => {
      const blob = cosignatureBlob(parseWitnessKey(vkey), seconds, key.sign(cosignedMessage(text, seconds)))
      return `— ${name} ${blob.toString('base64')}\n`
    },
  }
}

const witnesses = ['one.example', 'two.example', 'three.example'].map(witness)
const retention = signingKey(`${LOG}/retention-r1`, seedOf('retention'))

function removeEpoch({ files }: Journal, epoch: EpochFiles): void {
  for (const path of files.keys()) if (path.startsWith(epoch.id)) files.delete(path)
}

function sealed({ epochs }: Journal): string[] {
  return epochs.flatMap(entriesOf)
}

function tenantLogs(): readonly Case[] {
  return [
    aCase('complete', 'All that the tenant log names up to a kept head is there.', { faults: [], level: 3 }, (journal) => {
      const entries = sealed(journal)
      return { tenantLog: logOf(entries), heads: [headOf(entries).line] }
    }),
    aCase('no-head-kept', 'The same tenant log, and nobody kept a head: nothing is claimed of what is absent.', { faults: [], level: 2 }, (journal) => ({
      tenantLog: logOf(sealed(journal)),
    })),
    aCase('cosigned', 'Two of three witnesses cosigned the tenant log, and two are asked for.', { faults: [], level: 4 }, (journal) => {
      const entries = sealed(journal)
      const { text } = headOf(entries)
      const cosignatures = witnesses.slice(0, 2).map((one) => one.cosign(text)).join('')
      const keys = witnesses.map(({ vkey }) => vkey)
      return { tenantLog: logOf(entries, tenant, cosignatures), witnesses: { keys, threshold: 2 } }
    }),
    aCase('cosigned-twice-by-one', 'One witness cosigned twice, and two are asked for.', { faults: ['unsigned'] }, (journal) => {
      const entries = sealed(journal)
      const cosignature = (witnesses[0] as Witness).cosign(headOf(entries).text)
      const keys = witnesses.map(({ vkey }) => vkey)
      return { tenantLog: logOf(entries, tenant, cosignature + cosignature), witnesses: { keys, threshold: 2 } }
    }),
    aCase('newest-epoch-gone', 'The newest epoch is gone, and the tenant log names it.', { faults: ['missing'], also: ['torn', 'unanswered', 'unclosed'] }, (journal) => {
      const entries = sealed(journal)
      removeEpoch(journal, journal.epochs[1])
      return { tenantLog: logOf(entries), heads: [headOf(entries).line] }
    }),
    aCase('one-epoch-alone', 'Only the second epoch is given, and said to be a part: the first is not asked for, and completeness not claimed.', { faults: [], notices: ['missing'], level: 2 }, (journal) => {
      const entries = sealed(journal)
      removeEpoch(journal, journal.epochs[0])
      return { tenantLog: logOf(entries), heads: [headOf(entries).line], partial: true }
    }),
    aCase('epoch-continued-twice', 'The tenant log names other records than those that are here, which the epoch’s own key signed.', { faults: ['forked'] }, (journal) => {
      const [, second] = journal.epochs
      const [certificate = ''] = entriesOf(second)
      const other = formatCheckpoint({ origin: second.key.name, size: second.size, root: rootOf(second.lines.slice(1)) })
      return { tenantLog: logOf([...entriesOf(journal.epochs[0]), certificate, other]) }
    }),
    aCase('tenant-log-rolled-back', 'The tenant log is shorter than the kept head.', { faults: ['truncated'] }, (journal) => {
      const entries = sealed(journal)
      return { tenantLog: logOf(entries.slice(0, 2)), heads: [headOf(entries).line] }
    }),
    aCase('tenant-log-written-anew', 'The tenant log has other entries than the kept head.', { faults: ['forked'] }, (journal) => {
      const entries = sealed(journal)
      return { tenantLog: logOf([...entries.slice(2), ...entries.slice(0, 2)]), heads: [headOf(entries).line] }
    }),
    aCase('tenant-log-by-another-key', 'Another key of the same name signed the tenant log.', { faults: ['forged'] }, (journal) => ({
      tenantLog: logOf(sealed(journal), stranger),
    })),
    aCase('tenant-log-lacks-an-entry', 'The tenant log has fewer entries than its checkpoint names.', { faults: ['truncated'] }, (journal) => {
      const { checkpoint, entries } = logOf(sealed(journal))
      return { tenantLog: { checkpoint, entries: entries.slice(0, -1) } }
    }),
    aCase('tenant-log-strange-entry', 'An entry of the tenant log is of no kind that there is.', { faults: ['forged'] }, (journal) => ({
      tenantLog: logOf([...sealed(journal), 'hello\n']),
    })),
    aCase('head-of-an-epoch-that-is-gone', 'A head of the second epoch was kept, and the epoch is gone.', { faults: ['missing'], also: ['torn', 'unanswered', 'unclosed'] }, (journal) => {
      const [, second] = journal.epochs
      removeEpoch(journal, second)
      return { heads: [`${second.key.name} ${second.size} ${Buffer.from(rootOf(second.lines), 'hex').toString('base64')}`] }
    }),
  ]
}

function revocations(): readonly Case[] {
  const revoke = (tenantLogSize: number): string =>
    signNoteSync(formatRevocation({ log: LOG, vkey: issuer.vkey, tenantLogSize }), tenant)
  return [
    aCase('revoked-issuer', 'The issuer was revoked when the tenant log held the first epoch only.', { faults: ['unsigned'] }, (journal) => ({
      tenantLog: logOf(sealed(journal)),
      revocations: [revoke(2)],
    })),
    aCase('revoked-issuer-in-the-log', 'The same, the revocation standing in the tenant log itself.', { faults: ['unsigned'] }, (journal) => {
      const entries = sealed(journal)
      return { tenantLog: logOf([...entries.slice(0, 2), revoke(2), ...entries.slice(2)]) }
    }),
    aCase('issuer-revoked-afterwards', 'The issuer was revoked when the tenant log held both certificates: they count.', { faults: [], level: 3 }, (journal) => {
      const entries = [...sealed(journal), revoke(4)]
      return { tenantLog: logOf(entries), heads: [headOf(entries).line] }
    }),
    aCase('revoked-issuer-without-tenant-log', 'The issuer was revoked, and no tenant log shows what it vouched for in time.', { faults: ['unsigned'] }, () => ({
      revocations: [revoke(4)],
    })),
  ]
}

interface StubChanges {
  readonly by?: SigningKey
  readonly role?: 'retention' | 'issuer'
  readonly certificateBy?: SigningKey
  readonly nodesOf?: readonly string[]
}

/** Records 1 to 13 of the first epoch have expired. */
function expire({ epochs: [first], files }: Journal, changes: StubChanges = {}): void {
  const { by = retention, role = 'retention', certificateBy = tenant, nodesOf = first.lines } = changes
  const tree = new MerkleFrontier()
  for (const line of nodesOf.slice(0, 14)) tree.append(leafHash(Buffer.from(line)))
  const stub = formatStub({
    origin: first.key.name,
    lastSeq: 13,
    keepUntil: '2033-11-21T00:00:00.000Z',
    lastLeaf: leafHash(Buffer.from(first.lines[13] as string)),
    nodes: tree.nodes(),
  })
  const certificate = formatCertificate({
    role,
    log: LOG,
    vkey: by.vkey,
    notBefore: '2026-11-21T00:00:00.000Z',
    notAfter: '2036-11-21T00:00:00.000Z',
  })
  const notes = [signNoteSync(stub, by), signNoteSync(certificate, certificateBy)]
  files.set(`${first.id}/stub`, notes.map((note) => `${Buffer.byteLength(note)}\n${note}`).join(''))
  files.delete(`${first.id}/000000000001.jsonl`)
}

const LATER = { now: '2034-01-01T00:00:00.000Z' }

function stubs(): readonly Case[] {
  const stub = (name: string, about: string, expected: Expected, changes: StubChanges): Case =>
    aCase(name, about, expected, (journal) => {
      expire(journal, changes)
      return LATER
    })
  return [
    stub('expired', 'Records 1 to 13 of the first epoch have expired, and a stub stands for them.', { faults: [], notices: ['expired'], level: 2 }, {}),
    aCase('stub-before-its-time', 'The same stub, before the time until which the records were to be kept.', { faults: ['missing'] }, (journal) => {
      expire(journal)
      return {}
    }),
    aCase('expired-without-stub', 'The records are gone, and no stub stands for them.', { faults: ['missing'] }, (journal) => {
      expire(journal)
      journal.files.delete(`${journal.epochs[0].id}/stub`)
      return LATER
    }),
    aCase('stub-without-opening', 'The stub stands for epoch.open too.', { faults: ['missing'], also: ['torn', 'unanswered', 'unclosed', 'unsigned'] }, (journal) => {
      expire(journal)
      journal.files.delete(`${journal.epochs[0].id}/000000000000.jsonl`)
      return LATER
    }),
    aCase('stub-that-is-none', 'The stub file is something else.', { faults: ['edited', 'missing'] }, (journal) => {
      expire(journal)
      journal.files.set(`${journal.epochs[0].id}/stub`, '5\nhello')
      return LATER
    }),
    stub('stub-by-an-issuer', 'An issuer signed the stub.', { faults: ['forged'] }, { by: issuer, role: 'issuer' }),
    stub('stub-by-a-stranger', 'The retention key is certified by a tenant that nobody pinned.', { faults: ['unsigned'] }, { certificateBy: stranger }),
    stub('stub-for-other-records', 'The stub does not lead to the signed roots.', { faults: ['forged'] }, { nodesOf: goldenEpochs()[0].lines.toReversed() }),
  ]
}

/** `outside/<name>/`: like `tampered/`, and `case.json` also says what the verifier brings along. */
export function outsideVectors(): Files {
  const original = journalFiles(goldenEpochs(), '.')
  const all = new Map<string, string | Uint8Array>()
  for (const { brought, files, name, ...rest } of [...tenantLogs(), ...revocations(), ...stubs()]) {
    const removed = [...original.keys()].map((path) => path.slice(2)).filter((path) => !files.has(path))
    all.set(...jsonFile(`outside/${name}/case.json`, { ...rest, removed, brought }))
    for (const [path, content] of files) {
      if (original.get(`./${path}`) !== content) all.set(`outside/${name}/${path}`, content)
    }
  }
  return all
}
