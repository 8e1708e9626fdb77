// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditRecord, PlacedCommitment } from '@spanseal/core'
import { commitmentsOf, parseVkey, readRecords, verify } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { Keyring, Vault } from '@spanseal/keys'
import { defaultVaultFolder, openKeyring, openVault } from '@spanseal/keys'
import { expect, onTestFinished } from 'vitest'
import type { AgentOrders } from './agent.fixture.ts'

export const LOG = 'localhost/support-agent'

/** The path of a journal that does not exist yet; everything beside it is removed after the test. */
export function aJournal(): string {
  const root = mkdtempSync(join(tmpdir(), 'spanseal-erasure-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  return join(root, 'audit')
}

/** A copy of a journal with everything beside it, rights and times included. */
export function copyOf(journal: string): string {
  const copy = aJournal()
  execFileSync('cp', ['-a', `${join(journal, '..')}/.`, join(copy, '..')])
  return copy
}

interface Outcome {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

function runFixture(name: string, args: readonly string[]): Promise<Outcome> {
  const script = join(import.meta.dirname, name)
  const node = ['--conditions=spanseal-source', '--no-warnings', script, ...args]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, node, { stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** An agent as a process of its own. */
export async function runAgent(orders: AgentOrders): Promise<void> {
  const { code, signal, stderr } = await runFixture('agent.fixture.ts', [JSON.stringify(orders)])
  expect([code, signal, stderr]).toEqual(orders.killed ? [null, 'SIGKILL', ''] : [0, null, ''])
}

/** `spanseal` as a process of its own, killed in front of its n-th change to the disk; 0: never. */
export function spanseal(killAt: number, ...args: readonly string[]): Promise<Outcome> {
  return runFixture('forget.fixture.ts', [String(killAt), ...args])
}

export function keyringOf(journal: string): Keyring {
  return openKeyring({ log: LOG, journal })
}

export function vaultOf(journal: string): Vault {
  return openVault({ keyring: keyringOf(journal), folder: defaultVaultFolder(journal), journal })
}

export async function recordsOf(journal: string): Promise<AuditRecord[]> {
  return Array.fromAsync(readRecords(readJournal(journal)))
}

/** Every commitment that names a kid. */
export async function commitmentsUnder(journal: string, kid: string): Promise<PlacedCommitment[]> {
  const all = (await recordsOf(journal)).flatMap(commitmentsOf)
  return all.filter(({ commitment }) => {
    return commitment.alg === 'blinded-sha256' && [commitment.kid].flat().includes(kid)
  })
}

export async function expectVerified(journal: string): Promise<void> {
  const keys = keyringOf(journal)
    .issuerVkeys()
    .map(({ vkey }) => parseVkey(vkey))
  const { findings, ok, level } = await verify(readJournal(journal), { keys })
  const faults = findings.filter(({ kind }) => kind === 'fault')
  expect([faults, ok, level]).toEqual([[], true, 2])
}

/** The files beside a journal, and in it, that hold one of these, in any of their spellings. */
export function filesWith(journal: string, secrets: readonly (string | Uint8Array)[]): string[] {
  const root = join(journal, '..')
  const spellings = secrets.flatMap((secret) => {
    const bytes = Buffer.from(secret as string)
    const base64 = bytes.toString('base64').replace(/.?=+$/, '')
    return [bytes, Buffer.from(bytes.toString('hex')), Buffer.from(base64)]
  })
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
  const files = names.map((name) => join(root, name)).filter((path) => statSync(path).isFile())
  const named = files.filter((path) => spellings.some((bytes) => path.includes(bytes.toString())))
  const holding = files.filter((path) => {
    const content = readFileSync(path)
    return spellings.some((bytes) => content.includes(bytes))
  })
  return [...new Set([...named, ...holding])]
}
