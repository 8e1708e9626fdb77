// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { configureGlobal } from 'fast-check'

/** Vitest setup file of every project with property tests: few runs by default, many with SLOW=1. */
configureGlobal({ numRuns: process.env['SLOW'] === '1' ? 10_000 : 200 })
