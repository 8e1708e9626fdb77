// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { pause, printable } from '@spanseal/core'
import type { TendReport } from '@spanseal/journal'
import { journalStatus, tendSpool } from '@spanseal/journal'
import { failureOf } from '../failure.ts'
import type { Terminal } from '../terminal.ts'

/** How a journal is kept small; both concern segments that take no more records. */
export interface UpkeepOptions {
  readonly compress: boolean
  /** Milliseconds; undefined: nothing is removed. */
  readonly deleteAfter?: number
  /** The destination that is shipped to: it must have everything as well, though it has nothing yet. */
  readonly name: string
}

/** What upkeep came to, over all its rounds. */
export interface Upkeep {
  compressed: number
  deleted: number
  freedBytes: number
}

const FIRST_ROUND_MILLIS = 1_000
const ROUND_MILLIS = 30_000

/** Compresses and removes, again and again until `signal`. Never rejects; tells each problem once. */
export async function keepTending(
  folder: string,
  options: UpkeepOptions,
  { signal, terminal }: { readonly signal: AbortSignal; readonly terminal: Terminal },
): Promise<Upkeep> {
  const upkeep: Upkeep = { compressed: 0, deleted: 0, freedBytes: 0 }
  const told = new Set<string>()
  for (let millis = FIRST_ROUND_MILLIS; !signal.aborted; millis = ROUND_MILLIS) {
    await pause(millis, signal)
    if (!signal.aborted) await tendOnce(folder, options, { signal, terminal, told, upkeep })
  }
  return upkeep
}

/** One round; what goes wrong leaves the journal as it was and is told. */
export async function tendOnce(
  folder: string,
  { compress, deleteAfter, name }: UpkeepOptions,
  {
    signal,
    terminal,
    told = new Set(),
    upkeep = { compressed: 0, deleted: 0, freedBytes: 0 },
  }: {
    readonly signal?: AbortSignal
    readonly terminal: Terminal
    readonly told?: Set<string>
    readonly upkeep?: Upkeep
  },
): Promise<Upkeep> {
  if (!compress && deleteAfter === undefined) return upkeep
  const tell = (error: unknown): void => {
    const { code, message } = failureOf(error)
    if (!told.has(message)) terminal.note(`spanseal: ${code}: ${printable(message)}`)
    told.add(message)
  }
  try {
    const report = await tendSpool(folder, {
      // Whoever began to deliver from here must have everything before it is removed.
      sinks: journalStatus(folder, { sinks: [name] }).sinks,
      compress,
      ...(deleteAfter !== undefined && { deleteAfterMillis: deleteAfter }),
      ...(signal !== undefined && { signal }),
    })
    count(upkeep, report)
    for (const problem of report.problems) tell(problem)
  } catch (error) {
    tell(error)
  }
  return upkeep
}

function count(upkeep: Upkeep, { compressed, deleted }: TendReport): void {
  upkeep.compressed += compressed.segments
  upkeep.deleted += deleted.segments
  upkeep.freedBytes += compressed.bytesBefore - compressed.bytesAfter + deleted.bytes
}
