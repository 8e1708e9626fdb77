// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import type { KafkaCluster } from './kafka-cluster.ts'
import { runCommand, succeeds } from './run-command.ts'

const COMPOSE_FILE = join(import.meta.dirname, '..', '..', 'docker-compose.yml')

/** Whether a Docker engine with the compose command answers here, and soon. */
export async function dockerAnswers(): Promise<boolean> {
  const limit = { timeoutMillis: 5_000 }
  return (
    (await succeeds('docker', ['info'], limit)) &&
    (await succeeds('docker', ['compose', 'version'], limit))
  )
}

/** The `kafka` service of docker-compose.yml in a project of its own, on a free port. */
export async function startKafkaCompose(): Promise<KafkaCluster> {
  const [port] = await freePorts(1)
  const project = `spanseal-test-${process.pid}-${port}`
  const compose = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await runCommand(
      'docker',
      ['compose', '--project-name', project, '--file', COMPOSE_FILE, ...args],
      // The first start may fetch the image.
      { env: { KAFKA_PORT: `${port}` }, timeoutMillis: 300_000 },
    )
    return stdout
  }
  const start = () => compose('up', '--detach', '--wait', '--no-deps', 'kafka')
  const stop = () => compose('down', '--volumes', '--timeout', '1')
  try {
    await start()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    origin: 'compose',
    bootstrap: [`localhost:${port}`],
    kill: async (_id, signal = 'SIGKILL') => void (await compose('kill', '-s', signal, 'kafka')),
    restart: async () => void (await start()),
    running: () => true,
    log: () => '',
    stop: async () => void (await stop()),
  }
}
