// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ReturnedFailure } from '@spanseal/otel'
import type { Planted, Planter } from './planting.ts'

/** Plants in what is thrown while a value is read. */
export async function plantUnreadable({ audit }: Planter, secret: Planted): Promise<void> {
  const take = audit.tool({ name: 'take-unreadable' }, async (value: unknown) => void value)
  const summary = ['note', 'password']
  for (const make of UNREADABLE) {
    await take(make(secret))
    await audit.tool({ name: 'give-unreadable', summary }, async () => make(secret))()
    await audit
      .tool({ name: 'throw-unreadable' }, async () => Promise.reject(make(secret)))()
      .catch(() => {})
  }
  const tool = audit.registerTool({ name: 'judge-unreadable' })
  const judge = (): ReturnedFailure => ({
    status: 'error',
    errorType: 'Failed',
    get message() {
      return fail(secret)
    },
  })
  audit.call({ tool, args: [], judge }, () => 'done')
  const subjects = (): string[] => fail(secret)
  await audit.tool({ name: 'subjects', subjects }, async () => 'done')()
}

function fail(secret: Planted): never {
  throw new Error(secret.anywhere, { cause: secret.named })
}

/** Values that cannot be read without a throw. */
const UNREADABLE: readonly ((secret: Planted) => object)[] = [
  (secret) => ({
    get note() {
      return fail(secret)
    },
    get message() {
      return fail(secret)
    },
  }),
  (secret) => ({ toJSON: () => fail(secret), toString: () => fail(secret), note: secret.redacted }),
  (secret) =>
    new Proxy(
      {},
      {
        get: (_, key) => (key === 'then' ? undefined : fail(secret)),
        has: () => fail(secret),
        ownKeys: () => fail(secret),
        getOwnPropertyDescriptor: () => fail(secret),
      },
    ),
  (secret) => ({ message: { toString: () => fail(secret) }, errorType: secret.redacted }),
]
