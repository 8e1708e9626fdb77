// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from '../services/run-command.ts'
import type { PackedPackage } from './packed-packages.ts'
import { manifestOf, npm, packAll, publicFolders, root } from './packed-packages.ts'

const manifests = publicFolders().map(manifestOf)
const names = manifests.map(({ name }) => name)
/** All but a command line tool that offers nothing to import. */
const importable = manifests.filter((each) => each.exports?.['.'] !== undefined)
const libraries = importable.map(({ name }) => name)
const COMMAND_TIMEOUT_MILLIS = 240_000

let work: string
let packages: ReadonlyMap<string, PackedPackage>

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'spanseal-packaging-'))
  const packed = await packAll(work)
  packages = new Map(packed.map((each) => [each.manifest.name, each]))
})

afterAll(() => rmSync(work, { recursive: true, force: true }))

function packed(name: string): PackedPackage {
  const found = packages.get(name)
  if (!found) throw new Error(`${name} was not packed`)
  return found
}

/** Runs a program of this repository on this Node; its output is in the error when it fails. */
function node(args: readonly string[], cwd = root): Promise<{ readonly stdout: string }> {
  const env = { NO_COLOR: '1', NODE_OPTIONS: '' }
  return runCommand(process.execPath, args, { cwd, env, timeoutMillis: COMMAND_TIMEOUT_MILLIS })
}

/** All files that a field of package.json names, at any depth. */
function targets(field: unknown): string[] {
  if (typeof field === 'string') return [field]
  return typeof field === 'object' && field !== null ? Object.values(field).flatMap(targets) : []
}

describe.each(names)('the packed %s', (name) => {
  it('holds what its exports name, source and licence, and no tests', () => {
    const { files, manifest } = packed(name)
    expect(files).toContain('LICENSE')
    expect(files.filter((file) => /\.(test|contract|fixture|bench)\./.test(file))).toEqual([])
    expect(files.filter((file) => /tsbuildinfo|\.tgz$|node_modules/.test(file))).toEqual([])
    const named = [...targets(manifest.exports), ...targets(manifest.bin)]
    expect(named).not.toEqual([])
    expect(named.filter((file) => !files.includes(file.slice('./'.length)))).toEqual([])
  })

  it('carries the licence of the repository', () => {
    const own = readFileSync(join(packed(name).folder, 'LICENSE'), 'utf8')
    expect(own).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'))
  })

  it('satisfies publint', async () => {
    const args = ['run', packed(name).tarball, '--strict']
    const { stdout } = await node(['node_modules/publint/src/cli.js', ...args])
    expect(stdout).toContain('All good!')
  })

  it('has types that resolve as its modules do (attw)', async () => {
    const attw = 'node_modules/@arethetypeswrong/cli/dist/index.js'
    const flags = [
      '--profile',
      'esm-only',
      '--no-definitely-typed',
      '--no-emoji',
      '--format',
      'ascii',
    ]
    const { stdout } = await node([attw, packed(name).tarball, ...flags])
    // The command has nothing to import but its manifest.
    const resolves = name.endsWith('cli') ? 'No problems found' : 'node16 (from ESM): OK (ESM)'
    expect(stdout).toContain(resolves)
  })
})

describe('an empty project with all packed packages', () => {
  let project: string

  beforeAll(async () => {
    project = join(work, 'project')
    mkdirSync(project)
    const manifest = { private: true, type: 'module', dependencies: dependencies() }
    writeFileSync(join(project, 'package.json'), JSON.stringify(manifest))
    // What the packages need has just been installed here: the cache of npm answers first.
    await npm(['install', '--prefer-offline', '--ignore-scripts', '--no-package-lock'], project)
  })

  /** The packed packages, and the peers that they leave to the user at the version used here. */
  function dependencies(): Record<string, string> {
    const own = [...packages.values()].map(
      ({ manifest, tarball }) => [manifest.name, `file:../${basename(tarball)}`] as const,
    )
    const peers = [...packages.values()]
      .flatMap(({ manifest }) => Object.keys(manifest.peerDependencies ?? {}))
      .map((peer) => [peer, manifestOf(join(root, 'node_modules', peer)).version] as const)
    return Object.fromEntries([...peers, ...own])
  }

  it.each(libraries)('can import %s', async (name) => {
    writeFileSync(join(project, 'imports.mjs'), exportsOf(`await import('${name}')`))
    expect(await namesSeen('imports.mjs')).not.toEqual([])
  })

  it.each(libraries)('can require %s from CommonJS, with the same exports', async (name) => {
    writeFileSync(join(project, 'imports.mjs'), exportsOf(`await import('${name}')`))
    writeFileSync(join(project, 'requires.cjs'), exportsOf(`require('${name}')`))
    const required = await namesSeen('requires.cjs')
    expect(required.filter((each) => each !== '__esModule')).toEqual(await namesSeen('imports.mjs'))
  })

  it('has the verifier to hand over, and the command finds it', async () => {
    expect(packed('@spanseal/verifier').files).toEqual(
      expect.arrayContaining(['dist/verify.html', 'dist/verify.mjs']),
    )
    const command = ['node_modules/@spanseal/cli/bin/spanseal.js', 'export']
    await node([...command, join(root, 'vectors/journal'), '--out', 'handed-over'], project)
    const { stdout } = await node(['handed-over/verify.mjs', 'handed-over'], project)
    expect(stdout).toContain('HOLDS at level 1 of 5')
  })

  it('has the command', async () => {
    const { stdout } = await node(['node_modules/@spanseal/cli/bin/spanseal.js', '--help'], project)
    expect(stdout).toContain('verify')
  })

  function exportsOf(namespace: string): string {
    return `console.log(JSON.stringify(Object.keys(${namespace}).sort()))`
  }

  async function namesSeen(script: string): Promise<string[]> {
    const { stdout } = await node([script], project)
    return JSON.parse(stdout) as string[]
  }
})
