// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runCommand } from '../services/run-command.ts'
import { leaksIn } from './leaks.ts'
import { secrets } from './planted-secrets.ts'
import { openReceiver } from './raw-otlp-receiver.ts'
import { writtenIn } from './written-files.ts'

const receiver = await openReceiver()

test('an agent started with --import prints nothing secret, with all of diag on its console', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-privacy-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const token = `Bearer ${secrets[0]?.find}`
  const agent = join(import.meta.dirname, 'agent.fixture.ts')
  const args = ['--conditions=spanseal-source', '--import', '@spanseal/otel/register', agent]
  const { stdout, stderr } = await runCommand(process.execPath, args, {
    cwd: import.meta.dirname,
    env: {
      NODE_OPTIONS: '',
      SPANSEAL_JOURNAL: join(folder, 'journal'),
      OTEL_SERVICE_NAME: 'canary-agent',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(token)}`,
    },
  })
  expect(stdout).toContain('"recordsFailed":0')
  expect(stdout).toContain('items to be sent')
  const requests = receiver.taken()
  expect(requests.length).toBeGreaterThan(0)
  const printed = { name: 'console', text: `${stdout}\n${stderr}` }
  const sent = requests.map((request) => {
    const { authorization, ...headers } = request.headers
    expect(authorization).toBe(token)
    return { ...request, headers }
  })
  const { lines, others } = writtenIn(folder)
  expect(lines.length).toBeGreaterThan(50)
  expect(leaksIn({ lines, requests: sent, others: [...others, printed] })).toEqual([])
})
