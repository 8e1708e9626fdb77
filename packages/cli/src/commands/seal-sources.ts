// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { DEFAULT_BATCH_LIMITS } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { KafkaSource } from '@spanseal/kafka'
import type { Sealer, SealRound } from '@spanseal/transparency'
import type { KafkaFlags } from '../kafka-options.ts'
import { kafkaConnection } from '../kafka-options.ts'

/** Batches after which what came so far is sealed, so that it need not be kept. */
const BATCHES_MAX = 200

/** Where a sealer's epochs come from. */
export interface SealSource {
  /** Seals all that is there now. */
  round(): Promise<SealRound>
  /** Resolves when more may be there. */
  wait(millis: number, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export function journalSealSource(
  sealer: Sealer,
  paths: readonly string[],
  wait: SealSource['wait'],
): SealSource {
  return {
    round: () => sealer.sealJournal(readJournal(paths)),
    wait,
    close: () => Promise.resolve(),
  }
}

interface KafkaSealOptions {
  readonly flags: KafkaFlags
  readonly watch: boolean
  readonly signal: AbortSignal
  readonly onMalformed: (topic: string) => void
}

/**
 * Records and checkpoints of the topics, read from their beginning: without a group, since what is
 * known of an epoch is made again from its records.
 */
export async function kafkaSealSource(
  sealer: Sealer,
  { flags, onMalformed, signal, watch }: KafkaSealOptions,
): Promise<SealSource> {
  const { kafkaSource } = await import('@spanseal/kafka')
  const source: KafkaSource = kafkaSource({
    ...kafkaConnection(flags, () => undefined),
    ...(flags.prefix === undefined ? {} : { topicPrefix: flags.prefix }),
    untilEnd: !watch,
    onMalformed: ({ topic }) => onMalformed(topic),
  })
  return {
    async round() {
      const rounds: SealRound[] = []
      for (let batches = 1; !signal.aborted; batches++) {
        const batch = await source.read(DEFAULT_BATCH_LIMITS)
        if (batch === undefined) break
        sealer.take(batch)
        if (batches % BATCHES_MAX === 0) rounds.push(await sealer.sealStream(false))
      }
      rounds.push(await sealer.sealStream(!watch && !signal.aborted))
      return together(rounds)
    },
    wait: (millis, stop) => source.wait(millis, stop),
    close: () => source.close(),
  }
}

/** Rounds as one; who waited before may have been sealed by now. */
function together(rounds: readonly SealRound[]): SealRound {
  return {
    added: rounds.flatMap(({ added }) => added),
    unchanged: rounds.reduce((sum, { unchanged }) => sum + unchanged, 0),
    waiting: rounds.at(-1)?.waiting ?? 0,
    refused: rounds.flatMap(({ refused }) => refused),
  }
}
