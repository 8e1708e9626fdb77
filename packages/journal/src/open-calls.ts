// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EpochCloseDetail, RecordDraft } from '@spanseal/core'

/** `epoch.close` lists this many starts without an end and counts the rest. */
const LISTED_MAX = 32
const EPOCH_ID_LENGTH = 36

/** The calls that an epoch has started and not yet seen the end of. */
export class OpenCalls {
  readonly #epoch: string
  readonly #starts = new Set<number>()

  constructor(epoch: string) {
    this.#epoch = epoch
  }

  /** Takes note of a record that was written. Ends of other epochs' calls are theirs. */
  note(draft: RecordDraft, seq: number): void {
    const { type } = draft
    if (type === 'tool.start' || type === 'task.start') {
      this.#starts.add(seq)
    } else if (type === 'tool.end' || type === 'task.end') {
      const start = draft.invocation?.start
      if (start?.startsWith(this.#epoch))
        this.#starts.delete(Number(start.slice(EPOCH_ID_LENGTH + 1)))
    }
  }

  /** For `epoch.close`: oldest first. */
  listed(): Pick<EpochCloseDetail, 'open' | 'open_more'> {
    const open = [...this.#starts].slice(0, LISTED_MAX).map((seq) => `${this.#epoch}/${seq}`)
    const more = this.#starts.size - open.length
    return more > 0 ? { open, open_more: more } : { open }
  }
}
