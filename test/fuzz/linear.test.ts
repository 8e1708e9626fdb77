// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { bytesTargets } from './bytes-targets.ts'
import type { Target, Written } from './fuzz.ts'
import { HOSTILE_SHAPES } from './hostile-shapes.ts'
import { readSamples } from './samples.ts'
import { textTargets } from './text-targets.ts'

/**
 * What a parser costs grows with the input at most as the input does, whatever that looks like. Not a
 * time but an exponent is asserted: that of the processor time between two sizes. Twice the input may cost
 * 2^1.5 times as much; what is quadratic costs four times.
 */
const EXPONENT_MAX = 1.5
const SMALL_BYTES = 8_192
const FACTOR = 8
/** Enough to be told from the clock's steps and from what else the machine does. */
const SAMPLE_MICROS = process.env['SLOW'] === '1' ? 40_000 : 4_000
/** A measurement that is too high is taken again: noise adds, it never takes away. */
const ATTEMPTS = 5

/** Microseconds of processor time for one run. */
async function costOf({ run }: Target, input: Buffer): Promise<number> {
  const start = process.cpuUsage()
  for (let runs = 1; ; runs++) {
    try {
      await run(input)
    } catch {
      // What it throws is asserted elsewhere.
    }
    const { user, system } = process.cpuUsage(start)
    if (user + system >= SAMPLE_MICROS) return (user + system) / runs
  }
}

async function exponentOf(target: Target, shape: (length: number) => Buffer): Promise<number> {
  const [small, large] = [shape(SMALL_BYTES), shape(SMALL_BYTES * FACTOR)]
  // Code that is not compiled yet makes the first input look dear, and so the second cheap.
  await costOf(target, small)
  let least = Infinity
  for (let attempt = 0; attempt < ATTEMPTS && least > EXPONENT_MAX; attempt++) {
    const [before, after] = [await costOf(target, small), await costOf(target, large)]
    least = Math.min(least, Math.log(after / before) / Math.log(FACTOR))
  }
  return least
}

it('what is quadratic shows', async () => {
  const run = (input: Buffer): Written => {
    let sum = 0
    for (let i = 0; i < input.length; i += 16) {
      for (let j = 0; j < i; j += 16) sum += input[j] as number
    }
    return sum < 0 ? undefined : 'any'
  }
  const target = { name: 'careless', seeds: [], run }
  // The least of several is asked for, and noise in the smaller size makes that less still.
  const seen: number[] = []
  for (let round = 0; round < ATTEMPTS; round++) {
    seen.push(await exponentOf(target, (length) => Buffer.alloc(length)))
  }
  expect(Math.max(...seen)).toBeGreaterThan(EXPONENT_MAX)
})

const samples = await readSamples()

it.each([...textTargets(samples), ...bytesTargets(samples)])(
  '$name: costs no more than in proportion to the input',
  async (target) => {
    const seed = target.seeds[0] as Buffer
    const steep: Record<string, number> = {}
    for (const [name, shape] of Object.entries(HOSTILE_SHAPES)) {
      const exponent = await exponentOf(target, (length) => shape(seed, length))
      if (exponent > EXPONENT_MAX) steep[name] = exponent
    }
    expect(steep).toEqual({})
  },
)
