#!/usr/bin/env node
// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

// Plain JavaScript that any Node can read: says what is missing before the program itself, which
// needs a newer Node, is loaded.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const bin = dirname(fileURLToPath(import.meta.url))
const program = join(bin, '..', 'dist', 'main.js')

/** The range in `engines`. */
function suits(version) {
  const [major, minor] = version.split('.').map(Number)
  return (major === 22 && minor >= 15) || major === 24 || major >= 26
}

/** The Node of the npm package `node`, here in a clone or beside this package where it is installed. */
function pinnedNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  for (let folder = bin; folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'node_modules', 'node', 'bin', name)
    if (existsSync(file)) return file
  }
  return undefined
}

function fail(message) {
  process.stderr.write(`spanseal: ${message}\n`)
  process.exitCode = 2
}

/** Runs the same command under another Node and ends as it ends. */
function runUnder(node) {
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Ctrl-C in a terminal reaches the child as well.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (error) => fail(`${node} cannot be started: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}

async function main() {
  if (!existsSync(program)) {
    return fail('not built yet: run `npm run build` (or `npm start`) in the repository first')
  }
  if (suits(process.versions.node)) return void (await import('../dist/main.js'))
  const node = pinnedNode()
  if (node === undefined) {
    return fail(`needs Node ^22.15, ^24 or >=26, this is ${process.version}`)
  }
  runUnder(node)
}

await main()
