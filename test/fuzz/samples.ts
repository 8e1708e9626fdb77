// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { WitnessKey } from '@spanseal/core'
import {
  bundledEntry,
  cosignatureBlob,
  cosignedMessage,
  Ed25519PrivateKey,
  formatHeadLine,
  formatRevocation,
  formatStub,
  formatWitnessKey,
  parseCheckpoint,
  parseWitnessKey,
  TILE_WIDTH,
} from '@spanseal/core'
import { aSealedJournal } from '../../packages/core/src/bundle/a-bundle.fixture.ts'
import { formatBundle } from '../../packages/core/src/bundle/bundle.ts'
import { proveRecordInLog } from '../../packages/core/src/bundle/prove-in-log.ts'
import { newPersonFile } from '../../packages/keys/src/period-keys.ts'
import { formatVaultFile } from '../../packages/keys/src/vault/vault-file.ts'
import type {
  CertificateVectors,
  CheckpointVectors,
  LineVectors,
  NoteVectors,
} from '../vectors/stored-vectors.ts'
import { readFolder, readVectors } from '../vectors/stored-vectors.ts'

/** Valid inputs of every parser: those of `vectors/`, and what our own code writes. */
export type Samples = Awaited<ReturnType<typeof readSamples>>

export async function readSamples() {
  const notes = readVectors<NoteVectors>('note.json')
  const checkpoints = readVectors<CheckpointVectors>('checkpoint.json')
  const certificates = readVectors<CertificateVectors>('certificate.json')
  const lines = readVectors<LineVectors>('line.json')
  const files = readFolder('journal')
  const noteStreams = [...files].filter(([path]) => path.endsWith('/checkpoints'))
  const issuers = certificates.chains.flatMap(({ claim }) => claim.certs)
  const witness = aWitness()
  const sealed = await sealedSamples()
  const heads = checkpoints.valid.map(({ text }) => text)
  return {
    notes: [
      ...notes.notes.filter(({ text }) => text !== undefined).map(({ note }) => note),
      ...issuers.slice(0, 4),
    ],
    vkeys: notes.vkeys.valid.map(({ vkey }) => vkey),
    witnessKeys: [formatWitnessKey(witness.known.name, witness.known.publicKey)],
    witnesses: [witness.known],
    checkpoints: heads,
    certificates: certificates.texts.valid.map(({ text }) => text),
    revocations: [0, 9_007_199_254_740_991].map(revocation),
    stubs: [1, 13, 1_000_000].map(stub),
    headLines: heads.map((text) => formatHeadLine(parseCheckpoint(text))),
    lines: lines.valid.map(({ line }) => Buffer.from(line)),
    noteStreams: noteStreams.map(([, bytes]) => Buffer.from(bytes)),
    cosignedNotes: heads.slice(0, 2).map((text) => cosigned(text, witness)),
    entryBundles: [sealed.entries, [Buffer.alloc(0), Buffer.from('x')]].map(entryBundle),
    personFiles: [Buffer.from(newPersonFile('jane', 1_795_200_000_000))],
    keyFiles: [keyFile('name: example.com/support\n'), keyFile(ISSUER_HEADER)],
    vaultFiles: [vaultFile()],
    values: ['text', '{"a":1}', '[1,"two",null]', '"x"\n', '1e3'].map((value) =>
      Buffer.from(value),
    ),
    ...sealed,
  }
}

const ISSUER_HEADER = `name: example.com/support/issuer-1
not-before: 2026-11-21T00:00:00.000Z
not-after: 2027-02-19T00:00:00.000Z
`

function keyFile(header: string): Buffer {
  return Buffer.from(header + Ed25519PrivateKey.generate().toPem())
}

interface Witness {
  readonly key: Ed25519PrivateKey
  readonly known: WitnessKey
}

function aWitness(): Witness {
  const key = Ed25519PrivateKey.generate()
  return { key, known: parseWitnessKey(formatWitnessKey('witness.example', key.publicKey)) }
}

function cosigned(text: string, { key, known }: Witness): string {
  const time = 1_795_300_000
  const blob = cosignatureBlob(known, time, key.sign(cosignedMessage(text, time)))
  return `${text}\n— ${known.name} ${blob.toString('base64')}\n`
}

function revocation(tenantLogSize: number): string {
  const vectors = readVectors<{ readonly keys: { readonly issuer: { readonly vkey: string } } }>(
    'certificate.json',
  )
  const { vkey } = vectors.keys.issuer
  const [log = ''] = vkey.split('/issuer-')
  return formatRevocation({ log, vkey, tenantLogSize })
}

function stub(lastSeq: number): string {
  const count = (lastSeq + 1).toString(2).replaceAll('0', '').length
  const nodes = Array.from({ length: count }, (_, i) => String(i).padStart(64, '0'))
  const origin = 'example.com/support/01a1fd70-f1c0-7418-b09c-9003af23b308'
  const keepUntil = '2027-01-01T00:00:00.000Z'
  return formatStub({ origin, lastSeq, keepUntil, lastLeaf: 'ab'.repeat(32), nodes })
}

function entryBundle(entries: readonly Uint8Array[]): Buffer {
  const all = Array.from(
    { length: TILE_WIDTH },
    (_, i) => entries[i % entries.length] as Uint8Array,
  )
  return Buffer.concat(all.map(bundledEntry))
}

function vaultFile(): Buffer {
  const head = {
    alg: 'blinded-sha256',
    c: 'ab'.repeat(32),
    enc: 'json',
    kids: ['0123456789abcdef'],
    log: 'example.com/support',
  } as const
  const place = {
    epoch: '01a1fd70-f1c0-7418-b09c-9003af23b308',
    seq: 3,
    pointer: '/invocation/input',
  }
  const content = { opening: { place, salt: 'cd'.repeat(32) }, bytes: Buffer.from('{"a":1}') }
  return formatVaultFile(head, content, Buffer.alloc(32, 1))
}

/** Out of a journal in a tenant log. */
async function sealedSamples() {
  const sealed = aSealedJournal()
  const bundle = await proveRecordInLog(sealed.epoch.bytes(), sealed.end, { log: sealed.log.tiles })
  const { tenant: _, ...least } = bundle
  const { openings } = sealed
  return {
    sealed,
    bundle: { ...bundle, openings },
    bundles: [bundle, { ...bundle, openings }, least].map(formatBundle),
    entries: sealed.log.entries,
    epochNotes: sealed.epoch.notes,
  }
}
