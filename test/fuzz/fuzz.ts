// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import { Coverage } from './coverage.ts'
import { mutated, randomFrom } from './mutate.ts'

/** A parser, and inputs that it takes. */
export interface Target {
  readonly name: string
  readonly seeds: readonly Buffer[]
  /** Of the runs, for what costs more than others; default 1. */
  readonly share?: number
  /**
   * Parses. Returns the bytes that the value is written as, where it has one form only, which then
   * has to be the input; throws AuditError.
   */
  readonly run: (input: Buffer) => Written | Promise<Written>
}

/** Undefined: refused without an error; `any`: a value that has more than one form. */
export type Written = Buffer | 'any' | undefined

export interface FuzzReport {
  readonly name: string
  readonly runs: number
  readonly accepted: number
  /** By code; `''` for what is refused without an error. */
  readonly refused: Readonly<Record<string, number>>
  /** Inputs that took a new way. */
  readonly kept: number
  readonly ways: number
}

/** Of inputs that took a new way; later ones push out earlier ones, never the seeds. */
const CORPUS_MAX = 300

/** Feeds a parser with mutants of its seeds, and those that took a new way with mutants of theirs. */
export async function fuzz(target: Target, runs: number): Promise<FuzzReport> {
  const coverage = new Coverage()
  try {
    return await feed(target, Math.ceil(runs * (target.share ?? 1)), coverage)
  } finally {
    coverage.close()
  }
}

/** Inputs for each look at the coverage, which costs more than most parsers. */
const BATCH = 16

async function feed(target: Target, runs: number, coverage: Coverage): Promise<FuzzReport> {
  const random = randomFrom(target.name.length * 7919 + runs)
  const { seeds } = target
  const corpus = [...seeds]
  const refused: Record<string, number> = {}
  let accepted = 0
  let kept = 0
  for (const seed of seeds) {
    const outcome = await judge(target, seed)
    if (outcome !== 'accepted') throw new Error(`${target.name} refuses ${shown(seed)}: ${outcome}`)
    coverage.isNew('one')
  }
  for (let i = 0; i < runs; i += BATCH) {
    const inputs = Array.from({ length: Math.min(BATCH, runs - i) }, () => mutated(corpus, random))
    for (const input of inputs) {
      const outcome = await judge(target, input)
      if (outcome === 'accepted') accepted++
      else refused[outcome] = (refused[outcome] ?? 0) + 1
    }
    if (!coverage.isNew('many')) continue
    for (const input of inputs) {
      await judge(target, input)
      if (!coverage.isNew('one')) continue
      const at = seeds.length + (kept < CORPUS_MAX ? kept : random(CORPUS_MAX))
      corpus[at] = input
      kept++
    }
  }
  return { name: target.name, runs, accepted, refused, kept, ways: coverage.ways }
}

/** `accepted`, or the code with which it is refused. */
async function judge({ name, run }: Target, input: Buffer): Promise<string> {
  const before = Buffer.from(input)
  let written: Written
  try {
    written = await run(input)
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw new Error(`${name} throws ${String(error)} for ${shown(before)}`, { cause: error })
  }
  if (!before.equals(input)) throw new Error(`${name} changes its input ${shown(before)}`)
  if (written === undefined) return ''
  if (written !== 'any' && !written.equals(input)) {
    throw new Error(`${name} takes ${shown(input)} for ${shown(written)}`)
  }
  return 'accepted'
}

/** Short inputs whole, so that they can be pasted into a test. */
function shown(input: Buffer): string {
  const text = input.length <= 3000 ? input : input.subarray(0, 3000)
  return `${input.length} bytes: ${text.toString('base64')}`
}

/** What the fuzzing came to, one line a target. */
export function reportLines(reports: readonly FuzzReport[]): string {
  const line = ({ name, accepted, refused, kept, ways }: FuzzReport): string => {
    const codes = Object.entries(refused).map(([code, count]) => `${code || 'no value'} ${count}`)
    const counts = [`accepted ${accepted}`, ...codes].join(', ')
    return `${name.padEnd(36)} ${String(ways).padStart(5)} ways, ${String(kept).padStart(3)} kept; ${counts}\n`
  }
  return reports.map(line).join('')
}
