// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type {
  CertificateClaim,
  Checkpoint,
  Commitment,
  CommitPlace,
  Stub,
  Verdict,
} from '@spanseal/core'

/** `vectors/` as it lies in the repository, and the shapes of its files. */

const root = new URL('../../vectors/', import.meta.url).pathname

export function readVectors<T>(file: string): T {
  return JSON.parse(readFileSync(join(root, file), 'utf8')) as T
}

/** All files below a folder of `vectors/`, by path within it. */
export function readFolder(folder: string): Map<string, Uint8Array> {
  const from = join(root, folder)
  const files = new Map<string, Uint8Array>()
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    files.set(relative(from, path), readFileSync(path))
  }
  return files
}

export interface CanonicalVectors {
  readonly valid: readonly { name: string; json: string; canonical: string }[]
  readonly refused: readonly { name: string; json: string }[]
}

export interface LineVectors {
  readonly valid: readonly { name: string; line: string; bytes: number; leaf: string }[]
  readonly refused: readonly { name: string; check: string; line?: string; hex?: string }[]
}

export interface EncodedVector {
  readonly name: string
  readonly js: string
  readonly enc: string
  readonly body: { readonly text?: string; readonly hex?: string }
  readonly bytes: number
  readonly partial?: true
  readonly h: string
}

export interface BlindingKeyVector {
  readonly kid: string
  readonly key: string
}

export interface BlindingVectors {
  readonly period: BlindingKeyVector
  readonly eq: { readonly key: string }
  readonly subjects: { readonly jane: BlindingKeyVector; readonly john: BlindingKeyVector }
}

export interface CommitmentVectors {
  readonly keys: BlindingVectors
  readonly values: readonly EncodedVector[]
  readonly arguments: readonly EncodedVector[]
  readonly streams: readonly {
    name: string
    chunks: string
    enc: string
    h: string
    bytes: number
    partial: boolean
  }[]
  readonly commitments: readonly {
    name: string
    js: string
    keys: readonly string[]
    place: CommitPlace
    commitment: Extract<Commitment, { alg: 'blinded-sha256' }>
    text: string
    opening: { h: string; salt: string }
  }[]
  readonly plain: { js: string; commitment: Commitment; text: string }
  readonly pseudonyms: readonly { kind: string; id: string; pseudonym: string }[]
  readonly tags: readonly { tag: string; text: string; value: string }[]
}

interface KeyVector {
  readonly name: string
  readonly seed: string
  readonly vkey: string
}

export interface NoteVectors {
  readonly key: KeyVector
  readonly notes: readonly { name: string; note: string; text?: string; signed: boolean }[]
  readonly malformed: readonly { name: string; note: string }[]
  readonly vkeys: { readonly valid: readonly KeyVector[]; readonly malformed: readonly string[] }
}

export interface CheckpointVectors {
  readonly valid: readonly { origin: string; size: number; root: string; text: string }[]
  readonly malformed: readonly { name: string; text: string }[]
}

export interface CertificateVectors {
  readonly texts: {
    readonly valid: readonly { text: string }[]
    readonly malformed: readonly { name: string; text: string }[]
  }
  readonly chains: readonly {
    name: string
    claim: CertificateClaim
    pinned: readonly string[]
    expect: { pinned: boolean; valid: boolean } | { refused: true }
  }[]
}

export interface JournalVectors {
  readonly log: string
  readonly now: string
  readonly pinned: readonly string[]
  readonly issuer: string
  readonly blinding: BlindingVectors
  readonly expect: Partial<Verdict>
  readonly heads: readonly string[]
  readonly openings: readonly {
    record: string
    field: string
    enc: string
    salt: string
    bytes: string
    c: string
  }[]
}

export interface TamperedVector {
  readonly about: string
  readonly faults: readonly string[]
  readonly also?: readonly string[]
  readonly notices?: readonly string[]
  readonly level?: number
  readonly removed: readonly string[]
}

export interface HeadVectors {
  readonly lines: {
    readonly valid: readonly (Checkpoint & { readonly line: string })[]
    readonly malformed: readonly { readonly name: string; readonly line: string }[]
  }
  readonly stubs: {
    readonly valid: readonly (Stub & { readonly text: string })[]
    readonly malformed: readonly { readonly name: string; readonly text: string }[]
  }
}

/** What a verifier brings along, besides the keys of `journal.json`. */
export interface BroughtVector {
  readonly tenantLog?: { readonly checkpoint: string; readonly entries: readonly string[] }
  readonly heads?: readonly string[]
  readonly witnesses?: { readonly keys: readonly string[]; readonly threshold: number }
  readonly revocations?: readonly string[]
  readonly partial?: true
  readonly now?: string
}

export interface OutsideVector extends TamperedVector {
  readonly brought: BroughtVector
}

export interface SecretVectors {
  readonly secrets: readonly { kind: string; find: string; text: string }[]
}
