// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { BundleVerdict } from '@spanseal/core'
import {
  bundledEntry,
  cosignatureBlob,
  cosignedMessage,
  Ed25519PrivateKey,
  entriesPath,
  formatCheckpoint,
  formatRevocation,
  formatVkey,
  formatWitnessKey,
  leafHash,
  MerkleFrontier,
  parseEntries,
  parseNote,
  parseWitnessKey,
  signNoteSync,
  TILE_WIDTH,
  tileHash,
  tilePath,
} from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aJournal, emptyFolder, LOG, TestAgent } from '../journal.fixture.ts'

interface Proving {
  readonly journal: string
  readonly epoch: string
  readonly vkey: string
  readonly notes: readonly string[]
  readonly certs: readonly string[]
  /** A folder for whatever a test writes. */
  readonly out: string
}

function aClosedJournal(tasks = 3): Proving {
  const journal = aJournal({ durability: 'interval' })
  const agent = new TestAgent(journal)
  for (let i = 0; i < tasks; i++) agent.task()
  journal.writer.close()
  const [epoch = ''] = [...journal.writer.epochs]
  const folder = join(journal.folder, epoch)
  const [open = ''] = readFileSync(join(folder, '000000000000.jsonl'), 'utf8').split('\n')
  const { detail } = JSON.parse(open) as { detail: { key: { certs: string[] } } }
  const notes = notesIn(readFileSync(join(folder, 'checkpoints')))
  const { certs } = detail.key
  return { journal: journal.folder, epoch, vkey: journal.vkey, notes, certs, out: emptyFolder() }
}

/** Each note stands behind its length. */
function notesIn(framed: Buffer): string[] {
  const notes: string[] = []
  for (let at = 0; at < framed.length; ) {
    const lf = framed.indexOf('\n', at)
    const end = lf + 1 + Number(framed.toString('latin1', at, lf))
    notes.push(framed.toString('utf8', lf + 1, end))
    at = end
  }
  return notes
}

const tenantKey = Ed25519PrivateKey.fromSeed(Buffer.alloc(32, 9))
const tenant = {
  vkey: formatVkey(LOG, tenantKey.publicKey),
  sign: (message: Uint8Array): Uint8Array => tenantKey.sign(message),
}

function aWitness(n: number): { readonly vkey: string; line(text: string): string } {
  const key = Ed25519PrivateKey.fromSeed(Buffer.alloc(32, 20 + n))
  const known = parseWitnessKey(formatWitnessKey(`witness-${n}.example`, key.publicKey))
  const time = 1_795_000_000
  return {
    vkey: formatWitnessKey(known.name, known.publicKey),
    line: (text) => {
      const blob = cosignatureBlob(known, time, key.sign(cosignedMessage(text, time)))
      return `— ${known.name} ${blob.toString('base64')}\n`
    },
  }
}

