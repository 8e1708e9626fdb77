// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { fork } from 'node:child_process'
import cluster from 'node:cluster'
import { writeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { isMainThread, threadId, Worker, workerData } from 'node:worker_threads'
import type { Audit } from '@spanseal/otel'
import { createAudit } from '@spanseal/otel'

/**
 * An agent that calls a wrapped tool and then ends in one of the ways in which processes end. On
 * standard output, synchronously: `ran <who> <n>` from inside the tool, when its intent must be in the
 * journal, and `done <who> <n>` when the wrapped call has returned, and its outcome must be.
 *
 * Run as `node ending-agent.fixture.ts <orders as JSON>`, see {@link EndingOrders}.
 */

export interface EndingOrders {
  readonly journal: string
  readonly ending: Ending
  /** Calls before the one in which it ends; default 20. */
  readonly calls?: number
}

/** How the agent ends, in the middle of a call but for `returns` and `shutdown`. */
export type Ending =
  | 'returns'
  | 'shutdown'
  | 'exit in a tool'
  | 'abort in a tool'
  | 'uncaught exception'
  | 'unhandled rejection'
  | 'waits'
  | 'waits, shuts down on SIGTERM'
  | 'worker threads'
  | 'cluster'
  | 'fork'

const CALLS = 20
const LAST_CALL = new RegExp(`^ran \\S+ ${CALLS}$`, 'm')

interface Told {
  readonly who: string
  readonly n: number
}

function tell(what: 'ran' | 'done', { who, n }: Told): void {
  writeSync(1, `${what} ${who} ${n}\n`)
}

async function work(audit: Audit, who: string, calls: number): Promise<void> {
  const tool = audit.tool({ name: 'work', risk: 'write', async: true }, async (n: number) => {
    tell('ran', { who, n })
    await setImmediate()
    return n
  })
  for (let n = 0; n < calls; n++) {
    await tool(n)
    tell('done', { who, n })
  }
}

const ends: Readonly<Record<string, () => unknown>> = {
  'exit in a tool': () => process.exit(3),
  'abort in a tool': () => process.abort(),
  'uncaught exception': () => {
    queueMicrotask(() => {
      throw new Error('nobody catches this')
    })
    return new Promise(() => {})
  },
  'unhandled rejection': () => {
    void Promise.reject(new Error('nobody handles this'))
    return new Promise(() => {})
  },
  waits: () => new Promise((resolve) => setTimeout(resolve, 600_000)),
}

async function runAlone({ calls = CALLS, ending, journal }: EndingOrders): Promise<void> {
  const audit = createAudit({ service: { name: 'ending' }, journal })
  const who = `${process.pid}-${threadId}`
  await work(audit, who, calls)
  if (ending === 'returns') return
  if (ending === 'shutdown') {
    await audit.shutdown()
    // A cluster's worker does not end before it is told to.
    cluster.worker?.disconnect()
    return
  }
  if (ending === 'waits, shuts down on SIGTERM') {
    process.once('SIGTERM', () => void audit.shutdown().then(() => process.exit(0)))
  }
  const end = ends[ending] ?? ends['waits']
  const last = audit.tool({ name: 'work', risk: 'write' }, () => {
    tell('ran', { who, n: calls })
    return end?.()
  })
  await last()
}

/** Of three children, one is killed, one ends in a call and one shuts down. */
const CHILD_ENDINGS: readonly Ending[] = ['waits', 'exit in a tool', 'shutdown']

function runCluster(orders: EndingOrders): void {
  for (const ending of CHILD_ENDINGS) {
    cluster.setupPrimary({ args: [JSON.stringify({ ...orders, ending })], silent: true })
    const { process: child } = cluster.fork()
    passOn(child.stdout, () => ending === 'waits' && child.kill('SIGKILL'))
  }
}

function runForks(orders: EndingOrders): void {
  for (const ending of CHILD_ENDINGS) {
    const args = [JSON.stringify({ ...orders, ending })]
    const child = fork(import.meta.filename, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    passOn(child.stdout, () => ending === 'waits' && child.kill('SIGKILL'))
  }
}

/** Hands on whole lines; `inLastCall` is called once the last call is under way. */
function passOn(stdout: NodeJS.ReadableStream | null, inLastCall: () => unknown): void {
  let rest = ''
  stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    rest += chunk
    const end = rest.lastIndexOf('\n') + 1
    const whole = rest.slice(0, end)
    rest = rest.slice(end)
    writeSync(1, whole)
    if (LAST_CALL.test(whole)) inLastCall()
  })
}

function runThreads(orders: EndingOrders): void {
  for (const ending of ['returns', 'shutdown', 'uncaught exception'] as const) {
    const worker = new Worker(import.meta.filename, { workerData: { ...orders, ending } })
    // The one that fails must not take the others along.
    worker.on('error', () => {})
  }
}

const orders = (isMainThread ? JSON.parse(process.argv[2] ?? '{}') : workerData) as EndingOrders
if (orders.ending === 'cluster' && cluster.isPrimary) runCluster(orders)
else if (orders.ending === 'fork') runForks(orders)
else if (orders.ending === 'worker threads') runThreads(orders)
else await runAlone(orders)
