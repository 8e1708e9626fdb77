// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT, runNode, spanseal } from '../e2e/run-command.ts'

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''

describe('the example at the top of the README', () => {
  let folder: string

  beforeAll(() => {
    // Below the root, so that the packages are found as in a user's project.
    mkdirSync(join(ROOT, 'out'), { recursive: true })
    folder = mkdtempSync(join(ROOT, 'out/readme-'))
    writeFileSync(join(folder, 'agent.mts'), example)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('has fifteen lines', () => {
    expect(example.trimEnd().split('\n')).toHaveLength(15)
  })

  test('runs as it stands, says nothing, and its journal verifies with the commands shown', async () => {
    expect(await runNode(['agent.mts'], { cwd: folder })).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    })
    const journal = join(folder, 'audit')
    const key = (await spanseal('keys', 'show', '--journal', journal, '--vkey')).stdout.trim()
    const verified = await spanseal('verify', journal, '--key', key, '--json')
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, level: 2 })
    const timeline = await spanseal('timeline', '--last', '--journal', journal)
    expect(timeline.stdout).toContain('refund_order')
    expect(timeline.status).toBe(0)
  })

  test('one changed character in its journal is caught', async () => {
    const journal = join(folder, 'audit')
    const [epoch = ''] = readdirSync(journal).filter((name) => /^[0-9a-f-]{36}$/.test(name))
    const segment = join(journal, epoch, '000000000001.jsonl')
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('refund_order', 'refund_0rder'))
    const verified = await spanseal('verify', journal)
    expect(verified.status).toBe(1)
    expect(verified.stdout).toContain('edited')
  })
})

describe('what the README points to', () => {
  test('every file and folder exists', () => {
    const named = [
      ...readme.matchAll(/`((?:packages|test|examples|spec|vectors|collector-config)\/[^`*{}]*)`/g),
    ]
    const missing = named
      .map(([, path = '']) => path)
      .filter((path) => !existsSync(join(ROOT, path)))
    expect(named.length).toBeGreaterThan(10)
    expect(missing).toEqual([])
  })

  test('the table of packages is complete', () => {
    for (const name of readdirSync(join(ROOT, 'packages')))
      expect(readme).toContain(`\`@spanseal/${name}\``)
  })
})
