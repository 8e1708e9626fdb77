#!/usr/bin/env node
// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

// Makes a fresh clone work with nothing but Node 20 and npm: installs what the lockfile says, builds,
// and goes on under the pinned Node. Plain JavaScript without dependencies, because it runs before
// anything is installed. It speaks on stderr only: stdout belongs to the command.

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(fileURLToPath(import.meta.url))
const windows = process.platform === 'win32'
const pinnedNode = join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node')

/**
 * What each command runs after install and build. `builds: 'try'` goes on after a failed build,
 * because the suite `types` reports it; `inPlace` leaves the working directory to the caller.
 */
const commands = {
  start: { script: 'examples/support-agent/src/main.ts', builds: 'must', inPlace: true },
  test: { script: 'test/run.ts', builds: 'try' },
  check: { script: 'test/run.ts', first: ['--check'], builds: 'try' },
  bench: { script: 'bench/main.ts', builds: 'must' },
  build: { builds: 'must' },
  spanseal: { script: 'packages/cli/bin/spanseal.js', builds: 'must', inPlace: true },
}

const usage = `usage: node bootstrap.mjs <command> [argument…]

  start     run the example agent             (npm start -- [argument…])
  test      run all suites                    (npm test -- [--list] [suite…])
  check     format, lint, types, unit tests   (npm run check)
  bench     run the measurements              (npm run bench -- [name…])
  build     install and build, nothing else   (npm run build)
  spanseal  run the command line tool         (npx spanseal …)
  install   install from the lockfile of a folder, when it has changed
`

function say(text) {
  process.stderr.write(`${text}\n`)
}

function fail(text) {
  say(text)
  process.exit(1)
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}

// Install

/** npm under the Node that it was started with: the pinned one may be replaced while npm runs. */
function npm(args, cwd) {
  const { npm_execpath: script, npm_node_execpath: node } = process.env
  const options = { cwd, encoding: 'utf8', maxBuffer: 1 << 28 }
  const result =
    script && /npm-cli\.[cm]?js$/.test(script)
      ? spawnSync(node ?? process.execPath, [script, ...args], options)
      : spawnSync('npm', args, { ...options, shell: windows })
  const output = result.error ? String(result.error) : `${result.stdout}${result.stderr}`
  return { ok: result.status === 0, output }
}

function manifests(folder) {
  const { workspaces = [] } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const folders = workspaces.flatMap((pattern) => {
    if (!pattern.endsWith('/*')) return [pattern]
    const parent = pattern.slice(0, -2)
    return readdirSync(join(folder, parent)).map((name) => `${parent}/${name}`)
  })
  const files = ['', ...folders].map((name) => join(folder, name, 'package.json'))
  return files.filter((file) => existsSync(file))
}

/** Changes whenever another install is needed: other wishes, other lock, other platform. */
function fingerprint(folder) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`)
  for (const file of [join(folder, 'package-lock.json'), ...manifests(folder)]) {
    hash.update(file.slice(folder.length)).update(readFileSync(file))
  }
  return hash.digest('hex')
}

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

/** Returns true when it had to install. */
function install(folder) {
  const modules = join(folder, 'node_modules')
  const stamp = join(modules, '.spanseal-install')
  if (read(stamp) === fingerprint(folder)) return false
  const started = performance.now()
  // A clean install would empty the folder under the feet of what runs from it.
  const fresh = !existsSync(modules)
  say(`installing dependencies from package-lock.json ${fresh ? '(about a minute)' : ''}…`)
  // Whatever NODE_ENV says: compiler, pinned Node and test tools are development dependencies.
  const flags = ['--include=dev', '--no-audit', '--no-fund']
  const keepLock = ['install', '--no-save', ...flags]
  let result = npm(fresh ? ['ci', ...flags] : keepLock, folder)
  // The lockfile was written where the binaries of other platforms could not be had; where they
  // can, `npm ci` calls it out of step. `npm install` takes the same locked versions and adds them.
  if (!result.ok && fresh && /EUSAGE|in sync/.test(result.output)) result = npm(keepLock, folder)
  if (!result.ok) fail(`${result.output}\n${installAdvice(folder)}`)
  mkdirSync(modules, { recursive: true })
  writeFileSync(stamp, fingerprint(folder))
  say(`installed in ${seconds(started)}`)
  return true
}

function installAdvice(folder) {
  return `npm could not install the dependencies in ${folder}; its output is above.
It needs a registry: check the network, \`npm config get registry\` and \`npm ping\`.
To start over: remove the folder node_modules there and run the same command again.`
}

// The Node to go on with

function runs(node) {
  return spawnSync(node, ['--version']).status === 0
}

