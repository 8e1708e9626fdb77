// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Inspected, RunningAgent } from './crash.fixture.ts'
import { aJournal, faultsOf, inspect, startProgram, unansweredOf } from './crash.fixture.ts'
import type { Ending, EndingOrders } from './ending-agent.fixture.ts'

const AGENT = join(import.meta.dirname, 'ending-agent.fixture.ts')
const LOG = 'localhost/ending'
/** Several processes start at once on a machine that has other work. */
const PATIENCE = { timeout: 60_000, interval: 10 }

function start(orders: EndingOrders): RunningAgent {
  return startProgram(AGENT, orders)
}

/** What an agent told: calls that were under way, and calls that had returned. */
function toldBy(agent: RunningAgent): { readonly ran: number; readonly done: number } {
  const lines = agent.acknowledged()
  const count = (what: string): number => lines.filter((line) => line.startsWith(what)).length
  return { ran: count('ran '), done: count('done ') }
}

/** Starts the agent once more, which observes the dead epochs, and verifies everything. */
async function found(journal: string): Promise<Inspected> {
  const next = await start({ journal, ending: 'shutdown', calls: 0 }).ended
  expect(next).toEqual({ code: 0, signal: null, stderr: '' })
  return inspect(journal, { log: LOG })
}

function expectWhole(inspected: Inspected, told: { ran: number; done: number }): void {
  const { records, verdict } = inspected
  const count = (type: string): number =>
    [...records.values()].filter((record) => record.type === type).length
  expect(faultsOf(inspected)).toEqual([])
  expect(verdict).toMatchObject({ ok: true, level: 2 })
  // Each intent is written before its tool runs, each outcome before the call returns.
  expect(count('tool.start')).toBe(told.ran)
  expect(count('tool.end')).toBeGreaterThanOrEqual(told.done)
  const { named, there } = unansweredOf(inspected)
  expect(named).toEqual(there)
  expect(count('tool.start') - count('tool.end')).toBe(there.length)
}

interface Case {
  readonly ending: Ending
  readonly code: number | null
  readonly signal?: string
  /** Epochs that end without `epoch.close`. */
  readonly crashed: number
  /** Calls that never settled. */
  readonly unanswered: number
}

const CASES: readonly Case[] = [
  { ending: 'returns', code: 0, crashed: 1, unanswered: 0 },
  { ending: 'shutdown', code: 0, crashed: 0, unanswered: 0 },
  { ending: 'exit in a tool', code: 3, crashed: 1, unanswered: 1 },
  { ending: 'abort in a tool', code: null, signal: 'SIGABRT', crashed: 1, unanswered: 1 },
  { ending: 'uncaught exception', code: 1, crashed: 1, unanswered: 1 },
  { ending: 'unhandled rejection', code: 1, crashed: 1, unanswered: 1 },
]

test.each(CASES)(
  'an agent that ends by "$ending" leaves every intent and every outcome',
  async ({ ending, code, signal = null, crashed, unanswered }) => {
    const journal = aJournal()
    const agent = start({ journal, ending })
    expect(await agent.ended).toMatchObject({ code, signal })
    const told = toldBy(agent)
    expect(told.done).toBe(20)
    const inspected = await found(journal)
    expectWhole(inspected, told)
    expect(inspected.verdict.ends.crashed).toBe(crashed)
    expect(unansweredOf(inspected).there).toHaveLength(unanswered)
  },
)

const SIGNALS: readonly [Ending, NodeJS.Signals, number][] = [
  ['waits', 'SIGTERM', 1],
  ['waits', 'SIGINT', 1],
  ['waits', 'SIGKILL', 1],
  ['waits, shuts down on SIGTERM', 'SIGTERM', 0],
]

test.each(SIGNALS)(
  'an agent that %s in a call and gets %s leaves every intent',
  async (ending, signal, crashed) => {
    const journal = aJournal()
    const agent = start({ journal, ending })
    await expect.poll(() => toldBy(agent).ran, PATIENCE).toBe(21)
    agent.process.kill(signal)
    const end = await agent.ended
    expect(end).toMatchObject(crashed === 1 ? { signal } : { code: 0, signal: null })
    const inspected = await found(journal)
    expectWhole(inspected, toldBy(agent))
    expect(inspected.verdict.ends.crashed).toBe(crashed)
    expect(unansweredOf(inspected).there).toHaveLength(1)
  },
)

test.each<[Ending, number]>([
  ['cluster', 2],
  ['fork', 2],
  ['worker threads', 1],
])('agents under %s that end each in its own way share one journal', async (ending, unanswered) => {
  const journal = aJournal()
  const agent = start({ journal, ending })
  expect(await agent.ended).toMatchObject({ signal: null })
  const told = toldBy(agent)
  expect(told.done).toBe(60)
  const inspected = await found(journal)
  expectWhole(inspected, told)
  expect(unansweredOf(inspected).there).toHaveLength(unanswered)
})

test('two agents on one folder, one of them killed, harm each other in nothing', async () => {
  const journal = aJournal()
  const [killed, other] = [start({ journal, ending: 'waits' }), start({ journal, ending: 'waits' })]
  const ran = (): number => toldBy(killed).ran + toldBy(other).ran
  await expect.poll(ran, PATIENCE).toBe(42)
  killed.process.kill('SIGKILL')
  await killed.ended
  const third = start({ journal, ending: 'shutdown' })
  expect(await third.ended).toMatchObject({ code: 0 })
  other.process.kill('SIGTERM')
  await other.ended
  const inspected = await found(journal)
  expectWhole(inspected, { ran: 62, done: 60 })
})
