// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

// Makes the two files to hand over, dist/verify.mjs and dist/verify.html, out of core's source and
// this package's: the same bytes from the same sources, wherever it runs.

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BuildOptions } from 'esbuild'
import { build } from 'esbuild'

const folder = join(import.meta.dirname, '..')
const root = join(folder, '../..')

const { version } = readJson('package.json') as { readonly version: string }

const COMMON = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  charset: 'utf8',
  conditions: ['spanseal-source'],
  define: { SPANSEAL_VERSION: JSON.stringify(version) },
  legalComments: 'inline',
  logLevel: 'warning',
} satisfies BuildOptions

const LICENCE = `spanseal ${version}: the verifier to hand over
SPDX-FileCopyrightText: The spanseal authors
SPDX-License-Identifier: Apache-2.0
https://www.apache.org/licenses/LICENSE-2.0
Built from packages/verifier and packages/core.`

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(folder, path), 'utf8'))
}

async function bundled(options: BuildOptions): Promise<string> {
  const { outputFiles } = await build({ ...COMMON, ...options, write: false })
  return outputFiles?.[0]?.text ?? ''
}

/** The names, versions and licences of what the page takes along. */
function noticesOf(names: readonly string[]): string {
  const notices = names.map((name) => {
    const home = join(root, 'node_modules', name)
    const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
      readonly version: string
      readonly license: string
    }
    const text = readFileSync(join(home, 'LICENSE'), 'utf8').trim()
    return `${name} ${manifest.version} (${manifest.license})\n\n${text}`
  })
  return notices.join('\n\n')
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

/** Whole or not at all: another process may be reading it. */
function put(name: string, text: string): void {
  const path = join(folder, 'dist', name)
  mkdirSync(join(folder, 'dist'), { recursive: true })
  writeFileSync(`${path}.${process.pid}`, text)
  renameSync(`${path}.${process.pid}`, path)
}

async function makeProgram(): Promise<string> {
  const code = await bundled({
    entryPoints: ['packages/verifier/src/node-main.ts'],
    platform: 'node',
    format: 'esm',
    target: 'node20',
  })
  return `/*!\n${LICENCE}\nUse: node verify.mjs --help\n*/\n${code}`
}

async function makePage(): Promise<string> {
  const script = await bundled({
    entryPoints: ['packages/verifier/src/page/page-main.ts'],
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    alias: { 'node:crypto': './packages/verifier/src/page/node-crypto.ts' },
    inject: ['packages/verifier/src/page/buffer-global.ts'],
  })
  if (/<\/script|<!--/i.test(script)) throw new Error('the script would end the element it is in')
  const style = readFileSync(join(folder, 'src/page/page.css'), 'utf8')
  const policy = [
    "default-src 'none'",
    `script-src ${hashSource(script)}`,
    `style-src ${hashSource(style)}`,
    'worker-src blob:',
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types spanseal-worker',
  ].join('; ')
  const notices = noticesOf(['@noble/hashes', '@noble/curves', 'buffer', 'base64-js', 'ieee754'])
  const parts: Readonly<Record<string, string>> = {
    LICENCE: `${LICENCE}\n\nIn it, besides:\n\n${notices}`,
    POLICY: policy,
    VERSION: version,
    STYLE: style,
    SCRIPT: script,
  }
  const page = readFileSync(join(folder, 'src/page/page.html'), 'utf8')
  // Once, and by a function: the parts may hold what looks like a place, or like `$&`.
  return page.replace(
    /\/\* @(\w+)@ \*\/|@([A-Z]+)@/g,
    (_, code: string, text: string) => parts[code ?? text] ?? '',
  )
}

put('verify.mjs', await makeProgram())
put('verify.html', await makePage())
