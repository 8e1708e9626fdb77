// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { GapDetail, RecordSink } from '@spanseal/core'
import { AuditError, parseVkey, verify } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import { openKeyring } from '@spanseal/keys'
import { describe, expect, it } from 'vitest'
import type { TestAudit, TestAuditOptions } from './audit.fixture.ts'
import { anAudit } from './audit.fixture.ts'
import type { Failing, FailModeRow } from './fail-modes.fixture.ts'
import { FAIL_MODES, failModesTable } from './fail-modes.fixture.ts'
import { FaultyDisk, TestClock } from './faulty-disk.fixture.ts'
import type { RiskPolicy } from './risk-policies.ts'

/** After a failure the writer tries again after a second of its clock. */
const RETRY_MILLIS = 1_001
const REMOTE_TIMEOUT_MILLIS = 30

/** A sink that acknowledges nothing once it is told to hang. */
function aSink(): RecordSink & { hang: () => void } {
  let hangs = false
  return {
    name: 'far',
    deliver: () => (hangs ? new Promise<void>(() => {}) : Promise.resolve()),
    close: () => Promise.resolve(),
    hang: () => {
      hangs = true
    },
  }
}

type GapTypes = GapDetail['types']

interface Scene extends TestAudit {
  readonly disk: FaultyDisk
  readonly clock: TestClock
  /** Everything fails that this row is about; what records were lost on the way there. */
  readonly breakIt: () => GapTypes
  /** Nothing fails any more, and the time is over after which the writer tries again. */
  readonly mend: () => void
}

/** An audit whose tools of risk `write` have this policy, on a disk and with a sink that can fail. */
function aScene(fails: Failing, policy: RiskPolicy, more: TestAuditOptions = {}): Scene {
  const disk = new FaultyDisk()
  const clock = new TestClock()
  const sink = aSink()
  const isRemote = fails === 'acknowledgement'
  const test = anAudit({
    fs: disk.fs,
    now: clock.now,
    monoNanos: clock.monoNanos,
    risks: { write: { ...policy, durability: isRemote ? 'remote' : 'group' } },
    sinks: isRemote ? [sink] : [],
    remoteTimeoutMillis: REMOTE_TIMEOUT_MILLIS,
    shutdownTimeoutMillis: 50,
    ...more,
  })
  const breakIt = (): GapTypes => {
    if (fails === 'budget') return fill(test, disk)
    if (fails === 'acknowledgement') sink.hang()
    else if (fails === 'sync') disk.fail('sync', 'EIO')
    else if (fails === 'append') disk.fail('write', 'ENOSPC')
    else {
      disk.fail('write', 'EIO', 1)
      disk.fail('open', 'EACCES')
    }
    return {}
  }
  const mend = (): void => {
    disk.mend()
    clock.pass(RETRY_MILLIS)
  }
  return { ...test, disk, clock, breakIt, mend }
}

/** Uses up what the writer still thinks that there is. */
function fill({ audit, ofType }: TestAudit, disk: FaultyDisk): GapTypes {
  disk.freeBytes = 0
  const tool = audit.tool({ name: 'filler' }, () => 1)
  while (audit.health().journal.recordsFailed === 0) tool()
  const starts = ofType('tool.start').length
  return starts > ofType('tool.end').length ? { 'tool.end': 1 } : { 'tool.start': 1 }
}

/** The kinds of tools; each says whether its body ran. */
const KINDS = {
  async: (audit, ran) => audit.tool({ name: 'probe', risk: 'write' }, async () => ran()),
  'async, in a task': (audit, ran) => {
    const tool = audit.tool({ name: 'probe', risk: 'write' }, async () => ran())
    return () => audit.task({ name: 't', id: 'task-1' }, () => tool())
  },
  sync: (audit, ran) => () =>
    audit.call({ tool: audit.registerTool({ name: 'probe', risk: 'write' }), args: [] }, ran),
  generator: (audit, ran) => {
    const tool = audit.registerTool({ name: 'probe', risk: 'write' })
    return () => {
      const items = audit.call({ tool, args: [] }, function* () {
        yield ran()
      })
      return [...items][0]
    }
  },
  stream: (audit, ran) => {
    const tool = audit.tool({ name: 'probe', risk: 'write' }, async () => Readable.from([ran()]))
    return async () => {
      for await (const chunk of await tool()) return chunk as unknown
      return undefined
    }
  },
} satisfies Record<string, (audit: TestAudit['audit'], ran: () => number) => () => unknown>

const cases = FAIL_MODES.flatMap((row) =>
  Object.entries(KINDS)
    // What runs is called in one way, what is refused in as many as there are.
    .filter(([kind]) => !row.runs || kind === 'async' || kind === 'sync')
    .map(([kind, make]) => ({
      row,
      make,
      name: `${row.fails} fails, ${row.mode}, ${kind}: ${row.runs ? 'it runs' : 'it does not run'}`,
    })),
)

