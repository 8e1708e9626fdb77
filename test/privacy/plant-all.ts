// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { plantBreakGlass } from './plant-break-glass.ts'
import { plantCalls } from './plant-calls.ts'
import { plantEnds } from './plant-ends.ts'
import { plantCarriers, plantForeignSpans } from './plant-foreign-spans.ts'
import type { Planted, Planter } from './planting.ts'

/** Plants everywhere but in identities, names and options. */
export async function plantAll(planter: Planter, secret: Planted): Promise<void> {
  await plantCalls(planter, secret)
  await plantEnds(planter, secret)
  await plantForeignSpans(planter, secret)
  await plantCarriers(planter, secret)
  await plantBreakGlass(planter, secret)
}
