// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { setTimeout as sleep } from 'node:timers/promises'

/** Far beyond what any step takes, so that only what never comes fails. */
const LIMIT_MILLIS = 150_000
const POLL_MILLIS = 50

/**
 * Resolves once `holds`; an error of the question counts as no.
 *
 * @param what completes "not within …: "
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMillis: number = LIMIT_MILLIS,
): Promise<void> {
  const end = performance.now() + limitMillis
  let last: unknown
  do {
    try {
      if (await holds()) return
      last = undefined
    } catch (error) {
      last = error
    }
    await sleep(POLL_MILLIS)
  } while (performance.now() < end)
  throw new Error(`not within ${limitMillis} ms: ${what}`, { cause: last })
}
