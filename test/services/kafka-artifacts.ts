// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cached, cachedPath } from './cache.ts'
import { accepts, freePorts } from './free-ports.ts'
import { removeScratchFolder, scratchFolder } from './guard.ts'
import type { KafkaCluster, KafkaNode, KafkaOptions, KafkaProperties } from './kafka-cluster.ts'
import { runCommand, succeeds } from './run-command.ts'
import { ServerProcess } from './server-process.ts'

const POM = join(import.meta.dirname, 'kafka', 'pom.xml')
const LIBS = { name: 'kafka-libs', inputs: [readFileSync(POM, 'utf8')] }
/** Any valid id will do: each cluster has its own ports and folder. */
const CLUSTER_ID = 'c3BhbnNlYWwtdGVzdC0wMQ'

/** Starts in half the time of the default settings and takes 150 MB instead of 220. */
const JVM = [
  '-Xms64m',
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:-UsePerfData',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
]

interface Broker {
  readonly id: number
  readonly port: number
  /** A command and its arguments. */
  readonly format: readonly string[]
  readonly process: ServerProcess
}

/** Undefined when Kafka's Java artifacts can be run here, else a sentence how to get there. */
export async function needsKafkaArtifacts(): Promise<string | undefined> {
  const java = await runCommand('java', ['-version']).catch(() => undefined)
  const version = Number(/version "(\d+)/.exec(java?.stderr ?? '')?.[1] ?? 0)
  if (version < 17) return 'install Java 17 or later and Maven'
  if (existsSync(await cachedPath(LIBS)) || (await succeeds('mvn', ['--version']))) return undefined
  return 'install Maven'
}

/** Brokers on 127.0.0.1, each also a controller, made from the published Java artifacts. */
export async function startKafkaArtifacts(options: KafkaOptions): Promise<KafkaCluster> {
  const libs = await cached({ ...LIBS, build: fetchLibs })
  try {
    return await startBrokers(libs, options)
  } catch (error) {
    // Another process may have taken a port between our look and the broker's bind.
    if (!/Address already in use|BindException/.test(String(error))) throw error
    return startBrokers(libs, options)
  }
}

async function fetchLibs(folder: string): Promise<void> {
  await copyFile(POM, join(folder, 'pom.xml'))
  const goal = ['-q', '-B', '-f', join(folder, 'pom.xml'), 'dependency:copy-dependencies']
  const settings = [`-DoutputDirectory=${folder}`, '-DincludeScope=runtime']
  await runCommand('mvn', [...goal, ...settings], { cwd: folder, timeoutMillis: 300_000 })
}

async function startBrokers(libs: string, options: KafkaOptions): Promise<KafkaCluster> {
  const folder = scratchFolder('kafka')
  const brokers = await layOut(libs, folder, options)
  const stop = async (): Promise<void> => {
    // A controlled shutdown of a whole quorum takes seconds and leaves nothing a test needs.
    const running = brokers.filter((b) => b.process.running)
    await Promise.all(running.map((b) => b.process.kill('SIGKILL')))
    removeScratchFolder(folder)
  }
  const find = (id: number): Broker => {
    const broker = brokers.find((b) => b.id === id)
    if (!broker) throw new Error(`no broker ${id}: there are 1 to ${brokers.length}`)
    return broker
  }
  try {
    await Promise.all(
      brokers.map(({ format: [command = '', ...args] }) => runCommand(command, args)),
    )
    await Promise.all(brokers.map((b) => b.process.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    origin: 'artifacts',
    bootstrap: brokers.map((b) => `127.0.0.1:${b.port}`),
    folder,
    kill: (id, signal = 'SIGKILL') => find(id).process.kill(signal),
    restart: (id) => find(id).process.start(),
    running: (id) => find(id).process.running,
    log: (id) => find(id).process.log(),
    stop,
  }
}

async function layOut(libs: string, folder: string, options: KafkaOptions): Promise<Broker[]> {
  const count = options.brokers ?? 1
  const perBroker = 2 + (options.sparePorts ?? 0)
  const ports = await freePorts(perBroker * count)
  const nodes = Array.from({ length: count }, (_, i): KafkaNode => {
    const [port = 0, controllerPort = 0, ...sparePorts] = ports.slice(i * perBroker)
    const own = join(folder, `broker-${i + 1}`)
    mkdirSync(own)
    return { id: i + 1, port, controllerPort, folder: own, sparePorts }
  })
  const voters = nodes.map((n) => `${n.id}@127.0.0.1:${n.controllerPort}`).join(',')
  return Promise.all(nodes.map((node) => layOutBroker({ libs, node, voters, options })))
}

interface BrokerPlan {
  readonly libs: string
  readonly node: KafkaNode
  readonly voters: string
  readonly options: KafkaOptions
}

async function layOutBroker({ libs, node, voters, options }: BrokerPlan): Promise<Broker> {
  const configFile = join(node.folder, 'server.properties')
  const given = options.properties
  const settings = {
    ...(options.bare ? {} : defaultSettings(node, voters, options.brokers ?? 1)),
    ...(typeof given === 'function' ? given(node) : given),
  }
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}`)
  writeFileSync(configFile, `${lines.join('\n')}\n`)
  const java = (...args: readonly string[]): Promise<readonly string[]> => {
    const command = ['java', ...JVM, '-cp', `${libs}/*`, ...args]
    return options.launch?.(node, command) ?? Promise.resolve(command)
  }
  const tool = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', configFile]
  const format = await java(...tool, ...(options.formatArgs ?? []))
  const [command = '', ...args] = await java('kafka.Kafka', configFile)
  const process = new ServerProcess({
    command,
    args,
    logFile: join(node.folder, 'broker.log'),
    // The port opens only when the controller lets the broker serve.
    ready: () => accepts(node.port),
  })
  return { id: node.id, port: node.port, format, process }
}

function defaultSettings(node: KafkaNode, voters: string, brokers: number): KafkaProperties {
  return {
    'node.id': `${node.id}`,
    'controller.quorum.voters': voters,
    listeners: `PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port}`,
    'log.dirs': join(node.folder, 'data'),
    ...replication(brokers),
    ...COMMON_SETTINGS,
  }
}

/** Three brokers: every record on three, acknowledged by two, so that one may be killed. */
function replication(brokers: number): KafkaProperties {
  const factor = `${brokers}`
  const inSync = `${Math.max(1, brokers - 1)}`
  return {
    'default.replication.factor': factor,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': factor,
    'transaction.state.log.replication.factor': factor,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': factor,
    'share.coordinator.state.topic.min.isr': inSync,
  }
}

const COMMON_SETTINGS: KafkaProperties = {
  'process.roles': 'broker,controller',
  'controller.listener.names': 'CONTROLLER',
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'inter.broker.listener.name': 'PLAINTEXT',
  'unclean.leader.election.enable': 'false',
  'auto.create.topics.enable': 'false',
  // Below: a small machine is enough, and a consumer group need not wait for others to join.
  'offsets.topic.num.partitions': '3',
  'transaction.state.log.num.partitions': '3',
  'group.initial.rebalance.delay.ms': '0',
  'num.network.threads': '2',
  'num.io.threads': '2',
  'log.cleaner.threads': '1',
  'log.cleaner.dedupe.buffer.size': '1048577',
}
