// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { topicNames } from '@spanseal/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { COLLECTOR_CONFIG } from '../services/collector.ts'
import { readComposeWithGo, readComposeWithYaml } from '../services/compose-file.ts'
import { freePorts } from '../services/free-ports.ts'
import { collectorBinary, needsGo } from '../services/go-binaries.ts'
import type { KafkaNode, KafkaProperties } from '../services/kafka.ts'
import { needsKafka, startKafka } from '../services/kafka.ts'
import { runCommand, succeeds } from '../services/run-command.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const COMPOSE_FILE = join(ROOT, 'docker-compose.yml')
const CONFIG = join(ROOT, 'collector-config')

const go = await succeeds('go', ['version'])
const project = go ? await readComposeWithGo(COMPOSE_FILE) : readComposeWithYaml(COMPOSE_FILE)
const services = Object.entries(project)

describe('docker-compose.yml', () => {
  it.skipIf(!go)('passes the parser of Docker’s own command', () => {
    expect(Object.keys(project).toSorted()).toEqual([
      'collector',
      'grafana',
      'jaeger',
      'kafka',
      'tempo',
    ])
    // Where Go is missing, the plain reading takes its place: it must see the same.
    expect(readComposeWithYaml(COMPOSE_FILE)).toEqual(project)
  })

  it('pins each image to the version that was run', () => {
    expect(Object.fromEntries(services.map(([name, { image }]) => [name, image]))).toEqual({
      kafka: 'apache/kafka:4.2.0',
      collector: 'otel/opentelemetry-collector-contrib:0.155.0',
      jaeger: 'jaegertracing/jaeger:2.13.0',
      tempo: 'grafana/tempo:3.0.3',
      grafana: 'grafana/grafana:13.0.1',
    })
  })

  it('names the versions that the tests run', () => {
    const pom = readFileSync(join(ROOT, 'test/services/kafka/pom.xml'), 'utf8')
    const kafka = /<artifactId>kafka_2.13<\/artifactId>\s*<version>(.*)<\/version>/.exec(pom)?.[1]
    expect(project['kafka']?.image).toBe(`apache/kafka:${kafka}`)
    const builder = parseYaml(join(ROOT, 'test/services/collector/builder.yaml'))
    const version = String(at(builder, 'dist.version'))
    expect(project['collector']?.image).toBe(`otel/opentelemetry-collector-contrib:${version}`)
  })

  it('publishes every port on loopback only', () => {
    const ports = services.flatMap(([, service]) => service.ports)
    expect(new Set(ports.map((port) => port.hostIp))).toEqual(new Set(['127.0.0.1']))
    expect(ports.map((port) => port.published).toSorted((a, b) => a - b)).toEqual([
      3000, 3200, 4317, 4318, 8888, 9092, 13133, 16686,
    ])
  })

  it('mounts only files and folders that exist and hold something', () => {
    const sources = services.flatMap(([, s]) => s.mounts).filter((mount) => mount.type === 'bind')
    expect(sources.length).toBe(4)
    const empty = sources.filter(({ source }) => !existsSync(source) || statSync(source).size === 0)
    expect(empty).toEqual([])
  })

  it('asks every service whether it is well, or says why it cannot', () => {
    const without = services.filter(([, service]) => !service.healthTest)
    expect(without.map(([name]) => name)).toEqual(['collector'])
    for (const [, { noHealthcheck }] of without) expect(noHealthcheck).toMatch(/health/)
  })

  it('limits the memory of every service', () => {
    for (const [, { memoryBytesMax }] of services) {
      expect(memoryBytesMax).toBeGreaterThanOrEqual(512 * 2 ** 20)
      expect(memoryBytesMax).toBeLessThanOrEqual(2 ** 30)
    }
  })
})

describe('the code and docker-compose.yml agree', () => {
  it('on the names of the topics', () => {
    const text = readFileSync(COMPOSE_FILE, 'utf8')
    expect(new Set(text.match(/\baudit\.[\w.-]+\.v\d+/g))).toEqual(
      new Set(Object.values(topicNames())),
    )
  })

  it('on the ports: each localhost address in sources, examples and README is published', () => {
    const published = new Set(services.flatMap(([, s]) => s.ports).map((p) => p.published))
    const named = new Map<number, string>()
    for (const file of filesThatNameAddresses()) {
      const text = readFileSync(file, 'utf8')
      for (const [, port] of text.matchAll(/\blocalhost:(\d+)/g)) named.set(Number(port), file)
    }
    expect([...named.keys()]).toEqual(expect.arrayContaining([4318, 9092]))
    expect([...named].filter(([port]) => !published.has(port))).toEqual([])
  })
})

