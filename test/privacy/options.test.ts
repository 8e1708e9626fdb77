// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import { canaryRun } from './canary-run.ts'
import { leaksIn } from './leaks.ts'
import { kafkaRefusalsOf, refusalsOf } from './plant-refusals.ts'
import { secrets } from './planted-secrets.ts'
import { openReceiver } from './raw-otlp-receiver.ts'
import { named } from './written-files.ts'

const receiver = await openReceiver()

test('headers for an endpoint are in its requests and nowhere else, also where it refuses', async () => {
  const sendable = secrets.filter(({ find }) => !find.includes('\n'))
  const headers = {
    authorization: `Bearer ${sendable[0]?.find}`,
    ...Object.fromEntries(sendable.map(({ find }, i) => [`x-canary-${i}`, find])),
  }
  const run = await canaryRun({ receiver, options: {}, headers }, async ({ audit }) => {
    await audit.task({ name: 'plain' }, () => audit.tool({ name: 'plain' }, async () => 'done')())
  })
  expect(run.requests.map(({ path }) => path).sort()).toEqual([
    '/refusing/v1/traces',
    '/taking/v1/traces',
  ])
  for (const request of run.requests) expect(request.headers).toMatchObject(headers)
  const others = run.requests.map(({ headers: sent, ...request }) => ({
    ...request,
    headers: Object.fromEntries(Object.entries(sent).filter(([name]) => !(name in headers))),
  }))
  expect(leaksIn({ ...run, requests: others })).toEqual([])
})

test('what is refused is not repeated', async () => {
  const run = await canaryRun({ receiver, options: {} }, async (planter, base) => {
    for (const secret of secrets) {
      planter.said.push(...(await refusalsOf(planter.audit, base, secret)))
    }
  })
  expect(leaksIn(run)).toEqual([])
})

test('what the Kafka sink refuses is not repeated', async () => {
  const said = (await Promise.all(secrets.map(kafkaRefusalsOf))).flat()
  expect(leaksIn({ lines: [], requests: [], others: named('told', said) })).toEqual([])
})
