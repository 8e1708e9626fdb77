// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { formatCheckpoint } from '../checkpoint.ts'
import type { Commitment } from '../commitment.ts'
import { commit, commitmentSalt } from '../commitment.ts'
import { digestEncoded, encodeValue } from '../encode.ts'
import { leafHash } from '../hash.ts'
import { HmacKey } from '../hmac.ts'
import { MerkleFrontier } from '../merkle.ts'
import { parseNote, signNoteSync } from '../note.ts'
import { formatRevocation } from '../revocation.ts'
import type { WitnessKey } from '../tlog/cosignature.ts'
import {
  cosignatureBlob,
  cosignedMessage,
  formatWitnessKey,
  parseWitnessKey,
} from '../tlog/cosignature.ts'
import { subtreeHash, TILE_WIDTH, tileHash } from '../tlog/tile.ts'
import type { EpochBuilder, JournalBuilder, NamedKey } from '../verify/a-journal.fixture.ts'
import { aJournal, aKey, LOG } from '../verify/a-journal.fixture.ts'
import type { BundleOpening } from './bundle.ts'
import type { TenantLogTiles } from './prove-in-log.ts'

/** Journals, tenant logs and openings to make bundles from. */

const period = { kid: '0123456789abcdef', key: new HmacKey(Buffer.alloc(32, 7)) }

/** A tenant log in memory. */
export class LogBuilder {
  readonly entries: Buffer[] = []
  readonly timestamps: Uint8Array[] = []
  readonly #tenant: NamedKey
  cosignatures: string[] = []

  constructor(tenant: NamedKey) {
    this.#tenant = tenant
  }

  add(...entries: readonly string[]): this {
    for (const entry of entries) this.entries.push(Buffer.from(entry, 'utf8'))
    return this
  }

  get size(): number {
    return this.entries.length
  }

  get root(): string {
    const tree = new MerkleFrontier()
    for (const entry of this.entries) tree.append(leafHash(entry))
    return tree.root()
  }

  /** What the tenant signs. */
  get text(): string {
    return formatCheckpoint({ origin: LOG, size: this.size, root: this.root })
  }

  cosign(witness: TestWitness, time = 1_795_300_000): this {
    const signature = witness.key.sign(cosignedMessage(this.text, time))
    const blob = cosignatureBlob(witness.known, time, signature).toString('base64')
    this.cosignatures.push(`— ${witness.known.name} ${blob}\n`)
    return this
  }

  get tiles(): TenantLogTiles {
    const leaves = Buffer.concat(this.entries.map((entry) => tileHash(leafHash(entry))))
    const { entries, timestamps } = this
    const note = signNoteSync(this.text, this.#tenant) + this.cosignatures.join('')
    return {
      name: 'tenant log',
      checkpoint: async () => note,
      async *entries(size) {
        yield* entries.slice(0, size)
      },
      async tile({ level, index, width }) {
        const span = TILE_WIDTH ** level
        const hashes = Array.from({ length: width }, (_, i) =>
          tileHash(subtreeHash(leaves, (index * TILE_WIDTH + i) * span * 32, span)),
        )
        return Buffer.concat(hashes)
      },
      async *timestamps() {
        yield* timestamps
      },
    }
  }
}

/** A witness of the tests. */
export interface TestWitness {
  readonly key: NamedKey
  readonly known: WitnessKey
}

export function aWitness(n: number): TestWitness {
  const name = `witness-${n}.example`
  const key = aKey(name, 40 + n)
  return { key, known: parseWitnessKey(formatWitnessKey(name, key.key.publicKey)) }
}

/** The revocation of the journal's issuer, below an entry of the tenant log. */
export function aRevocation(tenantLogSize: number, by: NamedKey = aKey(LOG, 1)): string {
  const { vkey } = aJournal().issuer
  return signNoteSync(formatRevocation({ log: LOG, vkey, tenantLogSize }), by)
}

/** A sealed journal: an epoch with calls whose values can be opened, and a tenant log that holds it. */
export interface SealedJournal {
  readonly journal: JournalBuilder
  readonly epoch: EpochBuilder
  readonly log: LogBuilder
  /** The `seq` of a tool's start, of its end, and what opens their commitments. */
  readonly start: number
  readonly end: number
  readonly openings: readonly BundleOpening[]
}

export const INPUT: { readonly order: string; readonly amount: number } = {
  order: 'A-1',
  amount: 49.9,
}

export function aSealedJournal(options: { readonly before?: number } = {}): SealedJournal {
  const journal = aJournal()
  const epoch = journal.open()
  const log = new LogBuilder(journal.tenant)
  for (let i = 0; i < (options.before ?? 0); i++) log.add(`entry ${i}`)
  const cert = JSON.parse(epoch.lines[0] as string) as { detail: { key: { certs: string[] } } }
  log.add(cert.detail.key.certs[0] as string, parseNote(epoch.notes[0] as string).text)
  epoch.call()
  const start = epoch.size
  const openings: BundleOpening[] = []
  const opened = (seq: number, field: string, value: unknown): Commitment => {
    const encoded = encodeValue(value)
    const place = { epoch: epoch.id, seq, pointer: field }
    openings.push({
      field,
      enc: encoded.enc,
      salt: commitmentSalt(place, { keys: [period] }),
      value: Buffer.from(encoded.body as string).toString('base64'),
    })
    return commit(digestEncoded(encoded), place, { keys: [period] })
  }
  const input = opened(start, '/invocation/input', INPUT)
  epoch.start('', { invocation: { input, status: 'started' } })
  const output = opened(epoch.size, '/invocation/output', 'refunded')
  const id = epoch.record(start)
  const end = epoch.size
  const invocation = { duration_ns: '5', input, output, start: id, status: 'success' } as const
  epoch.end(id, '', { invocation })
  for (let i = 0; i < 5; i++) epoch.call()
  epoch.checkpoint()
  log.add(parseNote(epoch.notes.at(-1) as string).text)
  return { journal, epoch, log, start, end, openings }
}
