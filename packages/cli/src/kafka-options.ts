// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { AuditError } from '@spanseal/core'
import type { KafkaConnectionOptions, KafkaLogEntry } from '@spanseal/kafka'
import type { Command } from 'commander'
import { Option } from 'commander'

const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512']

/** How to reach Kafka, as the command line has it. */
export interface KafkaFlags {
  readonly brokers: string
  readonly clientId?: string
  readonly prefix?: string
  readonly ssl?: true
  readonly sslCa?: string
  readonly sslCert?: string
  readonly sslKey?: string
  readonly sasl?: string
  readonly saslUsername?: string
  readonly saslPasswordFile?: string
}

/** Adds them; each can stand in the environment, and the password stands nowhere else. */
export function addKafkaOptions(command: Command): Command {
  const option = (flags: string, description: string, env: string): Option =>
    new Option(flags, description).env(env)
  return command
    .addOption(
      option('--brokers <host:port,…>', 'bootstrap brokers', 'KAFKA_BROKERS').makeOptionMandatory(),
    )
    .option('--prefix <text>', 'stands before each topic name, for instance acme.')
    .option('--client-id <name>', 'how Kafka knows this client')
    .option('--ssl', 'connect with TLS')
    .addOption(option('--ssl-ca <file>', 'certificates to trust, PEM', 'KAFKA_SSL_CA'))
    .addOption(option('--ssl-cert <file>', 'own certificate, PEM', 'KAFKA_SSL_CERT'))
    .addOption(option('--ssl-key <file>', 'key of the own certificate, PEM', 'KAFKA_SSL_KEY'))
    .addOption(
      option('--sasl <mechanism>', 'log in', 'KAFKA_SASL_MECHANISM').choices(SASL_MECHANISMS),
    )
    .addOption(option('--sasl-username <name>', 'user of --sasl', 'KAFKA_SASL_USERNAME'))
    .addOption(
      option(
        '--sasl-password-file <file>',
        'file with the password of --sasl (or KAFKA_SASL_PASSWORD)',
        'KAFKA_SASL_PASSWORD_FILE',
      ),
    )
}

/** The connection that they describe. */
export function kafkaConnection(
  flags: KafkaFlags,
  onLog: (entry: KafkaLogEntry) => void,
): KafkaConnectionOptions {
  const ssl = sslOf(flags)
  const sasl = saslOf(flags)
  return {
    brokers: flags.brokers.split(',').map((broker) => broker.trim()),
    ...(flags.clientId === undefined ? {} : { clientId: flags.clientId }),
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
    onLog,
  }
}

function sslOf({ ssl, sslCa, sslCert, sslKey }: KafkaFlags): KafkaConnectionOptions['ssl'] {
  if ((sslCert === undefined) !== (sslKey === undefined)) {
    throw new AuditError('INVALID_OPTION', '--ssl-cert and --ssl-key belong together; give both')
  }
  if (sslCa === undefined && sslCert === undefined) return ssl
  return {
    ...(sslCa === undefined ? {} : { ca: readFileSync(sslCa, 'utf8') }),
    ...(sslCert === undefined ? {} : { cert: readFileSync(sslCert, 'utf8') }),
    ...(sslKey === undefined ? {} : { key: readFileSync(sslKey, 'utf8') }),
  }
}

function saslOf(flags: KafkaFlags): KafkaConnectionOptions['sasl'] {
  const { sasl: mechanism, saslPasswordFile, saslUsername: username } = flags
  if (mechanism === undefined) return undefined
  const password =
    saslPasswordFile === undefined
      ? process.env['KAFKA_SASL_PASSWORD']
      : readFileSync(saslPasswordFile, 'utf8').replace(/\r?\n$/, '')
  if (username === undefined || password === undefined) {
    throw new AuditError(
      'INVALID_OPTION',
      `--sasl ${mechanism} needs --sasl-username and, in --sasl-password-file or ` +
        'KAFKA_SASL_PASSWORD, a password',
    )
  }
  return { mechanism: mechanism as 'plain', username, password }
}
