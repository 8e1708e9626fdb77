// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch, SealedRecord } from '@spanseal/core'
import { leafHash } from '@spanseal/core'

/** The id of a made-up epoch; equal numbers, equal ids. */
export function anEpoch(number: number): string {
  return `019366f0-0000-7000-8000-${number.toString(16).padStart(12, '0')}`
}

/** A record of about `bytes` bytes that says where it belongs; it links to nothing. */
export function aRecord(
  seq: number,
  { epoch = anEpoch(1), bytes = 0 }: { readonly epoch?: string; readonly bytes?: number } = {},
): SealedRecord {
  const chain = { epoch, log: 'localhost/test', prev: '0'.repeat(64), seq }
  const line = Buffer.from(
    JSON.stringify({ chain, ext: 'x'.repeat(bytes), type: 'user.input', v: 1 }),
  )
  return { log: chain.log, epoch, seq, leaf: leafHash(line), type: 'user.input', line }
}

export function aBatch(...records: readonly SealedRecord[]): Batch {
  return { records, checkpoints: [] }
}
