// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { Admin } from 'kafkajs'
import type { KafkaConnectionOptions } from './connection-options.ts'
import { CONNECTION_OPTION_NAMES, checkConnectionOptions } from './connection-options.ts'
import { withDeadline } from './deadline.ts'
import { openKafkajs } from './kafkajs-client.ts'
import { kafkajsFault } from './kafkajs-faults.ts'
import { assertKnownKeys, integerOption } from './option-guards.ts'
import { topicNames } from './topic-names.ts'

/** What {@link createTopics} and {@link checkTopics} take. */
export interface TopicOptions extends KafkaConnectionOptions {
  /** Stands before each topic name, for instance `acme.`. Default: nothing. */
  readonly topicPrefix?: string
  /**
   * Of the records and the checkpoints; default 12. Fixed for good: more partitions later move the
   * epochs that are then resumed. Existing topics are held to it only where it is given.
   */
  readonly partitions?: number
  /** Default: 3, or as many as there are brokers. */
  readonly replicationFactor?: number
  /** Replicas that must have a record before it is acknowledged; default: one less than all. */
  readonly minInsyncReplicas?: number
  /** How long Kafka keeps records; default -1, for ever. */
  readonly retentionMillis?: number
  /** For the whole call; default 30,000. */
  readonly timeoutMillis?: number
}

/** One thing about a topic that is not as an audit trail needs it. */
export interface TopicProblem {
  readonly code: 'TOPIC_MISSING' | 'TOPIC_UNSUITABLE'
  readonly topic: string
  /** `partitions`, `replication.factor` or a topic setting of Kafka; `topic` where it is missing. */
  readonly setting: string
  readonly expected: string
  readonly actual: string
}

/** What {@link createTopics} did. */
export interface CreatedTopics {
  readonly created: readonly string[]
  readonly existing: readonly string[]
}

interface Plan {
  readonly partitions: number
  readonly partitionsGiven: boolean
  readonly replicationFactor: number
  readonly minInsyncReplicas: number
  readonly retentionMillis: number
}

const OPTION_NAMES = [
  ...CONNECTION_OPTION_NAMES,
  'topicPrefix',
  'partitions',
  'replicationFactor',
  'minInsyncReplicas',
  'retentionMillis',
  'timeoutMillis',
]
/** What one request of the sink may hold before compression, and some room. */
const MESSAGE_BYTES_MIN = 1_000_000
const LEADER_POLL_MILLIS = 100
/** Kafka's number for "a topic's settings". */
const TOPIC_RESOURCE = 2

/**
 * Creates the topics that are missing, and checks those that exist instead of using them as they
 * are.
 *
 * @throws AuditError `INVALID_OPTION`; `TOPIC_UNSUITABLE` naming every setting of an existing topic
 * that does not fit; `DELIVERY_TIMEOUT` when Kafka does not answer, `DELIVERY_REFUSED` when it
 * refuses
 */
export function createTopics(options: TopicOptions): Promise<CreatedTopics> {
  return withAdmin('createTopics', options, async (admin, names) => {
    const plan = await planFor(admin, options)
    const present = new Set(await admin.listTopics())
    const missing = names.filter((name) => !present.has(name))
    if (missing.length > 0) await create(admin, missing, plan)
    const problems = await findProblems(admin, names, plan)
    if (problems.length > 0) throw unsuitable(problems)
    return { created: missing, existing: names.filter((name) => present.has(name)) }
  })
}

/**
 * What is wrong with the topics; nothing, when they may be used. Changes nothing.
 *
 * @throws AuditError `INVALID_OPTION`, `DELIVERY_TIMEOUT`, `DELIVERY_REFUSED`
 */
export function checkTopics(options: TopicOptions): Promise<readonly TopicProblem[]> {
  return withAdmin('checkTopics', options, async (admin, names) => {
    const plan = await planFor(admin, options)
    const present = new Set(await admin.listTopics())
    const missing = names
      .filter((name) => !present.has(name))
      .map((topic): TopicProblem => {
        const expected = 'present'
        return { code: 'TOPIC_MISSING', topic, setting: 'topic', expected, actual: 'missing' }
      })
    const there = names.filter((name) => present.has(name))
    return [...missing, ...(await findProblems(admin, there, plan))]
  })
}

