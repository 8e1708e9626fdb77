// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EpochBytes, SegmentBytes } from '@spanseal/core'

/** A journal's files by path, `<epoch>/<name>`. */
export type JournalFiles = ReadonlyMap<string, Uint8Array>

/** The epochs among a journal's files, as the verifier reads them. */
export function epochsOf(files: JournalFiles): readonly EpochBytes[] {
  const names = new Set([...files.keys()].map((path) => path.split('/')[0] as string))
  return [...names].sort().map((epoch) => ({
    name: epoch,
    epoch,
    segments: () => segmentsOf(files, epoch),
    checkpoints: () => once(files.get(`${epoch}/checkpoints`) ?? new Uint8Array()),
    stub: async () => {
      const bytes = files.get(`${epoch}/stub`)
      return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8')
    },
  }))
}

async function* segmentsOf(files: JournalFiles, epoch: string): AsyncGenerator<SegmentBytes> {
  for (const file of [...files.keys()].sort()) {
    const [, digits] = new RegExp(`^${epoch}/(\\d{12})\\.jsonl$`).exec(file) ?? []
    if (digits === undefined) continue
    const bytes = files.get(file) as Uint8Array
    yield { file, firstSeq: Number(digits), chunks: () => once(bytes) }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
