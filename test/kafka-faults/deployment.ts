// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import type { FSWatcher } from 'node:fs'
import { closeSync, mkdirSync, openSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import type { JournalStatus } from '@spanseal/journal'
import { journalStatus } from '@spanseal/journal'
import { guardProcess, releaseProcess } from '../services/guard.ts'
import type { Progress } from './fault-run.ts'
import { until } from './until.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const AGENT = join(import.meta.dirname, 'soak-agent.ts')
const COMMAND = join(ROOT, 'packages', 'cli', 'src', 'main.ts')
const EPOCH_RECORDS_MAX = 20_000
const SINK = 'kafka'

/** The processes of a deployment: agents, and the shipper beside them, each replaced when it is killed. */
export class Deployment implements Progress {
  readonly journal: string
  readonly #folder: string
  readonly #ship: readonly string[]
  readonly #watcher: FSWatcher
  /** Monotonic milliseconds of each acknowledgement that was noted, in order. */
  #acknowledgedAt: number[] = [performance.now()]
  #agent: ChildProcess | undefined
  #shipper: ChildProcess | undefined
  #stopping = false
  /** How often a process ended that nobody ended. */
  unexpectedEnds = 0

  /** @param ship options of `spanseal ship` behind the folder */
  constructor(folder: string, ship: readonly string[]) {
    this.#folder = folder
    this.journal = join(folder, 'audit')
    this.#ship = ship
    const cursors = join(this.journal, 'cursors', SINK)
    mkdirSync(cursors, { recursive: true })
    // A cursor is replaced after each batch that Kafka has acknowledged.
    this.#watcher = watch(cursors, (event, name) => {
      if (event === 'rename' && name?.endsWith('.tmp') === false) {
        this.#acknowledgedAt.push(performance.now())
      }
    })
  }

  get silentMillis(): number {
    return performance.now() - (this.#acknowledgedAt.at(-1) as number)
  }

  get status(): JournalStatus {
    return journalStatus(this.journal)
  }

  get liveEpochs(): string[] {
    return this.status.epochs.filter((epoch) => epoch.state === 'live').map(({ epoch }) => epoch)
  }

  /** Two records each. */
  get calls(): number {
    return this.status.totals.produced / 2
  }

  start(): void {
    this.startAgent()
    this.startShipper()
  }

  startAgent(): void {
    this.#agent = this.#start('agent', [AGENT, this.journal, `${EPOCH_RECORDS_MAX}`])
  }

  startShipper(): void {
    const args = ['ship', this.journal, '--name', SINK, '--watch', ...this.#ship]
    this.#shipper = this.#start('shipper', [COMMAND, ...args])
  }

  async killAgent(): Promise<void> {
    await end(this.#agent, 'SIGKILL')
  }

  async killShipper(): Promise<void> {
    await end(this.#shipper, 'SIGKILL')
  }

  async goesOn(records = 500): Promise<void> {
    const enough = acknowledgedBy(this.status) + records
    await until(`${records} more records acknowledged`, () => acknowledgedBy(this.status) >= enough)
  }

  /** The longest time without an acknowledgement since then, and forgets what was before. */
  longestStallMillis(sinceMillis: number): number {
    const times = [...this.#acknowledgedAt, performance.now()]
    let longest = 0
    for (let i = 1; i < times.length; i++) {
      const at = times[i] as number
      if (at > sinceMillis) longest = Math.max(longest, at - (times[i - 1] as number))
    }
    this.#acknowledgedAt = this.#acknowledgedAt.slice(-1)
    return Math.round(longest)
  }

  /** Mebibytes in memory: agents, shipper. */
  memory(): readonly [number, number] {
    return [residentMebibytes(this.#agent), residentMebibytes(this.#shipper)]
  }

  /** Ends the agents and then the shipper in order, and ships what is left. */
  async finish(): Promise<void> {
    this.#stopping = true
    await end(this.#agent, 'SIGTERM')
    await end(this.#shipper, 'SIGTERM')
    this.#watcher.close()
    const rest = this.#start('rest', [COMMAND, 'ship', this.journal, '--name', SINK, ...this.#ship])
    const status = await new Promise((resolve) => rest.once('exit', resolve))
    if (status !== 0) throw new Error(`the rest could not be shipped:\n${this.log('rest')}`)
  }

  /** Whatever the state. */
  kill(): void {
    this.#stopping = true
    this.#watcher.close()
    this.#agent?.kill('SIGKILL')
    this.#shipper?.kill('SIGKILL')
  }

  log(name: 'agent' | 'rest' | 'shipper'): string {
    return readFileSync(join(this.#folder, `${name}.log`), 'utf8')
  }

  #start(name: string, args: readonly string[]): ChildProcess {
    const log = openSync(join(this.#folder, `${name}.log`), 'a')
    const child = spawn(process.execPath, ['--conditions=spanseal-source', ...args], {
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    const { pid } = child
    if (pid !== undefined) guardProcess(pid)
    child.once('exit', (_, signal) => {
      if (pid !== undefined) releaseProcess(pid)
      if (!this.#stopping && signal !== 'SIGKILL') this.unexpectedEnds++
    })
    return child
  }
}

function acknowledgedBy({ totals }: JournalStatus): number {
  return totals.acknowledged[SINK] ?? 0
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await ended
}

function residentMebibytes(child: ChildProcess | undefined): number {
  try {
    const status = readFileSync(`/proc/${child?.pid}/status`, 'utf8')
    return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024)
  } catch {
    return 0
  }
}
