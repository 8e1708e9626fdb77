// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * What `work` comes to, or a rejection with `late()` after `millis`. `work` itself goes on; what it
 * comes to later is nobody's business any more.
 *
 * Never keeps the process alive, unless `hold`: then for `millis` at most.
 */
export function withDeadline<T>(
  work: Promise<T>,
  millis: number,
  options: { readonly late: () => Error; readonly hold?: boolean },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(options.late()), millis)
    if (options.hold !== true) timer.unref()
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Resolves when `work` has settled, or after `millis`; keeps the process alive until then. */
export async function settledWithin(work: Promise<unknown>, millis: number): Promise<void> {
  const late = (): Error => new Error('late')
  await withDeadline(work, millis, { late, hold: true }).catch(() => undefined)
}
