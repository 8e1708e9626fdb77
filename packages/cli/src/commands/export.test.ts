// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sha256Hex } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aJournal, emptyFolder, TestAgent } from '../journal.fixture.ts'

const GOLDEN = fileURLToPath(new URL('../../../../vectors/journal', import.meta.url))
const { pinned } = JSON.parse(
  readFileSync(new URL('../../../../vectors/journal.json', import.meta.url), 'utf8'),
) as { readonly pinned: readonly string[] }
const KEY = ['--key', ...pinned]

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1)).sort()
}

describe('spanseal export', () => {
  it('hands over nothing that a link in the journal or tenant log leads to', async () => {
    const home = emptyFolder()
    const { folder, writer } = aJournal({ journal: join(home, 'audit') })
    writer.close()
    const [epoch = ''] = readdirSync(folder)
    const secret = join(home, 'tenant.pem')
    writeFileSync(secret, 'what nobody shall have')
    const log = join(home, 'log')
    mkdirSync(join(log, 'tile/0'), { recursive: true })
    writeFileSync(join(log, 'checkpoint'), '')
    const links = [
      [join(folder, epoch, '000000009999.jsonl'), secret],
      [join(folder, epoch, 'stub'), secret],
      [join(folder, epoch.replace(/^./, 'f')), home],
      [join(log, 'tile/0/001'), secret],
      [join(log, 'tile/1'), home],
    ] as const
    for (const [link, target] of links) {
      symlinkSync(target, link)
      const out = join(home, 'out')
      const { status, stderr } = await runCommand(['export', folder, '--log', log, '--out', out])
      expect([link, status, stderr]).toEqual([link, 2, expect.stringContaining('is a link')])
      expect(existsSync(out)).toBe(false)
      rmSync(link)
    }
  })

  it('of some epochs says how the verifier in it finds that they hold', async () => {
    const home = emptyFolder()
    const first = aJournal({ journal: join(home, 'audit') })
    first.writer.close()
    const second = aJournal({ journal: first.folder })
    second.writer.close()
    const epoch = readdirSync(first.folder).sort()[1] as string
    const out = join(home, 'one')
    await runCommand(['export', first.folder, '--epoch', epoch, '--out', out])
    const byName = ['export', join(first.folder, epoch), '--out', join(home, 'named')]
    expect((await runCommand(byName)).status).toBe(0)
    const readme = readFileSync(join(out, 'README.txt'), 'utf8')
    const [, command = ''] = /^ {7}(node verify\.mjs .*) --key/m.exec(readme) ?? []
    const verdict = execFileSync('bash', ['-c', command], { cwd: out, encoding: 'utf8' })
    expect(verdict).toContain('HOLDS at level 1')
  })

  it('is verified, and continued from, by the name of its folder', async () => {
    const home = emptyFolder()
    const journals = ['one', 'two'].map((name) => aJournal({ journal: join(home, name) }))
    for (const { writer } of journals) writer.close()
    const folders = journals.map(({ folder }) => folder)
    const out = join(home, 'handed')
    expect((await runCommand(['export', ...folders, '--out', out])).status).toBe(0)
    const { status, stdout } = await runCommand(['verify', out, '--json'])
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, epochs: 2, ignored: [] })
    const heads = await runCommand(['head', 'export', out, '--line'])
    expect(heads.stdout.trim().split('\n')).toHaveLength(2)
  })

  it('lays nothing into what it copies', async () => {
    const { folder, writer } = aJournal()
    writer.close()
    const before = readdirSync(folder)
    for (const out of [join(folder, 'out'), folder, join(folder, '../audit/deep/out'), '']) {
      const { status, stderr } = await runCommand(['export', folder, '--out', out])
      expect([out, status]).toEqual([out, 2])
      expect(stderr).toContain('--out: ')
    }
    expect(readdirSync(folder)).toEqual(before)
  })

  it('hands over the bytes of the epochs, their sums, a text and the verifier', async () => {
    const out = join(emptyFolder(), 'handed')
    const { status, stdout, stderr } = await runCommand(['export', GOLDEN, '--out', out, ...KEY])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^HOLDS at level 2 of 5/)
    expect(stdout).not.toContain('draft')
    const evidence = filesIn(GOLDEN).filter((file) => !file.endsWith('writer.json'))
    for (const file of evidence) {
      const same = readFileSync(join(out, 'journal', file)).equals(readFileSync(join(GOLDEN, file)))
      expect([file, same]).toEqual([file, true])
    }
    const own = ['README.txt', 'SHA256SUMS', 'heads.txt', 'verify.html', 'verify.mjs']
    expect(filesIn(out)).toEqual([...own, ...evidence.map((file) => `journal/${file}`)].sort())
    const sums = readFileSync(join(out, 'SHA256SUMS'), 'utf8').trimEnd().split('\n')
    for (const line of sums) {
      const [hex, path = ''] = line.split('  ')
      expect(sha256Hex(readFileSync(join(out, path)))).toBe(hex)
    }
    expect(sums).toHaveLength(filesIn(out).length - 1)
  })

  it('lets the program in it say what it says itself, and its heads complete a later one', async () => {
    const out = join(emptyFolder(), 'handed')
    await runCommand(['export', GOLDEN, '--out', out])
    const run = (...args: string[]): string =>
      execFileSync(process.execPath, ['verify.mjs', '.', ...KEY, ...args], {
        cwd: out,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    expect(run()).toContain('HOLDS at level 2 of 5')
    expect(run('--head', 'heads.txt')).toContain('HOLDS at level 3 of 5')
  })

  it('hands over what does not hold as it is, and says so', async () => {
    const folder = emptyFolder()
    const journal = join(folder, 'audit')
    cpSync(GOLDEN, journal, { recursive: true })
    const [epoch = ''] = readdirSync(journal).sort()
    truncateSync(join(journal, epoch, '000000000014.jsonl'), 100)
    const out = join(folder, 'handed')
    const { status, stdout } = await runCommand(['export', journal, '--out', out, '--json'])
    expect(status).toBe(1)
    const { verdict } = JSON.parse(stdout) as {
      readonly verdict: { readonly ok: boolean; readonly findings: { readonly file?: string }[] }
    }
    expect(verdict.ok).toBe(false)
    const named = verdict.findings.flatMap(({ file }) => (file === undefined ? [] : [file]))
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter((file) => !file.startsWith(out))).toEqual([])
  })

  it('takes single epochs, and several journals apart', async () => {
    const folder = emptyFolder()
    const [epoch = '', other = ''] = readdirSync(GOLDEN).sort()
    const one = join(folder, 'one')
    await runCommand(['export', GOLDEN, '--epoch', epoch, '--out', one])
    expect(readdirSync(join(one, 'journal'))).toEqual([epoch])
    const two = join(folder, 'two')
    const paths = [epoch, other].map((id) => join(GOLDEN, id))
    expect((await runCommand(['export', ...paths, '--out', two])).status).toBe(0)
    expect(readdirSync(two)).toEqual(expect.arrayContaining(['journal-1', 'journal-2']))
    const none = await runCommand([
      'export',
      GOLDEN,
      '--epoch',
      `0${epoch.slice(1, -1)}0`,
      '--out',
      join(folder, 'x'),
    ])
    expect(none).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('NOT_FOUND') as string,
    })
  })

  it('copies what a tenant log serves, its lock and what lies beside it not', async () => {
    const folder = emptyFolder()
    const log = join(folder, 'log')
    mkdirSync(join(log, 'tile/0'), { recursive: true })
    mkdirSync(join(log, 'witnesses'))
    for (const file of ['checkpoint', 'tile/0/000', 'witnesses/state', 'lock']) {
      writeFileSync(join(log, file), file)
    }
    const out = join(folder, 'handed')
    // This log is none: what is handed over is said not to hold.
    expect((await runCommand(['export', GOLDEN, '--log', log, '--out', out])).status).toBe(1)
    expect(filesIn(join(out, 'log'))).toEqual(['checkpoint', 'tile/0/000'])
  })

  it('exports the journal of a writer at work, no key and nothing of the host with it', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    const out = join(emptyFolder(), 'handed')
    const args = ['export', journal.folder, '--out', out, '--live', '--key', journal.vkey]
    expect((await runCommand(args)).status).toBe(0)
    const names = filesIn(out).map((file) => basename(file))
    expect(
      names.filter((name) => /^(writer\.json|cursors|.*\.(pem|key|vkey))$/.test(name)),
    ).toEqual([])
  })

  it.each(['a file', 'a folder that is not empty'])('overwrites nothing: %s', async (what) => {
    const out = join(emptyFolder(), 'handed')
    if (what !== 'a file') mkdirSync(out)
    writeFileSync(what === 'a file' ? out : join(out, 'mine'), 'mine')
    const before = JSON.stringify(readdirSync(join(out, '..'), { recursive: true }))
    const { status, stderr } = await runCommand(['export', GOLDEN, '--out', out])
    expect(status).toBe(2)
    expect(stderr).toContain('INVALID_OPTION: --out:')
    expect(JSON.stringify(readdirSync(join(out, '..'), { recursive: true }))).toBe(before)
  })

  it('fills an empty folder that is there', async () => {
    const out = emptyFolder()
    expect((await runCommand(['export', GOLDEN, '--out', out])).status).toBe(0)
    expect(existsSync(join(out, 'verify.html'))).toBe(true)
  })
})
