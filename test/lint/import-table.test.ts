// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')

interface ImportRule {
  /** The file that imports, below `packages/`. */
  readonly from: string
  readonly allowed: readonly string[]
  readonly refused: readonly string[]
}

/** "Packages and who may know whom" of ARCHITECTURE.md, written down a second time. */
const table: readonly ImportRule[] = [
  {
    from: 'core/src/planted.ts',
    allowed: ['./hash.ts', './verify/verdict.ts'],
    refused: [
      ...['@spanseal/keys', '@spanseal/journal', '@spanseal/otel', '@spanseal/kafka'],
      ...['@spanseal/cli', '@opentelemetry/api', 'ajv', 'canonicalize', 'kafkajs'],
      ...['node:crypto', 'crypto', 'node:fs', 'node:fs/promises', 'fs', 'node:net', 'node:http'],
    ],
  },
  { from: 'core/src/verify/planted.ts', allowed: ['../hash.ts'], refused: ['node:crypto'] },
  ...['hash', 'hmac', 'ed25519'].map((name) => ({
    from: `core/src/${name}.ts`,
    allowed: ['node:crypto'],
    refused: ['node:fs', 'crypto', '@spanseal/keys'],
  })),
  {
    from: 'keys/src/planted.ts',
    allowed: [
      ...['@spanseal/core', 'node:fs', 'node:crypto', 'node:path', 'node:os'],
      ...['node:child_process', './keyring.ts'],
    ],
    refused: [
      ...['@spanseal/journal', '@spanseal/otel', '@spanseal/kafka', '@spanseal/cli'],
      ...['@spanseal/core/dist/hash.js', '@opentelemetry/api', 'kafkajs', 'node:net', 'lodash'],
      '../../core/src/hash.ts',
    ],
  },
  {
    from: 'journal/src/planted.ts',
    allowed: ['@spanseal/core', 'node:fs', 'node:path', 'node:zlib', './segment.ts'],
    refused: [
      ...['@spanseal/keys', '@spanseal/otel', '@spanseal/kafka', '@spanseal/cli', 'kafkajs'],
      ...['@opentelemetry/api', 'node:crypto', 'node:http', '../../core/src/hash.ts'],
    ],
  },
  {
    from: 'otel/src/planted.ts',
    allowed: [
      ...['@spanseal/core', '@spanseal/journal', '@spanseal/keys', 'node:async_hooks'],
      ...['@opentelemetry/api', '@opentelemetry/sdk-trace-node', './provider.ts'],
    ],
    refused: [
      ...['@spanseal/kafka', '@spanseal/instrumentation-mcp', '@spanseal/cli', 'kafkajs'],
      ...['@modelcontextprotocol/sdk/client/index.js', 'node:crypto', 'crypto', 'lodash'],
    ],
  },
  {
    from: 'instrumentation-mcp/src/planted.ts',
    allowed: [
      ...['@spanseal/otel', '@spanseal/core', '@opentelemetry/api'],
      ...['@modelcontextprotocol/sdk/client/index.js', '@modelcontextprotocol/sdk/types.js'],
    ],
    refused: [
      ...['@spanseal/journal', '@spanseal/keys', '@spanseal/kafka', '@spanseal/cli'],
      ...['@spanseal/instrumentation-ai-sdk', 'kafkajs', 'node:crypto', 'lodash'],
      '@opentelemetry/sdk-trace-node',
    ],
  },
  {
    from: 'kafka/src/planted.ts',
    allowed: ['@spanseal/core', 'kafkajs', 'node:zlib'],
    refused: [
      ...['@spanseal/otel', '@spanseal/journal', '@spanseal/keys', '@spanseal/cli'],
      ...[
        '@spanseal/instrumentation-mcp',
        '@opentelemetry/sdk-trace-node',
        'node:crypto',
        'lodash',
      ],
    ],
  },
  {
    from: 'transparency/src/planted.ts',
    allowed: ['@spanseal/core', 'asn1js', 'pkijs', 'node:fs', './sealer.ts'],
    refused: [
      '@spanseal/kafka',
      ...['@spanseal/journal', '@spanseal/keys', '@spanseal/otel', '@spanseal/cli', 'kafkajs'],
      ...['@spanseal/verifier', '@opentelemetry/api', 'node:crypto', 'lodash'],
      '../../core/src/hash.ts',
    ],
  },
  {
    from: 'verifier/src/planted.ts',
    allowed: [
      '@spanseal/core',
      'node:fs',
      '@noble/hashes/sha2.js',
      'buffer/index.js',
      './examine.ts',
    ],
    refused: [
      ...['@spanseal/transparency', '@spanseal/journal', '@spanseal/kafka', '@spanseal/cli'],
      ...['@opentelemetry/api', 'node:crypto', 'kafkajs', 'lodash', '../../core/src/hash.ts'],
    ],
  },
  {
    from: 'cli/src/planted.ts',
    allowed: [
      ...['@spanseal/core', '@spanseal/journal', '@spanseal/keys', '@spanseal/kafka'],
      ...['@spanseal/transparency', '@spanseal/verifier', 'commander', 'node:fs'],
    ],
    refused: ['@spanseal/otel', '@spanseal/instrumentation-mcp', 'node:crypto', 'lodash'],
  },
]

/** Every way in which a module can come in, one a line. */
function importsOf(specifiers: readonly string[]): string[] {
  return specifiers.flatMap((specifier, i) => [
    `import '${specifier}'`,
    `import { value as value${i} } from '${specifier}'`,
    `import type { Type as Type${i} } from '${specifier}'`,
    `export { value as exported${i} } from '${specifier}'`,
    `await import('${specifier}')`,
  ])
}

interface Diagnostic {
  /** Absent from syntax errors. */
  readonly code?: string
  readonly message: string
  readonly labels: readonly { readonly span: { readonly line: number } }[]
}

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spanseal-lint-'))
  cpSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
})

afterAll(() => rmSync(folder, { recursive: true }))

/** Lines of the planted file that the repository's own configuration refuses as imports. */
function refusedLines(from: string, lines: readonly string[]): number[] {
  const file = join(folder, 'packages', from)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, lines.join('\n'))
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')
  const args = [oxlint, '--format', 'json', file]
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
  if (!stdout.startsWith('{')) throw new Error(`${stdout}${stderr}`)
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: Diagnostic[] }
  rmSync(file)
  const unreadable = diagnostics.find(({ code }) => code === undefined)
  if (unreadable) throw new Error(unreadable.message)
  return diagnostics
    .filter(({ code }) => code?.includes('no-restricted-imports'))
    .map(({ labels }) => labels[0]?.span.line ?? 0)
}

describe('the import table', () => {
  it('covers every package', () => {
    const covered = new Set(table.map(({ from }) => from.split('/')[0]))
    expect(covered).toEqual(new Set(readdirSync(join(root, 'packages'))))
  })

  for (const { from, allowed, refused } of table) {
    it(`refuses in ${from} each forbidden module, however it is imported`, () => {
      const lines = importsOf(refused)
      const seen = new Set(refusedLines(from, lines))
      expect(lines.filter((_, i) => !seen.has(i + 1))).toEqual([])
    })

    it(`lets ${from} import what the table allows`, () => {
      const lines = importsOf(allowed)
      const seen = refusedLines(from, lines)
      expect(seen.map((line) => lines[line - 1])).toEqual([])
    })
  }
})
