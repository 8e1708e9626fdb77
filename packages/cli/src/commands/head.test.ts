// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Verdict } from '@spanseal/core'
import {
  bundledEntry,
  cosignatureBlob,
  cosignedMessage,
  Ed25519PrivateKey,
  entriesPath,
  formatCheckpoint,
  formatHeadLine,
  formatVkey,
  formatWitnessKey,
  leafHash,
  MerkleFrontier,
  parseHeadFile,
  parseNote,
  parseWitnessKey,
  signNoteSync,
} from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import type { TestJournal } from '../journal.fixture.ts'
import { aJournal, emptyFolder, LOG, TestAgent } from '../journal.fixture.ts'

/** A journal of two epochs, the second at work. */
function aGrowingJournal(): TestJournal & { readonly agent: TestAgent } {
  const first = aJournal({ durability: 'interval' })
  new TestAgent(first).task()
  first.writer.close()
  const second = aJournal({ durability: 'interval', journal: first.folder })
  const agent = new TestAgent(second)
  agent.task()
  return { ...second, agent }
}

async function verdictOf(args: readonly string[]): Promise<Verdict & { status: number | null }> {
  const { status, stdout } = await runCommand(['verify', ...args, '--json'])
  return { ...(JSON.parse(stdout) as Verdict), status }
}

describe('spanseal head export', () => {
  it('takes no device, pipe or folder away with its --out, and follows a link', async () => {
    const { folder, writer } = aGrowingJournal()
    writer.close()
    const home = emptyFolder()
    execFileSync('mkfifo', [join(home, 'pipe')])
    for (const out of [join(home, 'pipe'), '/dev/null', home, join(home, 'none/heads'), '']) {
      const { status, stderr } = await runCommand(['head', 'export', folder, '--out', out])
      expect([out, status]).toEqual([out, 2])
      expect(stderr).toContain('--out: ')
    }
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true)
    expect(lstatSync(join(home, 'pipe')).isFIFO()).toBe(true)
    writeFileSync(join(home, 'heads'), '')
    symlinkSync('heads', join(home, 'link'))
    const linked = await runCommand(['head', 'export', folder, '--out', join(home, 'link')])
    expect(linked.status).toBe(0)
    expect(lstatSync(join(home, 'link')).isSymbolicLink()).toBe(true)
    expect(readFileSync(join(home, 'heads'), 'utf8')).toContain('# spanseal/heads/1')
    expect(readdirSync(home).sort()).toEqual(['heads', 'link', 'pipe'])
  })

  it('writes a head file from which verify reads only what is new', async () => {
    const { agent, folder, vkey, writer } = aGrowingJournal()
    const out = join(emptyFolder(), 'heads.txt')
    const trust = [folder, '--key', vkey]
    const written = await runCommand(['head', 'export', ...trust, '--live', '--out', out])
    expect(written.status).toBe(0)
    expect(written.stdout).toMatch(/^Wrote 2 heads to /)
    const { epochs } = parseHeadFile(readFileSync(out, 'utf8'))
    const held = epochs.reduce((sum, { head }) => sum + head.size, 0)
    agent.task()
    writer.close()
    const since = await verdictOf([...trust, '--since', out])
    expect(since).toMatchObject({ status: 0, ok: true, level: 3, heldByHead: held })
    const whole = await verdictOf([...trust, '--head', out])
    expect(whole).toMatchObject({ status: 0, level: 3, heldByHead: 0 })
    expect(since.checked).toBe(whole.checked - held)
    const { stdout } = await runCommand(['verify', ...trust, '--since', out])
    expect(stdout).toContain('not read again')
    expect(stdout.replace(/\s+/g, ' ')).toContain(formatHeadLine(since.heads[0] as never))
    const again = await runCommand(['head', 'export', ...trust, '--since', out, '--out', out])
    expect(again.status).toBe(0)
    expect(await verdictOf([...trust, '--since', out])).toMatchObject({ checked: 0, ok: true })
  })

  it('prints head lines that can be given one by one, or as a file', async () => {
    const { folder, vkey, writer } = aGrowingJournal()
    writer.close()
    const { stdout, status } = await runCommand(['head', 'export', folder, '--line'])
    expect(status).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    const heads = lines.flatMap((line) => ['--head', line])
    expect(await verdictOf([folder, '--key', vkey, ...heads])).toMatchObject({ level: 3 })
    const file = join(emptyFolder(), 'lines')
    writeFileSync(file, `# Monday\n\n${stdout}`)
    expect(await verdictOf([folder, '--key', vkey, '--head', file])).toMatchObject({ level: 3 })
  })

  it('writes nothing of a journal that does not hold', async () => {
    const { folder, writer } = aGrowingJournal()
    writer.close()
    const out = join(emptyFolder(), 'heads.txt')
    const epochs = readdirSync(folder).filter((name) => name.length === 36)
    rmSync(join(folder, epochs.sort().at(-1) ?? '', 'checkpoints'))
    const { status, stdout } = await runCommand(['head', 'export', folder, '--out', out])
    expect(status).toBe(1)
    expect(stdout).toMatch(/^DOES NOT HOLD/)
    expect(readdirSync(dirname(out))).toEqual([])
  })

  it('refuses a head file that is none', async () => {
    const { folder } = aGrowingJournal()
    const file = join(emptyFolder(), 'heads.txt')
    writeFileSync(file, 'x\n')
    const { status, stderr } = await runCommand(['verify', folder, '--since', file])
    expect(status).toBe(2)
    expect(stderr).toContain('spanseal: MALFORMED_HEAD: ')
  })
})

