// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const LOG = 'example.com/agent'

test('processes that race for the first opening agree on every key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-keys-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const journal = join(folder, 'audit')
  const script = `
    import { openKeyring } from '@spanseal/keys'
    const keyring = openKeyring({ journal: process.argv[1], log: '${LOG}' })
    const parts = [keyring.commitKeys().keys[0].kid, keyring.personRef('alice'), keyring.issuer.vkey]
    process.stdout.write(JSON.stringify([...parts, keyring.fingerprint('x')]))`
  const args = ['--conditions=spanseal-source', '--input-type=module', '-e', script, journal]
  const run = promisify(execFile)
  const runs = await Promise.all(
    Array.from({ length: 6 }, () => run(process.execPath, args, { cwd: import.meta.dirname })),
  )
  expect(new Set(runs.map(({ stdout }) => stdout)).size).toBe(1)
  const files = readdirSync(`${journal}.keys`, { recursive: true, encoding: 'utf8' })
  expect(files.filter((file) => file.endsWith('.tmp'))).toEqual([])
}, 120_000)