describe('the services find each other', () => {
  const collector = parseYaml(COLLECTOR_CONFIG)
  const jaeger = parseYaml(join(CONFIG, 'jaeger.yaml'))
  const tempo = parseYaml(join(CONFIG, 'tempo.yaml'))

  it('the Collector takes OTLP, health and metrics on the ports that are published', () => {
    expect(portsOf('collector')).toEqual([
      port(at(collector, 'receivers.otlp.protocols.http.endpoint')),
      port(at(collector, 'receivers.otlp.protocols.grpc.endpoint')),
      port(at(collector, 'extensions.health_check.endpoint')),
      Number(
        defaults(
          at(collector, 'service.telemetry.metrics.readers.0.pull.exporter.prometheus.port'),
        ),
      ),
    ])
  })

  it('the Collector sends to where Jaeger and Tempo listen', () => {
    const otlp = 'protocols.http.endpoint'
    expect(defaults(at(collector, ['exporters', 'otlp_http/jaeger', 'endpoint']))).toBe(
      `http://jaeger:${port(at(jaeger, `receivers.otlp.${otlp}`))}`,
    )
    expect(defaults(at(collector, ['exporters', 'otlp_http/tempo', 'endpoint']))).toBe(
      `http://tempo:${port(at(tempo, `distributor.receivers.otlp.${otlp}`))}`,
    )
  })

  it('Jaeger and Tempo answer queries on the ports that are published', () => {
    expect(portsOf('jaeger')).toEqual([port(at(jaeger, 'extensions.jaeger_query.http.endpoint'))])
    expect(portsOf('tempo')).toEqual([Number(defaults(at(tempo, 'server.http_listen_port')))])
  })

  it('the health checks ask the ports that are listened on', () => {
    const health = port(at(jaeger, 'extensions.healthcheckv2.http.endpoint'))
    expect(project['jaeger']?.healthTest?.at(-1)).toBe(`http://127.0.0.1:${health}/status`)
    expect(project['tempo']?.healthTest?.at(-1)).toContain(
      `http://127.0.0.1:${portsOf('tempo')[0]}/`,
    )
    expect(project['grafana']?.healthTest?.at(-1)).toContain(`:${portsOf('grafana')[0]}/`)
    expect(project['kafka']?.healthTest?.at(-1)).toBe(`${portsOf('kafka')[0]}`)
  })

  it('Grafana’s data sources are Tempo and Jaeger, where they are', () => {
    const grafana = parseYaml(join(CONFIG, 'grafana/datasources/traces.yaml'))
    const sources = at(grafana, 'datasources') as { type: string; url: string }[]
    expect(sources.map(({ type, url }) => [type, url])).toEqual([
      ['tempo', `http://tempo:${portsOf('tempo')[0]}`],
      ['jaeger', `http://jaeger:${portsOf('jaeger')[0]}`],
    ])
  })

  it('the Collector’s queue and Tempo’s blocks lie in their volumes', () => {
    const queue = defaults(at(collector, 'extensions.file_storage.directory'))
    expect(queue).toMatch(new RegExp(`^${volumeOf('collector')}/`))
    expect(defaults(at(tempo, 'storage.trace.local.path'))).toMatch(
      new RegExp(`^${volumeOf('tempo')}/`),
    )
    expect(project['kafka']?.environment['KAFKA_LOG_DIRS']).toBe(volumeOf('kafka'))
  })
})

describe.skipIf(await needsGo('otelcol'))('collector-config/collector.yaml', () => {
  it('passes the Collector’s own check', { timeout: 600_000 }, async () => {
    const check = [`--config=${COLLECTOR_CONFIG}`]
    expect(await succeeds(await collectorBinary(), ['validate', ...check])).toBe(true)
    // What it does not know it refuses: the line above has really looked.
    const wrong = join(import.meta.dirname, 'wrong.yaml')
    await expect(
      runCommand(await collectorBinary(), ['validate', ...check, `--config=${wrong}`]),
    ).rejects.toThrow(/no_such_processor/)
  })
})