async function withAdmin<T>(
  label: string,
  options: TopicOptions,
  run: (admin: Admin, names: readonly string[]) => Promise<T>,
): Promise<T> {
  assertKnownKeys(label, options, OPTION_NAMES)
  const connection = checkConnectionOptions(label, options)
  const { records, checkpoints, deadLetters } = topicNames(options.topicPrefix)
  const timeoutMillis = integerOption(`${label}.timeoutMillis`, options.timeoutMillis, {
    min: 500,
    max: 600_000,
    fallback: 30_000,
  })
  checkNumbers(label, options)
  const late = (): Error =>
    new AuditError('DELIVERY_TIMEOUT', `${label}: Kafka did not answer within ${timeoutMillis} ms`)
  const client = await openKafkajs(connection, 'foreground')
  try {
    const admin = client.kafka.admin()
    const work = async (): Promise<T> => {
      await admin.connect()
      return run(admin, [records, checkpoints, deadLetters])
    }
    return await withDeadline(work(), timeoutMillis, { late, hold: true })
  } catch (cause) {
    if (cause instanceof AuditError) throw cause
    const fault = kafkajsFault(cause)
    const code = fault.reason === 'unreachable' ? 'DELIVERY_TIMEOUT' : 'DELIVERY_REFUSED'
    throw new AuditError(code, `${label}: ${fault.message}`, { cause })
  } finally {
    client.discard()
  }
}

function checkNumbers(label: string, options: TopicOptions): void {
  const { partitions, replicationFactor, minInsyncReplicas, retentionMillis } = options
  const fallback = 1
  integerOption(`${label}.partitions`, partitions, { min: 1, max: 10_000, fallback })
  integerOption(`${label}.replicationFactor`, replicationFactor, { min: 1, max: 15, fallback })
  integerOption(`${label}.minInsyncReplicas`, minInsyncReplicas, {
    min: 1,
    max: replicationFactor ?? 15,
    fallback,
  })
  const longMax = Number.MAX_SAFE_INTEGER
  integerOption(`${label}.retentionMillis`, retentionMillis, { min: -1, max: longMax, fallback })
}

async function planFor(admin: Admin, options: TopicOptions): Promise<Plan> {
  const { brokers } = await admin.describeCluster()
  const replicationFactor = options.replicationFactor ?? Math.min(3, brokers.length)
  if (replicationFactor > brokers.length) {
    throw new AuditError(
      'INVALID_OPTION',
      `replicationFactor: ${replicationFactor} copies need as many brokers, and there are ` +
        `${brokers.length}; give at most that`,
      { details: { option: 'replicationFactor' } },
    )
  }
  return {
    partitions: options.partitions ?? 12,
    partitionsGiven: options.partitions !== undefined,
    replicationFactor,
    minInsyncReplicas: options.minInsyncReplicas ?? Math.max(1, replicationFactor - 1),
    retentionMillis: options.retentionMillis ?? -1,
  }
}

async function create(admin: Admin, topics: readonly string[], plan: Plan): Promise<void> {
  const entries = Object.entries({
    'min.insync.replicas': `${plan.minInsyncReplicas}`,
    'retention.ms': `${plan.retentionMillis}`,
    'retention.bytes': '-1',
    'cleanup.policy': 'delete',
    'unclean.leader.election.enable': 'false',
    'max.message.bytes': '1048588',
  })
  const deadLetters = (topic: string): boolean => topic.endsWith('audit.dead-letters.v1')
  await admin
    .createTopics({
      // With true it fails now and then on Kafka 4.2: the broker it asks may not know the topic yet.
      waitForLeaders: false,
      topics: topics.map((topic) => ({
        topic,
        numPartitions: deadLetters(topic) ? 1 : plan.partitions,
        replicationFactor: plan.replicationFactor,
        configEntries: entries.map(([name, value]) => ({ name, value })),
      })),
    })
    .catch((error: unknown) => {
      // What another process created meanwhile is checked like any existing topic.
      const errors = (error as { readonly errors?: readonly unknown[] }).errors ?? [error]
      const other = errors.find((e) => (e as { type?: unknown }).type !== 'TOPIC_ALREADY_EXISTS')
      if (other instanceof Error) throw other
    })
  while (!(await allLed(admin, topics))) {
    await new Promise((resolve) => setTimeout(resolve, LEADER_POLL_MILLIS))
  }
}

