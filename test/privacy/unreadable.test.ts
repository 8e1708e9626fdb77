// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import type { CanaryRun } from './canary-run.ts'
import { canaryRun } from './canary-run.ts'
import { leaksIn } from './leaks.ts'
import { plantUnreadable } from './plant-unreadable.ts'
import { hasForm, secrets } from './planted-secrets.ts'
import { planted } from './planting.ts'
import { openReceiver } from './raw-otlp-receiver.ts'

const receiver = await openReceiver()

function unreadableRun(errors: 'committed' | 'redacted'): Promise<CanaryRun> {
  return canaryRun({ receiver, options: { errors } }, async (planter) => {
    for (const secret of secrets) {
      await plantUnreadable(planter, planted([secret], { errors, knows: hasForm }))
    }
  })
}

test.each(['committed', 'redacted'] as const)(
  'what is thrown while a value is read shows nowhere, errors %s',
  async (errors) => {
    expect(leaksIn(await unreadableRun(errors))).toEqual([])
  },
)

test('a value that cannot be read costs no record', async () => {
  const { health } = await unreadableRun('committed')
  expect(health.journal.recordsFailed).toBe(0)
})