/** The same range as `engines` of the packages: ^22.15 || ^24 || >=26. */
function runsPackages(version) {
  const [major, minor] = version.replace('v', '').split('.').map(Number)
  return (major === 22 && minor >= 15) || major === 24 || major >= 26
}

/**
 * The pinned Node; where it could not be installed, or with SPANSEAL_NODE=own, the one that runs
 * this, if it will do.
 */
function chooseNode(installedNow) {
  if (process.env.SPANSEAL_NODE === 'own') return ownNode()
  // The package `node` fetches its binary in an install script, which may be switched off.
  if (installedNow && !existsSync(pinnedNode))
    npm(['rebuild', 'node', '--ignore-scripts=false'], root)
  // The binary may not run here (musl): tried once after each install, not at every start.
  if (installedNow && existsSync(pinnedNode) && !runs(pinnedNode)) rmSync(pinnedNode)
  if (existsSync(pinnedNode)) return { node: pinnedNode, flags: [] }
  return ownNode()
}

function ownNode() {
  if (!runsPackages(process.version)) {
    fail(`The packages need Node ^22.15, ^24 or >=26, and this is ${process.version}. The pinned Node 24 is
not in use: SPANSEAL_NODE=own forbids it, or the npm package \`node\` could not install it
(try: npm rebuild node --ignore-scripts=false).`)
  }
  const flags = process.version.startsWith('v22.') ? ['--experimental-strip-types'] : []
  return { node: process.execPath, flags }
}

// Build

/** `tsc -b` decides by itself what is out of date; with nothing to do it takes about 0.2 s. */
function build({ node, flags }, must) {
  const packages = readdirSync(join(root, 'packages'))
    .map((name) => join('packages', name))
    .filter((folder) => existsSync(join(root, folder, 'tsconfig.json')))
  const first = packages.some((folder) => !existsSync(join(root, folder, 'dist')))
  if (first) say('building…')
  const started = performance.now()
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const options = { cwd: root, encoding: 'utf8' }
  const { status, stdout, stderr } = spawnSync(node, [tsc, '-b', ...packages], options)
  if (status === 0 && first) say(`built in ${seconds(started)}`)
  if (status !== 0 && must) fail(`${stdout}${stderr}\nThe build failed: the errors are above.`)
  buildVerifier(node, flags, must)
}

/** The verifier to hand over is one file for Node and one for browsers, out of these folders. */
const verifierScript = join(root, 'packages', 'verifier', 'generate', 'bundle.ts')
const verifierFolders = ['core/src', 'verifier/src', 'verifier/generate']

function buildVerifier(node, flags, must) {
  if (!existsSync(verifierScript)) return
  const made = ['verify.mjs', 'verify.html'].map((name) =>
    millisOf(join(root, 'packages', 'verifier', 'dist', name)),
  )
  const sources = verifierFolders.flatMap((name) =>
    filesIn(join(root, 'packages', ...name.split('/'))),
  )
  sources.push(join(root, 'package-lock.json'), join(root, 'packages', 'verifier', 'package.json'))
  if (Math.min(...made) >= Math.max(...sources.map(millisOf))) return
  const options = { cwd: root, encoding: 'utf8' }
  const { status, stderr } = spawnSync(node, [...flags, verifierScript], options)
  if (status !== 0 && must)
    fail(`${stderr}\nThe verifier could not be built: the errors are above.`)
}

function filesIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}

/** When a file was last changed; 0 where there is none. */
function millisOf(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

// Run

function run(node, args, cwd) {
  const child = spawn(node, args, { cwd, stdio: 'inherit' })
  const forwarded = windows ? ['SIGINT'] : ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']
  for (const signal of forwarded) {
    process.on(signal, () => {
      // Ctrl-C in a terminal reaches the child as well: once is enough.
      const fromTerminal = (signal === 'SIGINT' || signal === 'SIGQUIT') && process.stdin.isTTY
      if (!fromTerminal) child.kill(signal)
    })
  }
  child.on('error', (error) => fail(`${node} cannot be started: ${error.message}`))
  child.on('exit', (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0))
  })
}

function main([name, ...args]) {
  if (Number(process.versions.node.split('.')[0]) < 20) fail('Node 20 or later is needed.')
  if (name === 'install') return void install(resolve(root, args[0] ?? '.'))
  if (name === undefined || !Object.hasOwn(commands, name)) {
    say(usage)
    process.exit(name === undefined || name === '--help' ? 0 : 2)
  }
  const { script, first = [], builds, inPlace } = commands[name]
  const chosen = chooseNode(install(root))
  build(chosen, builds === 'must')
  if (!script) return
  if (!existsSync(join(root, script))) fail(`${script} does not exist.`)
  run(
    chosen.node,
    [...chosen.flags, join(root, script), ...first, ...args],
    inPlace ? process.cwd() : root,
  )
}

main(process.argv.slice(2))
