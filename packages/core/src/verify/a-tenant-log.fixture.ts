// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { formatCertificate } from '../certificate.ts'
import type { Checkpoint } from '../checkpoint.ts'
import { formatCheckpoint } from '../checkpoint.ts'
import { Ed25519PrivateKey } from '../ed25519.ts'
import { leafHash } from '../hash.ts'
import { MerkleFrontier } from '../merkle.ts'
import { signNoteSync } from '../note.ts'
import { formatRevocation } from '../revocation.ts'
import { formatStub } from '../stub.ts'
import {
  cosignatureBlob,
  cosignedMessage,
  formatWitnessKey,
  parseWitnessKey,
} from '../tlog/cosignature.ts'
import type { EpochBuilder, NamedKey } from './a-journal.fixture.ts'
import { aKey, certificatesFor, LOG, START_MILLIS } from './a-journal.fixture.ts'
import type { EpochBytes, TenantLogBytes } from './input.ts'

/** Builders of tenant logs, witnesses, revocations and stubs, honest ones and others. */

/** A witness with a key of its own. */
export interface Witness {
  readonly vkey: string
  cosign(text: string, timeSeconds?: number): string
}

export function aWitness(name: string, seed: number): Witness {
  const key = Ed25519PrivateKey.fromSeed(Buffer.alloc(32, seed))
  const vkey = formatWitnessKey(name, key.publicKey)
  return {
    vkey,
    cosign: (text, timeSeconds = START_MILLIS / 1000) => {
      const signature = key.sign(cosignedMessage(text, timeSeconds))
      const blob = cosignatureBlob(parseWitnessKey(vkey), timeSeconds, signature)
      return `— ${name} ${blob.toString('base64')}\n`
    },
  }
}

/** A tenant log in memory. */
export class TenantLogBuilder {
  readonly tenant: NamedKey = aKey(LOG, 1)
  readonly entries: Buffer[] = []
  readonly timestamps: Buffer[] = []
  cosignatures: string[] = []
  /** Signs the checkpoint. */
  signer: NamedKey = this.tenant
  origin: string = LOG

  add(entry: string): this {
    this.entries.push(Buffer.from(entry))
    return this
  }

  certificate(epoch: EpochBuilder): this {
    const [note = ''] = certificatesFor(epoch.key.vkey)
    return this.add(note)
  }

  /** The epoch's head as its lines are now. */
  checkpoint(epoch: EpochBuilder, size: number = epoch.lines.length, root?: string): this {
    const head = { origin: `${epoch.log}/${epoch.id}`, size, root: root ?? epoch.root(size) }
    return this.add(formatCheckpoint(head))
  }

  revocation(vkey: string, tenantLogSize: number, by: NamedKey = this.tenant): this {
    return this.add(aRevocation(vkey, tenantLogSize, by))
  }

  head(size: number = this.entries.length): Checkpoint {
    const tree = new MerkleFrontier()
    for (const entry of this.entries.slice(0, size)) tree.append(leafHash(entry))
    return { origin: this.origin, size, root: tree.root() }
  }

  /** The checkpoint's text. */
  get text(): string {
    return formatCheckpoint(this.head())
  }

  cosignedBy(...witnesses: readonly Witness[]): this {
    this.cosignatures = witnesses.map((witness) => witness.cosign(this.text))
    return this
  }

  bytes(): TenantLogBytes {
    const note = signNoteSync(this.text, this.signer) + this.cosignatures.join('')
    const { entries, timestamps } = this
    return {
      name: 'tenant-log',
      checkpoint: async () => note,
      async *entries(size: number): AsyncGenerator<Uint8Array> {
        yield* entries.slice(0, size)
      },
      async *timestamps(): AsyncGenerator<Uint8Array> {
        yield* timestamps
      },
    }
  }
}

export function aTenantLog(...epochs: readonly EpochBuilder[]): TenantLogBuilder {
  const log = new TenantLogBuilder()
  for (const epoch of epochs) log.certificate(epoch).checkpoint(epoch)
  return log
}

export function aRevocation(
  vkey: string,
  tenantLogSize: number,
  by: NamedKey = aKey(LOG, 1),
): string {
  return signNoteSync(formatRevocation({ log: LOG, vkey, tenantLogSize }), by)
}

export interface StubOptions {
  readonly by?: NamedKey
  readonly certificateBy?: NamedKey
  readonly role?: 'retention' | 'issuer'
  readonly keepUntil?: string
  /** Changes the compact range. */
  readonly nodes?: readonly string[]
  readonly keepOpening?: boolean
  readonly origin?: string
}

/** The epoch after its records up to `lastSeq` have expired: a stub stands in their place. */
export function expired(
  epoch: EpochBuilder,
  lastSeq: number,
  options: StubOptions = {},
): EpochBytes {
  const file = stubFile(epoch, lastSeq, options)
  const { keepOpening = true } = options
  const all = epoch.segmentFiles
  const kept = all.filter(({ firstSeq }) => (firstSeq === 0 && keepOpening) || firstSeq > lastSeq)
  const source = epoch.bytes()
  return {
    ...source,
    async *segments() {
      for await (const segment of source.segments()) {
        if (kept.some(({ firstSeq }) => firstSeq === segment.firstSeq)) yield segment
      }
    },
    stub: async () => file,
  }
}

export function stubFile(epoch: EpochBuilder, lastSeq: number, options: StubOptions = {}): string {
  const { keepUntil = '2026-11-20T00:00:00.000Z' } = options
  const role = options.role ?? 'retention'
  const by = options.by ?? aKey(`${LOG}/${role}-r1`, 9)
  const tree = new MerkleFrontier()
  const leaves = epoch.lines.map((line) => leafHash(Buffer.from(line)))
  for (const leaf of leaves.slice(0, lastSeq + 1)) tree.append(leaf)
  const text = formatStub({
    origin: options.origin ?? `${LOG}/${epoch.id}`,
    lastSeq,
    keepUntil,
    lastLeaf: leaves[lastSeq] as string,
    nodes: options.nodes ?? tree.nodes(),
  })
  const certificate = formatCertificate({
    role,
    log: LOG,
    vkey: by.vkey,
    notBefore: '2026-01-01T00:00:00.000Z',
    notAfter: '2036-01-01T00:00:00.000Z',
  })
  const notes = [
    signNoteSync(text, by),
    signNoteSync(certificate, options.certificateBy ?? aKey(LOG, 1)),
  ]
  return notes.map((note) => `${Buffer.byteLength(note)}\n${note}`).join('')
}