describe('the table of fail modes', () => {
  it.each(cases)('$name', async ({ row, make }) => {
    const scene = aScene(row.fails, { failMode: row.mode === 'open' ? 'open' : 'closed' })
    const { audit, breakIt, mend } = scene
    await audit.tool({ name: 'before' }, async () => 1)()
    const glass = row.mode === 'closed, glass broken' && audit.breakGlass({ reason: 'on fire' })
    let bodies = 0
    const call = make(audit, () => ++bodies)
    const lost = breakIt()
    const outcome = await outcomeOf(call)
    expect(bodies).toBe(row.runs ? 1 : 0)
    const refusal = { code: row.error, isClear: true, isCaused: true }
    expect(outcome).toEqual(row.error === undefined ? { value: 1 } : refusal)
    mend()
    if (glass) glass.close()
    await audit.tool({ name: 'after' }, async () => 1)()
    await audit.shutdown()
    expectRecords(scene, row)
    expectGap(scene, row, lost)
    expectPeriod(scene, row)
    expect(audit.health().calls).toMatchObject({ refused: row.runs ? 0 : 1 })
    await expectSound(scene)
  })

  it('is the one that the page shows', () => {
    const page = readFileSync(
      fileURLToPath(new URL('../../../docs/fail-modes.md', import.meta.url)),
      'utf8',
    )
    const shown = /<!-- table of fail modes -->\n\n([^]*?)\n\n<!-- end of table -->/.exec(page)?.[1]
    expect(shown).toBe(failModesTable())
  })
})

/** The value, or what the refusal says and what stands behind it. */
async function outcomeOf(call: () => unknown): Promise<object> {
  try {
    return { value: await call() }
  } catch (error) {
    const { code, message, cause } = error as AuditError
    const isClear = /^tool "probe": did not run, .*audit\.breakGlass\(\)/.test(message)
    return { code, isClear, isCaused: cause instanceof AuditError }
  }
}

/** What the row says stands in the journal, and nothing else of the call. */
function expectRecords({ ofType }: Scene, row: FailModeRow): void {
  const starts = ofType('tool.start').filter(({ tool }) => tool.name === 'probe')
  const ends = ofType('tool.end').filter(({ tool }) => tool.name === 'probe')
  expect(starts).toHaveLength(row.start ? 1 : 0)
  const statuses = ends.map(({ invocation }) => invocation.status)
  expect(statuses).toEqual(row.end === undefined ? [] : [row.end])
  const code = row.end === 'denied' ? 'INTENT_NOT_DURABLE' : undefined
  expect(ends[0]?.invocation.error?.code).toBe(code)
}

/** The gap of the row is the first record behind what the writer itself says of an epoch. */
function expectGap({ ofType, records }: Scene, { gap, fails }: FailModeRow, lost: GapTypes): void {
  const all = records()
  const said = ofType('gap').map(({ detail, chain: { epoch, seq } }) => {
    const { 'task.start': _start, 'task.end': _end, ...types } = detail.types
    const { refused, reason } = detail
    const before = all.find(({ chain }) => chain.epoch === epoch && chain.seq === seq - 1)?.type
    // Of a full journal the epoch goes on.
    const isFirst = fails === 'budget' || before === 'epoch.open' || before === 'epoch.observed'
    const isSum = Object.values(detail.types).reduce((sum, n) => sum + n, 0) === detail.records
    return { reason, refused, types, isFirst, isSum }
  })
  const { reason, refused } = gap ?? {}
  const types = inSum(gap?.types ?? {}, lost)
  const expected = { reason, refused, types, isFirst: true, isSum: true }
  expect(said).toEqual(gap === undefined ? [] : [expected])
  const places = all.flatMap(({ type }, i) => (type === 'gap' ? [i] : []))
  const after = all.findIndex((r) => r.type === 'tool.start' && r.tool.name === 'after')
  expect(places.every((place) => place < after)).toBe(true)
}

function inSum(some: GapTypes, others: GapTypes): GapTypes {
  const sum = { ...some }
  for (const [type, count] of Object.entries(others) as [keyof GapTypes, number][]) {
    sum[type] = (sum[type] ?? 0) + count
  }
  return sum
}

function expectPeriod({ ofType }: Scene, { mode }: FailModeRow): void {
  const opened = ofType('breakglass.open').map(({ detail }) => detail)
  const closed = ofType('breakglass.close').map(({ detail }) => detail)
  expect(opened.length).toBe(mode === 'closed, glass broken' ? 1 : 0)
  expect(closed).toEqual(opened.map(({ id }) => ({ id, calls: 1, reason: 'closed' })))
}

/** Whatever failed, a verifier finds no fault in the journal. */
async function expectSound({ journal }: Scene): Promise<void> {
  const keys = openKeyring({ log: 'localhost/support-agent', journal }).issuerVkeys()
  const verdict = await verify(readJournal(journal), {
    keys: keys.map(({ vkey }) => parseVkey(vkey)),
  })
  expect(verdict.findings.filter(({ kind }) => kind === 'fault')).toEqual([])
  expect(verdict.ok).toBe(true)
}
