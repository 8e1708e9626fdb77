// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Kafka } from 'kafkajs'

/**
 * Five faults of kafkajs 2.2.4, which has had no commit since May 2024, repaired in the objects of
 * one client of ours. Nobody else's client, no prototype and no global is touched. Where a later
 * kafkajs is built otherwise, a repair finds nothing to do and the fault is back; none of them
 * touches what is delivered.
 *
 * 1. Every request queue re-arms a timer with a negative delay for ever: 2.1 % of a core while idle,
 *    and Node 24 prints a `TimeoutNegativeWarning` (tulios/kafkajs#1751, #1768).
 * 2. Its other timer, which looks for requests that are overdue, keeps the process alive.
 * 3. A discarded producer goes on retrying in the background, and what it still sends becomes
 *    duplicates; `disconnect()` does not end that.
 * 4. A request without an answer is tried again on the same connection, with what is known of the
 *    leaders unchanged: a frozen broker holds the client for as long as it is frozen, although there
 *    is another leader after seconds. Here its connection ends, and that makes kafkajs ask anew.
 * 5. An admin says that a partition ends where the oldest open transaction begins: whoever opens one
 *    would hide what comes behind it from a bounded read.
 */

/** A request on its way; kafkajs rejects it when its time is over. */
interface PushedRequest {
  readonly entry: { reject(error: Error): void }
}

interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  readonly requestTimeoutIntervalId?: NodeJS.Timeout
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
  scheduleRequestTimeoutCheck(): void
  createSocketRequest(request: PushedRequest): unknown
}

interface Connection {
  readonly host: string
  readonly port: number
  readonly requestQueue: RequestQueue
  readonly socket?: { destroy(error: Error): void }
}

interface ConnectionPool {
  readonly pool: readonly Connection[]
}

interface Cluster {
  readonly connectionPoolBuilder: { build(...args: unknown[]): Promise<ConnectionPool> }
}

/** Kafka's number for "all that is there". */
const READ_UNCOMMITTED = 0
const CLUSTER_FACTORY = 'private:Kafka:createCluster'
const PENDING_CHECK_MILLIS = 10

/** What every retry loop of kafkajs calls on its cluster before it sends anything. */
const STEPS = [
  'connect',
  'refreshMetadata',
  'refreshMetadataIfNecessary',
  'metadata',
  'addMultipleTargetTopics',
  'findBroker',
  'findControllerBroker',
  'findGroupCoordinator',
] as const

/**
 * Repairs a client before its first producer, consumer or admin is made.
 *
 * @param background the client's timers shall not keep the process alive
 * @returns a function that ends all retrying of the client and of whatever it still makes
 */
export function repairKafkajs(kafka: Kafka, background: boolean): () => void {
  const clusters: Cluster[] = []
  let ended = false
  const client = kafka as unknown as Record<symbol, unknown>
  const key = Object.getOwnPropertySymbols(kafka).find((s) => s.description === CLUSTER_FACTORY)
  const create = key === undefined ? undefined : client[key]
  if (key !== undefined && typeof create === 'function') {
    client[key] = (options: unknown): unknown => {
      const settings = { isolationLevel: READ_UNCOMMITTED, ...(options as object | undefined) }
      const cluster: unknown = Reflect.apply(create, kafka, [settings])
      if (isCluster(cluster)) {
        repairTimers(cluster, background)
        clusters.push(cluster)
        if (ended) endRetries(cluster)
      }
      return cluster
    }
  }
  return () => {
    ended = true
    clusters.forEach(endRetries)
  }
}

function isCluster(value: unknown): value is Cluster {
  const builder = (value as Partial<Cluster> | undefined)?.connectionPoolBuilder
  return typeof builder?.build === 'function'
}

function repairTimers({ connectionPoolBuilder }: Cluster, background: boolean): void {
  const build = connectionPoolBuilder.build.bind(connectionPoolBuilder)
  connectionPoolBuilder.build = async (...args) => {
    const pool = await build(...args)
    for (const connection of pool.pool ?? []) {
      repairQueue(connection.requestQueue, background)
      endWithoutAnswer(connection)
    }
    return pool
  }
}

function repairQueue(queue: RequestQueue, background: boolean): void {
  queue.scheduleCheckPendingRequests = (): void => {
    // Without a pending request there is nothing to check: the next one that has to wait asks again.
    if (queue.throttleCheckTimeoutId !== null || queue.pending.length === 0) return
    const waitMillis = queue.throttledUntil - Date.now()
    queue.throttleCheckTimeoutId = setTimeout(
      () => {
        queue.throttleCheckTimeoutId = null
        queue.checkPendingRequests()
      },
      waitMillis > 0 ? waitMillis : PENDING_CHECK_MILLIS,
    )
  }
  if (!background) return
  const schedule = queue.scheduleRequestTimeoutCheck.bind(queue)
  queue.scheduleRequestTimeoutCheck = (): void => {
    schedule()
    queue.requestTimeoutIntervalId?.unref()
  }
}

/** A request that got no answer counts as one whose connection was closed, and it is closed. */
function endWithoutAnswer(connection: Connection): void {
  const { host, port, requestQueue } = connection
  const create = requestQueue.createSocketRequest.bind(requestQueue)
  requestQueue.createSocketRequest = (request) => {
    const { entry } = request
    const reject = entry.reject.bind(entry)
    entry.reject = (error): void => {
      if (error.name !== 'KafkaJSRequestTimeoutError') return reject(error)
      connection.socket?.destroy(error)
      reject(Object.assign(error, { name: 'KafkaJSConnectionClosedError', host, port }))
    }
    return create(request)
  }
}

function endRetries(cluster: Cluster): void {
  const ended = (): Promise<never> =>
    // kafkajs tries again after every error but those that say this.
    Promise.reject(
      Object.assign(new Error('this Kafka client was discarded'), { retriable: false }),
    )
  cluster.connectionPoolBuilder.build = ended
  for (const step of STEPS) (cluster as unknown as Record<string, unknown>)[step] = ended
}
