// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { run } from '../../packages/cli/src/program.ts'

/** Calls by which a disk changes. */
const SYNC = [
  'appendFileSync',
  'fdatasyncSync',
  'fsyncSync',
  'linkSync',
  'mkdirSync',
  'openSync',
  'renameSync',
  'rmSync',
  'writeFileSync',
  'writeSync',
] as const
const ASYNC = ['link', 'mkdir', 'open', 'rename', 'rm'] as const

type Call = (...args: unknown[]) => unknown

/** Runs the command, and kills this process in front of the n-th call that changes the disk. */
const [killAt = '0', ...args] = process.argv.slice(2)
let calls = 0

function counted(owner: Record<string, unknown>, name: string): void {
  const real = owner[name] as Call
  owner[name] = function killing(this: unknown, ...given: unknown[]): unknown {
    calls++
    if (calls === Number(killAt)) process.kill(process.pid, 'SIGKILL')
    return real.apply(this, given)
  }
}

for (const name of SYNC) counted(fs as unknown as Record<string, unknown>, name)
for (const name of ASYNC) counted(fs.promises as unknown as Record<string, unknown>, name)
syncBuiltinESMExports()
process.exitCode = await run(args)
