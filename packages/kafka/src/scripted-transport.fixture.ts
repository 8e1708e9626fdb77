// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { KafkaTransport, SendRequest, SendResult, TransportFault } from './transport.ts'

/** What the broker does with one request; `undefined` acknowledges it as a broker does. */
export type Step = (
  request: SendRequest,
  acknowledge: () => readonly SendResult[],
) => readonly SendResult[] | Promise<readonly SendResult[]>

export class FaultError extends Error {
  readonly fault: TransportFault

  constructor(kind: TransportFault['kind'], reason: TransportFault['reason'] = 'other') {
    super(`${kind}, ${reason}`)
    this.fault = { kind, reason, message: this.message }
  }
}

/** A broker that exists in memory, behind the transport port, with faults in a fixed order. */
export class ScriptedBroker {
  /** What is in the topics, by `<topic>/<partition>`. */
  readonly logs = new Map<string, SendRequest['records'][number][]>()
  readonly requests: SendRequest[] = []
  /** What was to be made ready. */
  readonly prepared: SendRequest[] = []
  readonly steps: Step[] = []
  partitionCount = 4
  clients = 0
  closedClients = 0
  inFlight = 0
  inFlightMax = 0
  connectError: Error | undefined
  /** Records that a request may have. */
  recordCountMax = Number.POSITIVE_INFINITY
  /** Requests that are too large. */
  refuses: (request: SendRequest) => boolean = () => false

  readonly transport = (): KafkaTransport => {
    this.clients++
    let closed = false
    return {
      connect: () =>
        this.connectError === undefined ? Promise.resolve() : Promise.reject(this.connectError),
      partitions: () => Promise.resolve(this.partitionCount),
      prepare: (request) => void this.prepared.push(request),
      send: (request) => this.#send(request),
      classify: (error) =>
        error instanceof FaultError
          ? error.fault
          : { kind: 'ambiguous', reason: 'other', message: String(error) },
      close: () => {
        if (!closed) this.closedClients++
        closed = true
        return Promise.resolve()
      },
    }
  }

  async #send(request: SendRequest): Promise<readonly SendResult[]> {
    this.inFlight++
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight)
    this.requests.push(request)
    try {
      await Promise.resolve()
      if (request.records.length > this.recordCountMax || this.refuses(request)) {
        throw new FaultError('fatal', 'too-large')
      }
      const step = this.steps.shift()
      const acknowledge = (): readonly SendResult[] => this.#append(request)
      return await (step === undefined ? acknowledge() : step(request, acknowledge))
    } finally {
      this.inFlight--
    }
  }

  #append({ topic, partition, records }: SendRequest): readonly SendResult[] {
    const place = `${topic}/${partition}`
    const log = this.logs.get(place) ?? []
    const baseOffset = `${log.length}`
    log.push(...records)
    this.logs.set(place, log)
    return [{ topic, partition, errorCode: 0, baseOffset }]
  }
}