async function allLed(admin: Admin, topics: readonly string[]): Promise<boolean> {
  try {
    const metadata = await admin.fetchTopicMetadata({ topics: [...topics] })
    return metadata.topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))
  } catch (error) {
    const { reason, message } = kafkajsFault(error)
    if (reason === 'topic-missing' || message.startsWith('LEADER_NOT_AVAILABLE')) return false
    throw error
  }
}

/** In a cluster the broker that is asked may hear of a new topic later than the one that made it. */
async function onceKnown<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (kafkajsFault(error).reason !== 'topic-missing') throw error
      await new Promise((resolve) => setTimeout(resolve, LEADER_POLL_MILLIS))
    }
  }
}

type Rule = readonly [setting: string, expected: string, holds: (actual: string) => boolean]

function rulesFor(plan: Plan): Rule[] {
  const { minInsyncReplicas, retentionMillis } = plan
  const longEnough = (actual: string): boolean =>
    actual === '-1' || (retentionMillis >= 0 && Number(actual) >= retentionMillis)
  return [
    ['min.insync.replicas', `${minInsyncReplicas}`, (v) => Number(v) >= minInsyncReplicas],
    ['retention.ms', `${retentionMillis}`, longEnough],
    ['retention.bytes', '-1', (v) => v === '-1'],
    ['cleanup.policy', 'delete', (v) => v === 'delete'],
    ['unclean.leader.election.enable', 'false', (v) => v === 'false'],
    ['max.message.bytes', `${MESSAGE_BYTES_MIN}`, (v) => Number(v) >= MESSAGE_BYTES_MIN],
  ]
}

async function findProblems(
  admin: Admin,
  names: readonly string[],
  plan: Plan,
): Promise<TopicProblem[]> {
  if (names.length === 0) return []
  const code = 'TOPIC_UNSUITABLE'
  const problems: TopicProblem[] = []
  const { topics } = await onceKnown(() => admin.fetchTopicMetadata({ topics: [...names] }))
  for (const { name: topic, partitions } of topics) {
    const factor = Math.min(...partitions.map(({ replicas }) => replicas.length))
    if (factor < plan.replicationFactor) {
      const expected = `${plan.replicationFactor}`
      problems.push({ code, topic, setting: 'replication.factor', expected, actual: `${factor}` })
    }
    const exempt = !plan.partitionsGiven || topic.endsWith('audit.dead-letters.v1')
    if (!exempt && partitions.length !== plan.partitions) {
      const actual = `${partitions.length}`
      problems.push({ code, topic, setting: 'partitions', expected: `${plan.partitions}`, actual })
    }
  }
  const { resources } = await onceKnown(() =>
    admin.describeConfigs({
      includeSynonyms: false,
      resources: names.map((name) => ({ type: TOPIC_RESOURCE, name })),
    }),
  )
  for (const { resourceName: topic, configEntries } of resources) {
    const values = new Map(configEntries.map((entry) => [entry.configName, entry.configValue]))
    for (const [setting, expected, holds] of rulesFor(plan)) {
      const actual = values.get(setting) ?? 'unknown'
      if (!holds(actual)) problems.push({ code, topic, setting, expected, actual })
    }
  }
  return problems
}

function unsuitable(problems: readonly TopicProblem[]): AuditError {
  const list = problems.map((p) => `${p.topic}: ${p.setting} is ${p.actual}, not ${p.expected}`)
  return new AuditError(
    'TOPIC_UNSUITABLE',
    `existing topics do not fit an audit trail: ${list.join('; ')}; change them, or give the ` +
      'options that they were made with',
    { details: { topic: problems[0]?.topic ?? '' } },
  )
}
