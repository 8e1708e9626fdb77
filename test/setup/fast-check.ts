// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { configureGlobal } from 'fast-check'
import { inCi } from '../in-ci.ts'

const SLOW = process.env['SLOW'] === '1'
const CI_SEED = 20_261_121

/**
 * Vitest setup file: few runs by default, many with SLOW=1. CI asks whether a change broke something,
 * with the same input every time; the search for new faults is everybody else's runs and SLOW=1.
 */
configureGlobal({
  numRuns: SLOW ? 10_000 : 200,
  ...(inCi && !SLOW ? { seed: CI_SEED } : {}),
})
