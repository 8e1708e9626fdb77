// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import { canaryRun } from './canary-run.ts'
import { inClear, inClearAsErrorType } from './in-clear.ts'
import { leakingSources } from './leaks.ts'
import { secrets } from './planted-secrets.ts'
import { openReceiver } from './raw-otlp-receiver.ts'

const receiver = await openReceiver()
const sentence = secrets.find(({ kind }) => kind === 'plain sentence')
const word = secrets.find(({ kind }) => kind === 'password by its name')

describe('what shows by design, and where', () => {
  test.each([
    ...inClear.map((shown) => ({ ...shown, secret: sentence })),
    { ...inClearAsErrorType, secret: word },
  ])('$what: $why', async ({ plant, where, secret }) => {
    if (secret === undefined) throw new Error('the vectors have no such secret any more')
    const run = await canaryRun({ receiver, options: {} }, (planter) => plant(planter, secret))
    expect(leakingSources(run)).toEqual([...where].sort())
  })
})

test('what is printed or said by the way is looked at too', async () => {
  const run = await canaryRun({ receiver, options: {} }, async ({ said }) => {
    said.push(`${sentence?.find}`)
    console.info(sentence?.text)
  })
  expect(leakingSources(run)).toEqual(['console', 'told'])
})
