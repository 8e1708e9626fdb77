// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import type { AgentSettings } from './acking-agent.fixture.ts'
import {
  aJournal,
  faultsOf,
  inspect,
  lostOf,
  reopen,
  startAgent,
  unansweredOf,
} from './crash.fixture.ts'

const SLOW = process.env['SLOW'] === '1'

/** Records after which an agent that rolls begins another epoch. */
const ROLL = 50

/** Repeatable pauses: the n-th kill comes at another moment than the one before. */
function* pauses(): Generator<number> {
  let state = 20_261_121
  for (;;) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    yield 1 + (state % 60)
  }
}

test.each<[string, Partial<AgentSettings>]>([
  ['appends', {}],
  ['long appends', { padding: 4_000, options: { segmentBytesMax: 100_000 } }],
  ['rolls', { options: { epochRecordsMax: ROLL, segmentBytesMax: 10_000 } }],
  ['awaits syncs', { synced: true, options: { durability: 'group', checkpointRecords: 10 } }],
])(
  'a process that %s and is killed at any moment loses no acknowledged record',
  async (_, more) => {
    const journal = aJournal()
    const pause = pauses()
    const rounds = SLOW ? 250 : 13
    const rolls = more.options?.epochRecordsMax !== undefined
    const acknowledged: string[] = []
    for (let round = 0; round < rounds; round++) {
      const agent = startAgent({ journal, ...more })
      // However slow the machine is, one that rolls has begun its second epoch.
      await vi.waitFor(
        () => expect(agent.acknowledged().length).toBeGreaterThan(rolls ? 1.2 * ROLL : 0),
        { timeout: 60_000, interval: 1 },
      )
      await new Promise((resolve) => setTimeout(resolve, pause.next().value as number))
      agent.process.kill('SIGKILL')
      expect(await agent.ended).toMatchObject({ signal: 'SIGKILL', stderr: '' })
      acknowledged.push(...agent.acknowledged())
    }
    reopen(journal)
    const found = await inspect(journal)
    expect(acknowledged.length).toBeGreaterThan(rounds)
    expect(lostOf(found, acknowledged)).toEqual([])
    expect(faultsOf(found)).toEqual([])
    expect(found.verdict).toMatchObject({ ok: true, level: 2, signed: true })
    const { named, there } = unansweredOf(found)
    expect(named).toEqual(there)
    const { closed, crashed } = found.verdict.ends
    // While it rolls, every kill may also fall between two epochs.
    expect(rolls ? closed >= rounds : crashed === rounds).toBe(true)
  },
)

test('killed in each of its calls to the file system, a writer loses nothing', async () => {
  const settings = { calls: 4, options: { epochRecordsMax: 7, segmentBytesMax: 2_000 } }
  const stepMax = SLOW ? 1 : 7
  let at = 1
  let survived = false
  // Ends with the first that is never reached: then every call was the last one once.
  for (; !survived; at += stepMax) {
    const journal = aJournal()
    const agent = startAgent({ journal, ...settings, dieAtCall: at })
    const { signal, stderr } = await agent.ended
    survived = signal === null
    expect(stderr).toBe('')
    reopen(journal)
    const found = await inspect(journal)
    expect([at, lostOf(found, agent.acknowledged())]).toEqual([at, []])
    expect([at, faultsOf(found)]).toEqual([at, []])
    rmSync(journal, { recursive: true })
  }
  expect(at).toBeGreaterThan(50)
})

const strace = spawnSync('strace', ['-f', '-e', 'inject=write:error=EIO:when=9999', 'true'])
const noStrace = strace.status === 0 ? '' : ' (skipped: no strace, or ptrace is not allowed)'

test.skipIf(noStrace !== '')(
  `killed by the kernel at its n-th write, a writer loses nothing${noStrace}`,
  async () => {
    const writes = SLOW ? Array.from({ length: 80 }, (_, i) => i + 1) : [3, 9, 17, 26, 38]
    for (const write of writes) {
      const journal = aJournal()
      const inject = [
        '-f',
        '-qq',
        '-e',
        'trace=write,pwrite64',
        '-e',
        `inject=write,pwrite64:signal=SIGKILL:when=${write}`,
      ]
      const agent = startAgent({ journal, calls: 20 }, ['strace', '-o', '/dev/null', ...inject])
      await agent.ended
      const acknowledged = agent.acknowledged()
      reopen(journal)
      const found = await inspect(journal)
      expect([write, lostOf(found, acknowledged)]).toEqual([write, []])
      expect([write, faultsOf(found)]).toEqual([write, []])
    }
  },
)

test.skipIf(noStrace !== '')(
  `a write or a sync that the kernel refuses is no acknowledged record${noStrace}`,
  async () => {
    const faults = [
      'fdatasync:error=EIO:when=4',
      'fdatasync:error=EIO:when=7+',
      'write:error=ENOSPC:when=9',
    ]
    for (const fault of faults) {
      const journal = aJournal()
      const wrapper = [
        'strace',
        '-o',
        '/dev/null',
        '-f',
        '-qq',
        '-e',
        'trace=write,fdatasync',
        '-e',
        `inject=${fault}`,
      ]
      const settings = {
        journal,
        calls: 20,
        options: { durability: 'every', retryMillis: 1 },
      } as const
      const agent = startAgent(settings, wrapper)
      await agent.ended
      reopen(journal)
      const found = await inspect(journal)
      expect([fault, lostOf(found, agent.acknowledged())]).toEqual([fault, []])
      expect([fault, faultsOf(found)]).toEqual([fault, []])
    }
  },
)

test('a process that ends without closing loses nothing, and is not kept alive', async () => {
  const journal = aJournal()
  const startedAt = performance.now()
  const agent = startAgent({ journal, calls: 10, close: false })
  expect(await agent.ended).toEqual({ code: 0, signal: null, stderr: '' })
  // What keeps it alive would do so for ever: its timers are intervals.
  expect(performance.now() - startedAt).toBeLessThan(100_000)
  reopen(journal)
  const found = await inspect(journal)
  expect(lostOf(found, agent.acknowledged())).toEqual([])
  expect(agent.acknowledged()).toHaveLength(20)
  expect(faultsOf(found)).toEqual([])
})
