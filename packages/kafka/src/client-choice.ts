// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { KafkaConnection } from './connection-options.ts'
import { KafkajsTransport } from './kafkajs-transport.ts'
import { refuse } from './option-guards.ts'
import { checkPlatformaticConnection } from './platformatic-client.ts'
import { PlatformaticTransport } from './platformatic-transport.ts'
import type { Compression, KafkaTransport } from './transport.ts'

/** A Kafka client that stands behind our ports; loaded when it is first used. */
export type KafkaClient = 'kafkajs' | 'platformatic'

const COMPRESSIONS: readonly Compression[] = ['none', 'gzip', 'zstd']

/**
 * The client that an option names; default kafkajs.
 *
 * @throws AuditError `INVALID_OPTION`, also where the client cannot take the connection's settings
 */
export function checkClient(
  label: string,
  client: KafkaClient | undefined,
  connection: KafkaConnection,
): KafkaClient {
  if (client === undefined || client === 'kafkajs') return 'kafkajs'
  if (client !== 'platformatic') refuse(`${label}.client`, client, "'kafkajs' or 'platformatic'")
  checkPlatformaticConnection(label, connection)
  return client
}

/** @throws AuditError `INVALID_OPTION` */
export function checkCompression(label: string, compression: Compression = 'zstd'): Compression {
  if (COMPRESSIONS.includes(compression)) return compression
  return refuse(`${label}.compression`, compression, `one of ${COMPRESSIONS.join(', ')}`)
}

/** Makes a producer each time it is called; waits `patience` times as long for each answer. */
export type TransportMaker = (patience: number) => KafkaTransport

/** Makes producers of that client. */
export function transportMaker(
  client: KafkaClient,
  connection: KafkaConnection,
  compression: Compression,
): TransportMaker {
  const Transport = client === 'platformatic' ? PlatformaticTransport : KafkajsTransport
  return (patience) => {
    const requestTimeoutMillis = connection.requestTimeoutMillis * patience
    return new Transport({ ...connection, requestTimeoutMillis }, compression)
  }
}
