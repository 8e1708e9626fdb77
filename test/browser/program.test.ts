// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { emptyFolder, goldenCopy, HEADS, KEYS } from './evidence.ts'
import { nodesHere, runVerifier } from './run-verifier.ts'
import { DIST, ROOT } from './verifier-page.ts'

const keyArgs = KEYS.flatMap((key) => ['--key', key])

describe.each(nodesHere())('verify.mjs on Node $version', ({ path: node }) => {
  it('says that the golden journal holds, and how far', async () => {
    const cwd = emptyFolder()
    goldenCopy(cwd)
    const { status, stdout, stderr } = await runVerifier(['journal', ...keyArgs], { cwd, node })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('HOLDS at level 2 of 5: signed by a pinned key')
    expect(stdout).toContain('Not proved')
    expect(stdout).toContain('29 records in 2 epochs')
  })

  it('says where it does not', async () => {
    const cwd = emptyFolder()
    goldenCopy(cwd, 'edited-byte')
    const { status, stdout } = await runVerifier(['journal', ...keyArgs], { cwd, node })
    expect(status).toBe(1)
    expect(stdout).toContain('DOES NOT HOLD')
    expect(stdout).toMatch(/FAULT edited[^]*journal\/[^ ]+\.jsonl:\d+, byte \d+/)
  })

  it('takes keys and heads from files, and heads as lines', async () => {
    const cwd = emptyFolder()
    goldenCopy(cwd)
    writeFileSync(join(cwd, 'keys'), `# ours\r\n\r\n${KEYS.join('\r\n')}\r\n`)
    writeFileSync(join(cwd, 'heads'), HEADS.join('\n'))
    const args = ['journal', '--key', 'keys', '--json']
    const noted = await runVerifier([...args, '--head', 'heads'], { cwd, node })
    const verdict = JSON.parse(noted.stdout) as { journal: { level: number; heads: Head[] } }
    expect(verdict.journal.level).toBe(3)
    const lines = verdict.journal.heads.flatMap(({ origin, root, size }) => [
      '--head',
      `${origin} ${size} ${Buffer.from(root, 'hex').toString('base64')}`,
    ])
    const lined = await runVerifier([...args, ...lines], { cwd, node })
    expect(JSON.parse(lined.stdout)).toMatchObject({ ok: true, journal: { level: 3 } })
  })

  it.each([
    [['nowhere'], 'NOT_FOUND'],
    [[], 'INVALID_OPTION'],
    [['.', '--key', 'nonsense'], 'MALFORMED_KEY'],
    [['.', '--head', 'nonsense'], 'MALFORMED_HEAD'],
    [['.', '--threshold', '2'], 'INVALID_OPTION'],
    [['.', '--unknown'], 'INVALID_OPTION'],
  ])('cannot run with %j: %s', async (args, code) => {
    const { status, stdout, stderr } = await runVerifier(args, { cwd: emptyFolder(), node })
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain(`verify.mjs: ${code}: `)
  })

  it('does not repeat what was given for a key: it may be a private one', async () => {
    const cwd = emptyFolder()
    const secret = 'name: example.com/x\n-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE\n'
    writeFileSync(join(cwd, 'tenant.pem'), secret)
    for (const given of [secret, 'tenant.pem']) {
      const { status, stderr } = await runVerifier(['.', '--key', given], { cwd, node })
      expect(status).toBe(2)
      expect(stderr).toContain('MALFORMED_KEY: --key: ')
      expect(stderr).not.toMatch(/PRIVATE|MC4C/)
    }
  })

  it('prints help and version', async () => {
    const help = await runVerifier(['--help'], { node })
    expect(help).toMatchObject({ status: 0, stderr: '' })
    expect(help.stdout).toContain('node verify.mjs <folder|file>… --key <vkey>')
    expect((await runVerifier(['--version'], { node })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it('does not hold what is empty, foreign, or leads in circles', async () => {
    const cwd = emptyFolder()
    mkdirSync(join(cwd, 'inner'))
    symlinkSync('..', join(cwd, 'inner', 'again'))
    writeFileSync(join(cwd, 'inner', 'letter.txt'), 'Dear auditor')
    const { status, stdout } = await runVerifier(['.', '--json'], { cwd, node })
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, journal: { checked: 0, ok: false } })
  })

  it('prints no control characters of hostile names', async () => {
    const cwd = emptyFolder()
    const folder = goldenCopy(cwd)
    writeFileSync(join(folder, '\u001b[2J\u202eevil.txt'), '')
    const epoch = join(folder, '01a1fd5a-0e60-7130-92d2-96d32e1bdaa5')
    appendFileSync(join(epoch, '000000000001.jsonl'), '{"\u001b[31m":"</script>"}\n')
    const { stdout } = await runVerifier(['journal'], { cwd, node })
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/)
  })
})

interface Head {
  readonly origin: string
  readonly size: number
  readonly root: string
}

describe('the built files', () => {
  it('need nothing but Node, and say what is in them', () => {
    const program = readFileSync(join(DIST, 'verify.mjs'), 'utf8')
    const imports = [...program.matchAll(/^import .* from "([^"]+)"/gm)].map(([, name]) => name)
    expect([...new Set(imports)].filter((name) => !name?.startsWith('node:'))).toEqual([])
    expect(program).toContain('SPDX-License-Identifier: Apache-2.0')
    const page = readFileSync(join(DIST, 'verify.html'), 'utf8')
    for (const name of ['@noble/curves', '@noble/hashes', 'buffer', 'base64-js', 'ieee754']) {
      expect(page).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'))
    }
    expect(page).not.toMatch(/ (src|href)=/)
    expect(page).not.toMatch(/@[A-Z]+@/)
  })

  it('are the same bytes wherever they are built', () => {
    const built = [ROOT, emptyFolder()].map((cwd) => {
      execFileSync(process.execPath, [join(ROOT, 'packages/verifier/generate/bundle.ts')], { cwd })
      return ['verify.mjs', 'verify.html'].map((name) => readFileSync(join(DIST, name), 'utf8'))
    })
    expect(built[0]).toEqual(built[1])
  })
})
