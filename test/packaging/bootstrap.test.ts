// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from './packed-packages.ts'

/** The repository's bootstrap script in a repository of its own, without dependencies. */
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spanseal-bootstrap-'))
  const manifest = { name: 'bootstrapped', version: '1.0.0', private: true }
  cpSync(join(root, 'bootstrap.mjs'), join(folder, 'bootstrap.mjs'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  writeFileSync(
    join(folder, 'package-lock.json'),
    JSON.stringify({ ...manifest, lockfileVersion: 3, requires: true, packages: { '': manifest } }),
  )
  mkdirSync(join(folder, 'packages'))
  mkdirSync(join(folder, 'test'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(args: readonly string[]): ChildProcess {
  const env = { ...process.env, SPANSEAL_NODE: 'own', NODE_OPTIONS: '' }
  return spawn(process.execPath, [join(folder, 'bootstrap.mjs'), ...args], { cwd: tmpdir(), env })
}

async function ended(child: ChildProcess): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/** What `test` runs in the folder. */
function program(source: string): void {
  writeFileSync(join(folder, 'test/run.ts'), source)
}

describe('bootstrap.mjs', () => {
  it('installs once, and again only when the lockfile or a manifest has changed', async () => {
    program('')
    expect((await ended(start(['test']))).stderr).toContain('installing dependencies')
    expect((await ended(start(['test']))).stderr).not.toContain('installing')
    mkdirSync(join(folder, 'packages/added'))
    writeFileSync(join(folder, 'packages/added/package.json'), '{"name":"added","version":"1.0.0"}')
    const manifest = { name: 'bootstrapped', version: '1.0.0', private: true }
    const wider = { ...manifest, workspaces: ['packages/*'] }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(wider))
    expect((await ended(start(['test']))).stderr).toContain('installing dependencies')
    expect((await ended(start(['test']))).stderr).not.toContain('installing')
  })

  it('hands on arguments, working directory of the repository, output and exit status', async () => {
    program('console.log(JSON.stringify([process.cwd(), process.argv.slice(2)])); process.exit(7)')
    const { code, stdout } = await ended(start(['check', '--flag', 'with blank']))
    expect(code).toBe(7)
    expect(JSON.parse(stdout)).toEqual([folder, ['--check', '--flag', 'with blank']])
  })

  it('passes a signal on and ends as the program ends', async () => {
    program(`process.on('SIGTERM', () => process.exit(9)); setInterval(() => {}, 1000)
      console.log('up')`)
    const child = start(['test'])
    const end = ended(child)
    if (child.stdout) await once(child.stdout, 'data')
    child.kill('SIGTERM')
    expect((await end).code).toBe(9)
  })

  it('tells of a program that a signal ended', async () => {
    program(`process.kill(process.pid, 'SIGKILL')`)
    expect((await ended(start(['test']))).code).toBe(128 + 9)
  })

  it('prints its commands for an unknown one', async () => {
    const { code, stderr } = await ended(start(['tset']))
    expect(code).toBe(2)
    expect(stderr).toContain('usage: node bootstrap.mjs <command>')
  })
})
