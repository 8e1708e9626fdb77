// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { KafkaConfig } from 'kafkajs'
import { integerOption, refuse, textOption } from './option-guards.ts'

/** One line of the client's log, for instance a broker that cannot be reached. */
export interface KafkaLogEntry {
  readonly level: 'error' | 'warn'
  readonly message: string
  /** `host:port`, where the line is about one broker. */
  readonly broker?: string
}

/** How to reach Kafka. */
export interface KafkaConnectionOptions {
  /** Bootstrap addresses `host:port`, at least one; several, so that one may be down. */
  readonly brokers: readonly string[]
  /** Default `spanseal`. */
  readonly clientId?: string
  /** TLS: true, or Node's own TLS options (`ca`, `cert`, `key`, …). Default: none. */
  readonly ssl?: boolean | TlsOptions
  /** SASL as kafkajs takes it, for instance `{mechanism: 'scram-sha-512', username, password}`. */
  readonly sasl?: NonNullable<KafkaConfig['sasl']>
  /** For one TCP and TLS connection; default 3,000. */
  readonly connectTimeoutMillis?: number
  /** For one answer of a broker; default 3,000. */
  readonly requestTimeoutMillis?: number
  /** Told what the Kafka client would print; without it the client is silent. */
  readonly onLog?: (entry: KafkaLogEntry) => void
}

/** The options checked and completed. */
export interface KafkaConnection {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly ssl?: boolean | TlsOptions
  readonly sasl?: NonNullable<KafkaConfig['sasl']>
  readonly connectTimeoutMillis: number
  readonly requestTimeoutMillis: number
  readonly onLog?: (entry: KafkaLogEntry) => void
}

export const CONNECTION_OPTION_NAMES: readonly string[] = [
  'brokers',
  'clientId',
  'ssl',
  'sasl',
  'connectTimeoutMillis',
  'requestTimeoutMillis',
  'onLog',
]

// kafkajs splits an address at its first colon, so it cannot take an IPv6 literal.
const ADDRESS = /^[A-Za-z0-9._-]+:([1-9]\d{0,4})$/
const TIMEOUT_MILLIS = { min: 100, max: 120_000, fallback: 3_000 }

/**
 * The connection options, checked.
 *
 * @throws AuditError `INVALID_OPTION` naming the option, the value and what to give
 */
export function checkConnectionOptions(
  label: string,
  options: KafkaConnectionOptions,
): KafkaConnection {
  const { brokers, ssl, sasl, onLog } = options
  checkBrokers(`${label}.brokers`, brokers)
  if (ssl !== undefined && typeof ssl !== 'boolean' && (typeof ssl !== 'object' || ssl === null)) {
    refuse(`${label}.ssl`, unsaid(ssl), "true, or an object of Node's TLS options")
  }
  if (
    sasl !== undefined &&
    typeof (sasl as { mechanism?: unknown } | null)?.mechanism !== 'string'
  ) {
    refuse(
      `${label}.sasl`,
      unsaid(sasl),
      "an object with a mechanism, such as {mechanism: 'scram-sha-512', …}",
    )
  }
  if (onLog !== undefined && typeof onLog !== 'function')
    refuse(`${label}.onLog`, onLog, 'a function')
  return {
    brokers: [...brokers],
    clientId: textOption(`${label}.clientId`, options.clientId, {
      pattern: /^[\x21-\x7e]{1,128}$/,
      expected: '1 to 128 printable ASCII characters',
      fallback: 'spanseal',
    }),
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
    ...(onLog === undefined ? {} : { onLog }),
    connectTimeoutMillis: integerOption(
      `${label}.connectTimeoutMillis`,
      options.connectTimeoutMillis,
      TIMEOUT_MILLIS,
    ),
    requestTimeoutMillis: integerOption(
      `${label}.requestTimeoutMillis`,
      options.requestTimeoutMillis,
      TIMEOUT_MILLIS,
    ),
  }
}

function checkBrokers(option: string, brokers: readonly string[]): void {
  const expected = "a list of host:port, such as ['localhost:9092']"
  if (!Array.isArray(brokers) || brokers.length === 0) refuse(option, unsaid(brokers), expected)
  for (const broker of brokers as readonly unknown[]) {
    const port = typeof broker === 'string' ? ADDRESS.exec(broker)?.[1] : undefined
    if (port === undefined || Number(port) > 65_535) refuse(option, unsaid(broker), expected)
  }
}

/** A text in these places may hold credentials: `user:password@host`, or a password by mistake. */
function unsaid(value: unknown): unknown {
  return typeof value === 'string' ? 'this text' : value
}
