// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ErrorCode, Signer } from '@spanseal/core'
import {
  AuditError,
  Ed25519PrivateKey,
  formatVkey,
  leafHash,
  MerkleFrontier,
  noteSignedBy,
  parseCheckpoint,
  parseNote,
  parseVkey,
  tileNodes,
  treeRoot,
} from '@spanseal/core'
import { afterEach } from 'vitest'
import { readTenantLog } from './log-files.ts'

export const LOG = 'example.com/agent'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A folder that is removed after the test; what lies in it has room for a log and what is beside it. */
export function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-log-'))
  folders.push(folder)
  return folder
}

/** A signer in this process. */
export interface NamedKey extends Signer {
  sign(message: Uint8Array): Uint8Array
}

export function aKey(name: string, seed: number): NamedKey {
  const key = Ed25519PrivateKey.fromSeed(Buffer.alloc(32, seed))
  return { vkey: formatVkey(name, key.publicKey), sign: (message) => key.sign(message) }
}

export const TENANT: NamedKey = aKey(LOG, 1)

export function anEntry(n: number): Buffer {
  return Buffer.from(`entry ${n}\n`)
}

export function entriesFrom(first: number, count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => anEntry(first + i))
}

/** Reads a whole log in the plainest way and throws where something does not fit. */
export async function checkedLog(folder: string, vkey: string = TENANT.vkey): Promise<string[]> {
  const log = readTenantLog(folder)
  const note = parseNote(await log.checkpoint())
  if (!noteSignedBy(note, parseVkey(vkey))) throw new Error('not signed by the tenant')
  const { size, root } = parseCheckpoint(note.text)
  const tree = new MerkleFrontier()
  const entries: string[] = []
  for await (const entry of log.entries(size)) {
    tree.append(leafHash(entry))
    entries.push(Buffer.from(entry).toString())
  }
  if (entries.length !== size || tree.root() !== root) throw new Error('the entries do not fit')
  if ((await treeRoot(size, tileNodes(size, log.tile))) !== root)
    throw new Error('the tiles do not')
  return entries
}

export async function codeOf(promise: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw error
  }
}
