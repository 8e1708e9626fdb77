// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Admin } from 'kafkajs'

/** For what comes in the end on any machine, however busy it is: only what never comes fails. */
export const PATIENCE = { timeout: 240_000 } as const

/**
 * How many partitions of a topic have a leader that answers, 0 while not all have: for a moment after
 * it was made the broker may not know a topic, or lead it.
 */
export function partitionsLed(admin: Admin, topic: string): Promise<number> {
  return admin.fetchTopicOffsets(topic).then(
    (offsets) => offsets.length,
    () => 0,
  )
}
