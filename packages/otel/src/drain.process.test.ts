// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { AuditRecord } from '@spanseal/core'
import { expect, it, onTestFinished } from 'vitest'
import { aFolder, ofType, readRecords } from './audit.fixture.ts'

it('a function that is frozen after each of 100 invocations has left nothing behind, ever', async () => {
  const folder = aFolder()
  const journal = join(folder, 'audit')
  const shipped = join(folder, 'shipped.jsonl')
  const child = spawn(
    process.execPath,
    [
      '--conditions=spanseal-source',
      '--input-type=module',
      '--eval',
      functionProgram(journal, shipped),
    ],
    { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: ['pipe', 'pipe', 'inherit'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const shippedCalls = (): number => {
    const lines = readFileSync(shipped, 'utf8').split('\n').slice(0, -1)
    return ofType(
      lines.map((line) => JSON.parse(line) as AuditRecord),
      'tool.end',
    ).length
  }
  for (let n = 1; n <= 100; n++) {
    child.stdin.write(`${n}\n`)
    const { value } = await answers.next()
    child.kill('SIGSTOP')
    expect([value, shippedCalls()]).toEqual([`${n} {"ok":true,"pending":{}}`, n])
    child.kill('SIGCONT')
  }
  // Killed while frozen, as platforms do.
  child.kill('SIGSTOP')
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
  expect(shippedCalls()).toBe(100)
  expect(ofType(readRecords(journal), 'tool.end')).toHaveLength(100)
}, 120_000)

/** A function's process: one invocation a line, drained before it answers. */
function functionProgram(journal: string, shipped: string): string {
  return `
    import { createInterface } from 'node:readline'
    import { fileSink } from '@spanseal/journal'
    import { register } from '@spanseal/otel'
    const audit = register({
      service: { name: 'function' },
      journal: ${JSON.stringify(journal)},
      sinks: [fileSink({ path: ${JSON.stringify(shipped)} })],
    })
    const work = audit.tool({ name: 'work', risk: 'write' }, async (n) => n)
    for await (const line of createInterface({ input: process.stdin })) {
      await work(Number(line))
      console.log(line, JSON.stringify(await audit.drain()))
    }`
}