describe.skipIf(await needsKafka({ bare: true, properties: {} }))('the kafka service', () => {
  it('starts a real broker with its settings', { timeout: 300_000 }, async () => {
    const [internal] = await freePorts(1)
    const cluster = await startKafka({
      bare: true,
      properties: (node) => composeSettings(node, internal as number),
    })
    const kafka = new Kafka({
      brokers: [...cluster.bootstrap],
      logLevel: logLevel.NOTHING,
      retry: { retries: 2 },
    })
    const admin = kafka.admin()
    const producer = kafka.producer({ allowAutoTopicCreation: true })
    try {
      await admin.connect()
      await producer.connect()
      // Made without replicas being said: the broker's own default of one must do.
      await admin.createTopics({ waitForLeaders: false, topics: [{ topic: 'made' }] })
      await expect
        .poll(() => partitionOf(admin, 'made'), { timeout: 120_000 })
        .toEqual({ replicas: [1], isr: [1] })
      await producer.send({ topic: 'made', acks: -1, messages: [{ value: 'x' }] })
      await expect(
        producer.send({ topic: 'never-made', acks: -1, messages: [{ value: 'x' }] }),
      ).rejects.toMatchObject({ cause: { type: 'UNKNOWN_TOPIC_OR_PARTITION' } })
      expect(await admin.listTopics()).toEqual(['made'])
    } finally {
      await producer.disconnect()
      await admin.disconnect()
      await cluster.stop()
    }
  })
})

/** The image's rule: KAFKA_NODE_ID is node.id. Addresses and folder are those of the test. */
function composeSettings(node: KafkaNode, internal: number): KafkaProperties {
  const environment = Object.entries(project['kafka']?.environment ?? {})
  const settings = environment.filter(
    ([name]) => name.startsWith('KAFKA_') && name !== 'KAFKA_HEAP_OPTS',
  )
  const replaced: Record<string, string> = {
    '0.0.0.0:9092': `127.0.0.1:${node.port}`,
    'localhost:9092': `127.0.0.1:${node.port}`,
    '0.0.0.0:29092': `127.0.0.1:${internal}`,
    'kafka:29092': `127.0.0.1:${internal}`,
    '127.0.0.1:9093': `127.0.0.1:${node.controllerPort}`,
    '/var/lib/kafka/data': join(node.folder, 'data'),
  }
  return Object.fromEntries(
    settings.map(([name, value]) => [
      name.slice('KAFKA_'.length).toLowerCase().replaceAll('_', '.'),
      Object.entries(replaced).reduce((text, [from, to]) => text.replace(from, to), value),
    ]),
  )
}

async function partitionOf(
  admin: ReturnType<Kafka['admin']>,
  topic: string,
): Promise<{ replicas: number[]; isr: number[] } | undefined> {
  const { topics } = await admin
    .fetchTopicMetadata({ topics: [topic] })
    .catch(() => ({ topics: [] }))
  const partition = topics[0]?.partitions[0]
  return partition && { replicas: partition.replicas, isr: partition.isr }
}

function filesThatNameAddresses(): string[] {
  const sources = globSync(['packages/*/src/**/*.ts', 'examples/**/*.{ts,py,md}', 'README.md'], {
    cwd: ROOT,
    exclude: (name) => /node_modules|\.test\.ts$|\.contract\.ts$|\.fixture\.ts$/.test(name),
  })
  return sources.map((name) => join(ROOT, name))
}

function parseYaml(file: string): unknown {
  return parse(readFileSync(file, 'utf8'), { merge: true })
}

/** The value under a path of keys. */
function at(tree: unknown, path: string | readonly string[]): unknown {
  const keys = typeof path === 'string' ? path.split('.') : path
  return keys.reduce<unknown>((node, key) => (node as Record<string, unknown>)?.[key], tree)
}

/** The text with each ${env:NAME:-default} and ${NAME:-default} replaced by its default. */
function defaults(text: unknown): string {
  return String(text).replaceAll(/\$\{(?:env:)?\w+:-([^}]*)\}/g, '$1')
}

function port(endpoint: unknown): number {
  return Number(defaults(endpoint).split(':').at(-1))
}

/** Ports inside the container that are published, in the order of the file. */
function portsOf(service: string): number[] {
  return (project[service]?.ports ?? []).map(({ target }) => target)
}

function volumeOf(service: string): string {
  return project[service]?.mounts.find((mount) => mount.type === 'volume')?.target ?? ''
}
