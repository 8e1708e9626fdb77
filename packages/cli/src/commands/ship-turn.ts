// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError, pause } from '@spanseal/core'
import type { ShipLock } from '@spanseal/journal'
import { shipLock } from '@spanseal/journal'
import type { Terminal } from '../terminal.ts'

const ASK_AGAIN_MILLIS = 1_000

/**
 * Waits until nobody else ships this journal to this destination. It saves work and duplicates; two
 * at once would deliver the same bytes twice.
 *
 * @returns the turn, or undefined where `signal` came first
 * @throws AuditError `ALREADY_RUNNING` where it is another's turn and `waits` is false
 */
export async function takeTurn(
  folder: string,
  sinkName: string,
  {
    signal,
    terminal,
    waits,
  }: { readonly signal: AbortSignal; readonly terminal: Terminal; readonly waits: boolean },
): Promise<ShipLock | undefined> {
  let told = false
  while (!signal.aborted) {
    const lock = shipLock(folder, sinkName)
    if (lock.held) return lock
    const { pid, host } = lock.owner ?? {}
    const who =
      pid === undefined ? 'another process' : `process ${pid} on host ${host?.slice(0, 8)}`
    if (!waits) {
      throw new AuditError(
        'ALREADY_RUNNING',
        `${who} ships ${folder} as ${sinkName} already; wait for it, use --watch to stand by, or give --name for another destination`,
        { details: { file: folder } },
      )
    }
    if (!told) terminal.note(`spanseal: ${who} ships this journal; standing by`)
    told = true
    await pause(ASK_AGAIN_MILLIS, signal)
  }
  return undefined
}
