// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import { canaryRun } from './canary-run.ts'
import { leaksIn } from './leaks.ts'
import { plantUnreadable } from './plant-unreadable.ts'
import { hasForm, secrets } from './planted-secrets.ts'
import { planted } from './planting.ts'
import { openReceiver } from './raw-otlp-receiver.ts'

const receiver = await openReceiver()

test.each(['committed', 'redacted'] as const)(
  'what is thrown while a value is read shows nowhere and costs no record, errors %s',
  async (errors) => {
    const run = await canaryRun({ receiver, options: { errors } }, async (planter) => {
      for (const secret of secrets) {
        await plantUnreadable(planter, planted([secret], { errors, knows: hasForm }))
      }
    })
    expect(leaksIn(run)).toEqual([])
    expect(run.health.journal.recordsFailed).toBe(0)
  },
)