describe('spanseal verify with a tenant log', () => {
  const tenant = Ed25519PrivateKey.fromSeed(Buffer.alloc(32, 5))
  const witness = Ed25519PrivateKey.fromSeed(Buffer.alloc(32, 6))
  const witnessKey = formatWitnessKey('witness.example', witness.publicKey)
  const tenantVkey = formatVkey(LOG, tenant.publicKey)

  /** The tenant log of a journal, as it is served, cosigned. */
  function aTenantLog(folder: string): string {
    const entries = readdirSync(folder)
      .filter((name) => name.length === 36)
      .map((epoch) => {
        const notes = readFileSync(join(folder, epoch, 'checkpoints'), 'utf8')
        const last = notes.slice(notes.lastIndexOf(`${LOG}/${epoch}\n`))
        return Buffer.from(parseNote(last).text)
      })
    const tree = new MerkleFrontier()
    for (const entry of entries) tree.append(leafHash(entry))
    const text = formatCheckpoint({ origin: LOG, size: tree.size, root: tree.root() })
    const note = signNoteSync(text, { vkey: tenantVkey, sign: (message) => tenant.sign(message) })
    const signature = witness.sign(cosignedMessage(text, 1_800_000_000))
    const blob = cosignatureBlob(parseWitnessKey(witnessKey), 1_800_000_000, signature)
    const log = emptyFolder()
    const bundle = join(log, entriesPath({ index: 0, width: tree.size }))
    mkdirSync(dirname(bundle), { recursive: true })
    writeFileSync(bundle, Buffer.concat(entries.map(bundledEntry)))
    writeFileSync(join(log, 'checkpoint'), `${note}— witness.example ${blob.toString('base64')}\n`)
    return log
  }

  it('reaches level 4 with a witness, and misses an epoch that was taken away', async () => {
    const { folder, vkey, writer } = aGrowingJournal()
    writer.close()
    const log = aTenantLog(folder)
    const trust = ['--key', vkey, '--key', tenantVkey, '--log', log]
    const witnesses = ['--witness', '1/1', '--witness-key', witnessKey]
    const { status, stdout } = await runCommand(['verify', folder, ...trust, ...witnesses])
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^HOLDS at level 4 of 5: complete up to a head that witnesses cosigned\n/,
    )
    expect(stdout).toContain('Witnesses   1 of 1 cosigned the tenant log, 1 asked for')
    const newest =
      readdirSync(folder)
        .filter((name) => name.length === 36)
        .sort()
        .at(-1) ?? ''
    rmSync(join(folder, newest), { recursive: true })
    const verdict = await verdictOf([folder, ...trust, ...witnesses])
    expect(verdict).toMatchObject({ status: 1, ok: false, counts: { missing: 1 } })
  })

  it('refuses witnesses without a tenant log, and a folder that is not there', async () => {
    const { folder } = aGrowingJournal()
    for (const [args, code] of [
      [['--witness', '1/1', '--witness-key', witnessKey], 'INVALID_OPTION'],
      [['--log', '/nowhere'], 'NOT_FOUND'],
      [['--revocation', '/nowhere'], 'NOT_FOUND'],
    ] as const) {
      const { status, stderr } = await runCommand(['verify', folder, ...args])
      expect(status).toBe(2)
      expect(stderr).toContain(`spanseal: ${code}: `)
    }
  })
})
