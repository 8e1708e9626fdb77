// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cached } from '../services/cache.ts'
import { runCommand } from '../services/run-command.ts'

/** The verifier in Go that lies beside this file: built once, run as a process. */

const SOURCE = import.meta.dirname

/** What the verifier says; the exit status is 0 when `ok`, else 1. */
export interface GoVerdict {
  readonly ok: boolean
  readonly counts: Readonly<Record<string, number>> | null
  readonly faults: readonly GoFinding[] | null
  readonly notices: readonly GoFinding[] | null
}

interface GoFinding {
  readonly code: string
  readonly at: string
  readonly message: string
}

/** Path of the program, built from the sources as they are now. */
export async function goVerifier(): Promise<string> {
  const sources = readdirSync(SOURCE).filter((name) => /\.go$|^go\.(mod|sum)$/.test(name))
  const inputs = [
    `${process.platform}-${process.arch}`,
    ...sources.toSorted().flatMap((name) => [name, readFileSync(join(SOURCE, name), 'utf8')]),
  ]
  const build = async (folder: string): Promise<void> => {
    const out = join(folder, 'foreign')
    const flags = ['-trimpath', '-buildvcs=false', '-mod=readonly', '-o', out]
    await runCommand('go', ['vet', '.'], { cwd: SOURCE, timeoutMillis: 0 })
    await runCommand('go', ['build', ...flags, '.'], { cwd: SOURCE, timeoutMillis: 0 })
  }
  return join(await cached({ name: 'foreign', inputs, build }), 'foreign')
}

/** Runs the verifier; throws where it could not give a verdict (exit status 2, or a crash). */
export async function runGo(...args: readonly string[]): Promise<GoVerdict> {
  const program = await goVerifier()
  return new Promise((resolve, reject) => {
    const options = { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 }
    execFile(program, args, options, (error, stdout, stderr) => {
      const status = error === null ? 0 : error.code
      if (status !== 0 && status !== 1) return reject(new Error(stderr, { cause: error }))
      const verdict = JSON.parse(stdout) as GoVerdict
      if (verdict.ok !== (status === 0)) return reject(new Error(`exit ${status}: ${stdout}`))
      resolve(verdict)
    })
  })
}

/** `--key a --key b`. */
export function options(name: string, values: readonly string[]): string[] {
  return values.flatMap((value) => [`--${name}`, value])
}

/** The codes of the faults, each once. */
export function codesOf({ faults }: GoVerdict): string[] {
  return [...new Set((faults ?? []).map(({ code }) => code))].toSorted()
}