/** A tenant log's folder, laid out as `spec/tiles.md` says: up to 256 entries. */
function aTenantLog(
  entries: readonly string[],
  options: {
    readonly witnesses?: readonly ReturnType<typeof aWitness>[]
    readonly full?: true
  } = {},
): { readonly folder: string; readonly note: string } {
  const folder = join(emptyFolder(), 'log')
  const bytes = entries.map((entry) => Buffer.from(entry, 'utf8'))
  const tree = new MerkleFrontier()
  for (const entry of bytes) tree.append(leafHash(entry))
  const write = (path: string, content: Uint8Array | string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  // A log that grew on has cleared its partial tiles away.
  const filler = options.full === true ? TILE_WIDTH - bytes.length : 0
  const all = [...bytes, ...Array.from({ length: filler }, (_, i) => Buffer.from(`later ${i}`))]
  const width = all.length
  write(
    tilePath({ level: 0, index: 0, width }),
    Buffer.concat(all.map((e) => tileHash(leafHash(e)))),
  )
  write(entriesPath({ index: 0, width }), Buffer.concat(all.map((entry) => bundledEntry(entry))))
  const text = formatCheckpoint({ origin: LOG, size: entries.length, root: tree.root() })
  const cosigned = (options.witnesses ?? []).map((witness) => witness.line(text)).join('')
  const note = signNoteSync(text, tenant) + cosigned
  write('checkpoint', note)
  return { folder, note }
}

/** The certificate and checkpoints of an epoch as a sealer adds them, among others. */
function entriesOf({ certs, notes }: Proving): string[] {
  const texts = notes.map((note) => parseNote(note).text)
  return ['spanseal test entry', certs[0] ?? '', ...new Set(texts)]
}

async function prove(proving: Proving, ...rest: readonly string[]): Promise<string> {
  const file = join(proving.out, `proof-${readdirSync(proving.out).length}.json`)
  const args = [`${proving.epoch}/4`, '--journal', proving.journal, '--out', file, ...rest]
  expect(await runCommand(['prove', ...args])).toMatchObject({ status: 0, stdout: '' })
  return file
}

async function verdictOf(
  args: readonly string[],
): Promise<BundleVerdict & { status: number | null }> {
  const { status, stdout } = await runCommand(['check', ...args, '--json'])
  const { bundles } = JSON.parse(stdout) as { bundles: BundleVerdict[] }
  return { ...(bundles[0] as BundleVerdict), status }
}

describe('spanseal prove', () => {
  it('writes to a new file for its owner only, and says what as JSON', async () => {
    const { journal, epoch, out } = aClosedJournal()
    const file = join(out, 'proof.json')
    const args = ['prove', `${epoch}/1`, '--journal', journal, '--out', file, '--json']
    const { status, stdout } = await runCommand(args)
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ record: `${epoch}/1`, out: file })
    expect(statSync(file).mode & 0o077).toBe(0)
    const again = await runCommand(args)
    expect(again).toMatchObject({ status: 2, stdout: '' })
    expect(again.stderr).toContain('INVALID_OPTION')
    const { stdout: whole } = await runCommand(args.toSpliced(4, 2))
    const { bundle } = JSON.parse(whole) as { bundle: object }
    expect(`${JSON.stringify(bundle)}\n`).toBe(readFileSync(file, 'utf8'))
  })

  it('keeps leaf hashes where it is told to, never in the journal', async () => {
    const proving = aClosedJournal()
    const leaves = join(proving.out, 'leaves')
    const [one, two] = [await prove(proving, '--leaves', leaves), await prove(proving)]
    expect(readFileSync(one)).toEqual(readFileSync(two))
    expect(readdirSync(leaves)).toEqual([`${proving.epoch}.leaves`])
    expect(readdirSync(join(proving.journal, proving.epoch))).not.toContain('leaves')
  })

  it('says with a code why there is no proof', async () => {
    const { journal, epoch } = aClosedJournal()
    const cases = [
      ['NOT_FOUND', `${epoch}/999`],
      ['NOT_FOUND', `${epoch.replace(/^./, 'f')}/1`],
      ['INVALID_OPTION', epoch],
      ['INVALID_OPTION', `${epoch}/01`],
      ['LOG_UNUSABLE', `${epoch}/1`, '--log', journal],
      ['NOT_FOUND', `${epoch}/1`, '--log', join(journal, 'nothing')],
      ['LOG_UNUSABLE', `${epoch}/1`, '--log', '/dev/null'],
    ] as const
    for (const [code, ...args] of cases) {
      const ran = await runCommand(['prove', ...args, '--journal', journal])
      expect(ran).toMatchObject({ status: 2, stdout: '' })
      expect(ran.stderr).toContain(`spanseal: ${code}: `)
    }
    const segment = join(journal, epoch, '000000000001.jsonl')
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('refund', 'reFund'))
    const { status, stderr } = await runCommand(['prove', `${epoch}/2`, '--journal', journal])
    expect(status).toBe(2)
    expect(stderr).toContain('JOURNAL_UNUSABLE')
    expect(stderr).toContain('verify the journal')
  })
})

