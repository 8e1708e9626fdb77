// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import { canaryRun } from './canary-run.ts'
import { leaksIn } from './leaks.ts'
import { outsideNames } from './plant-outside-names.ts'
import { hasForm, secrets } from './planted-secrets.ts'
import { planted } from './planting.ts'
import { openReceiver } from './raw-otlp-receiver.ts'

const receiver = await openReceiver()
const known = secrets.filter(hasForm)

describe('no secret shows in what has its name or id from outside', () => {
  test.each(Object.entries(outsideNames))('%s', async (_, plant) => {
    for (const spanName of ['gen_ai', 'tool'] as const) {
      const run = await canaryRun({ receiver, options: { spanName } }, async (planter) => {
        for (const secret of known) {
          await plant(planter, planted([secret], { errors: 'committed', knows: hasForm }))
        }
      })
      expect(run.lines.length + run.requests.length).toBeGreaterThan(3)
      expect(leaksIn(run)).toEqual([])
    }
  })
})
