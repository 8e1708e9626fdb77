// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * What a call weighs: bytes in the journal, bytes once its segment is compressed, and what that comes
 * to in a day and in seven years. Deterministic in shape, not in content: commitments are random
 * bytes, which no compression makes smaller.
 *
 *   npm run bench -- sizing
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { createAudit } from '@spanseal/otel'

const CALLS = 5_000
const CALLS_A_DAY = 1_000_000
const GIGABYTE = 1e9
const DAYS_IN_SEVEN_YEARS = 7 * 365

/** The wrapped tool of an agent that looks people up and writes what it found. */
async function makeCalls(journal: string): Promise<void> {
  const audit = createAudit({
    service: { name: 'sizing', version: '1.4.2', instance: 'pod-7' },
    journal,
    durability: 'interval',
    retention: { policy: 'ai-act-art-12' },
  })
  const lookUp = audit.tool(
    {
      name: 'customer_lookup',
      version: '2.1.0',
      publisher: 'example.com',
      permissions: ['network:crm', 'data_access:customers'],
      classifications: ['internal'],
    },
    (id: string, fields: readonly string[]) => ({ id, fields, name: `customer ${id}`, open: true }),
  )
  for (let task = 0; task < CALLS / 10; task++) {
    await audit.task({ name: 'answer a question' }, () => {
      for (let n = 0; n < 10; n++) lookUp(`c-${task * 10 + n}`, ['name', 'open', 'history'])
    })
  }
  await audit.shutdown()
}

const folder = mkdtempSync(join(tmpdir(), 'spanseal-sizing-'))
try {
  const journal = join(folder, 'audit')
  await makeCalls(journal)
  const segments = readdirSync(journal, { recursive: true, withFileTypes: true })
    .filter(({ name }) => name.endsWith('.jsonl'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
  const bytes = segments.reduce((sum, segment) => sum + segment.length, 0)
  const compressed = segments.reduce((sum, segment) => sum + zstdCompressSync(segment).length, 0)
  const row = (what: string, total: number): string => {
    const aCall = total / CALLS
    const day = (aCall * CALLS_A_DAY) / GIGABYTE
    const years = (day * DAYS_IN_SEVEN_YEARS) / 1_000
    return `${what}: ${Math.round(aCall)} B a call, ${day.toFixed(2)} GB for ${CALLS_A_DAY.toLocaleString('en-US')} calls a day, ${years.toFixed(2)} TB in seven years\n`
  }
  process.stdout.write(
    `${CALLS.toLocaleString('en-US')} calls in ${CALLS / 10} tasks, task records and checkpoints' epochs included\n` +
      row('as written', bytes) +
      row('compressed (zstd, level 3)', compressed),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