describe('spanseal prove --log', () => {
  it('leads on to the tenant log: level 3 with its head, 4 with witnesses', async () => {
    const proving = aClosedJournal()
    const witnesses = [1, 2, 3].map(aWitness)
    const { folder, note } = aTenantLog(entriesOf(proving), { witnesses: witnesses.slice(0, 2) })
    const file = await prove(proving, '--log', folder)
    const key = ['--key', proving.vkey, '--key', tenant.vkey]
    expect(await verdictOf([file, ...key])).toMatchObject({ status: 0, level: 2 })
    const head = join(proving.out, 'head')
    writeFileSync(head, note)
    expect(await verdictOf([file, ...key, '--head', head])).toMatchObject({ status: 0, level: 3 })
    const given = witnesses.flatMap(({ vkey }) => ['--witness-key', vkey])
    const cosigned = await verdictOf([file, ...key, '--witness', '2/3', ...given])
    expect(cosigned).toMatchObject({ status: 0, level: 4, witnessed: { k: 2, n: 3 } })
    const { status, stdout } = await runCommand([
      'check',
      file,
      ...key,
      '--witness',
      '3/3',
      ...given,
    ])
    expect(status).toBe(1)
    expect(stdout).toContain('FAULT unsigned (witness)')
  })

  it('reads a log that cleared its partial tiles away', async () => {
    const proving = aClosedJournal()
    const { folder } = aTenantLog(entriesOf(proving), { full: true })
    const file = await prove(proving, '--log', folder)
    expect(await verdictOf([file, '--key', proving.vkey, '--key', tenant.vkey])).toMatchObject({
      level: 2,
      checks: { tenant: 'held' },
    })
  })

  it('leads to an older head that somebody keeps, though the log grew on', async () => {
    const proving = aClosedJournal()
    const { folder, note } = aTenantLog(entriesOf(proving), { full: true })
    const kept = join(proving.out, 'kept')
    writeFileSync(kept, note)
    // The newest head covers all 256 entries.
    const entries = readFileSync(join(folder, entriesPath({ index: 0, width: TILE_WIDTH })))
    const tree = new MerkleFrontier()
    for (const entry of parseEntries(entries, TILE_WIDTH)) tree.append(leafHash(entry))
    const newest = { origin: LOG, size: TILE_WIDTH, root: tree.root() }
    writeFileSync(join(folder, 'checkpoint'), signNoteSync(formatCheckpoint(newest), tenant))
    const keys = ['--key', proving.vkey, '--key', tenant.vkey, '--head', kept]
    const fresh = await prove(proving, '--log', folder)
    expect(await verdictOf([fresh, ...keys])).toMatchObject({ status: 0, level: 2 })
    const fitting = await prove(proving, '--log', folder, '--head', kept)
    expect(await verdictOf([fitting, ...keys])).toMatchObject({ status: 0, level: 3 })
    const fork = join(proving.out, 'fork')
    const other = { origin: LOG, size: 5, root: '11'.repeat(32) }
    writeFileSync(fork, signNoteSync(formatCheckpoint(other), tenant))
    const args = ['prove', `${proving.epoch}/4`, '--journal', proving.journal, '--head', fork]
    expect((await runCommand([...args, '--log', folder])).stderr).toContain('LOG_UNUSABLE')
    expect((await runCommand(args)).stderr).toContain('INVALID_OPTION')
  })

  it('takes along the revocation of the issuer, and a key revoked too early is refused', async () => {
    const proving = aClosedJournal()
    const revocation = (tenantLogSize: number): string =>
      signNoteSync(formatRevocation({ log: LOG, vkey: proving.vkey, tenantLogSize }), tenant)
    const keys = ['--key', proving.vkey, '--key', tenant.vkey]
    const file = await prove(proving, '--log', aTenantLog(entriesOf(proving)).folder)
    for (const [size, status] of [
      [2, 0],
      [1, 1],
    ] as const) {
      const note = join(proving.out, `revocation-${size}`)
      writeFileSync(note, revocation(size))
      expect(await verdictOf([file, ...keys, '--revocation', note])).toMatchObject({ status })
    }
  })

  it('refuses a log that does not hold the epoch, is another’s, or was changed', async () => {
    const proving = aClosedJournal()
    const entries = entriesOf(proving)
    const codeFor = async (folder: string): Promise<string> => {
      const args = [`${proving.epoch}/4`, '--journal', proving.journal, '--log', folder]
      const { status, stderr } = await runCommand(['prove', ...args])
      expect(status).toBe(2)
      return /spanseal: ([A-Z_]+):/.exec(stderr)?.[1] ?? stderr
    }
    expect(await codeFor(aTenantLog(entries.slice(0, 2)).folder)).toBe('NOT_FOUND')
    expect(await codeFor(aTenantLog(entries.toSpliced(1, 1)).folder)).toBe('NOT_FOUND')
    const tampered = aTenantLog(entries).folder
    const tile = join(tampered, tilePath({ level: 0, index: 0, width: entries.length }))
    writeFileSync(tile, Buffer.alloc(entries.length * 32))
    expect(await codeFor(tampered)).toBe('LOG_UNUSABLE')
    writeFileSync(tile, '')
    expect(await codeFor(tampered)).toBe('MALFORMED_TILE')
    const other = aTenantLog(entries).folder
    writeFileSync(join(other, 'checkpoint'), proving.notes[0] ?? '')
    expect(await codeFor(other)).toBe('LOG_UNUSABLE')
    rmSync(join(other, 'checkpoint'))
    execFileSync('mkfifo', [join(other, 'checkpoint')])
    expect(await codeFor(other)).toBe('LOG_UNUSABLE')
  })
})
