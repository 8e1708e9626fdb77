// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { KafkaTransport, SendRequest, TransportRecord } from '@spanseal/kafka'

/** Stands behind the sink's port to a Kafka client: keeps every message as it would be produced. */
export class RecordingTransport {
  readonly messages: (TransportRecord & { readonly topic: string })[] = []
  readonly #offsets = new Map<string, number>()

  readonly open = (): KafkaTransport => ({
    connect: () => Promise.resolve(),
    partitions: () => Promise.resolve(1),
    send: (request) => Promise.resolve([this.#append(request)]),
    classify: (error) => ({ kind: 'ambiguous', reason: 'other', message: String(error) }),
    close: () => Promise.resolve(),
  })

  #append({ topic, partition, records }: SendRequest) {
    const offset = this.#offsets.get(topic) ?? 0
    this.#offsets.set(topic, offset + records.length)
    this.messages.push(...records.map((record) => ({ ...record, topic })))
    return { topic, partition, errorCode: 0, baseOffset: `${offset}` }
  }
}
