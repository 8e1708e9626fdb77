// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Planted, Planter } from './planting.ts'

/** Plants in calls that end in the middle, are aborted, or never end. */
export async function plantEnds({ audit }: Planter, secret: Planted): Promise<void> {
  const items = audit.tool({ name: 'items-failing' }, async function* () {
    yield secret.anywhere
    throw new Error(secret.inErrors)
  })
  await Array.fromAsync(items()).catch(() => {})
  const stream = audit.tool({ name: 'stream-failing' }, () => {
    return new ReadableStream({ start: (controller) => controller.error(secret.inErrors) })
  })
  await Array.fromAsync(stream()).catch(() => {})
  const left = audit.tool({ name: 'items-left' }, function* () {
    yield secret.anywhere
    yield secret.named
  })
  for (const _ of left()) break
  const abort = new AbortController()
  const waiting = audit.tool({ name: 'aborted' }, ({ signal }: { signal: AbortSignal }) => {
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  })
  const call = waiting({ signal: abort.signal })
  abort.abort(new Error(secret.inErrors))
  await call.catch(() => {})
  // Never settles: still open when the audit shuts down.
  void audit.tool(
    { name: 'open' },
    (text: string) => new Promise((settle) => text === '' && settle(text)),
  )(secret.anywhere)
}
