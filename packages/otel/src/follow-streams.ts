// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Readable } from 'node:stream'
import type { Settlement } from './settlement.ts'
import { override, Passing } from './settlement.ts'

/**
 * The same Node stream. What it emits is observed where it is emitted: a listener of ours would start
 * its flow, and one for `error` would keep an unhandled error from ending the process.
 */
export function followNodeStream(stream: Readable, call: Settlement): Readable {
  const passing = new Passing(call)
  const emit = stream.emit.bind(stream) as (event: string | symbol, ...args: unknown[]) => boolean
  const unshift = stream.unshift.bind(stream)
  const observed = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event === 'data') passing.item(args[0])
    else if (event === 'end') passing.completed()
    else if (event === 'error') passing.failed(args[0])
    else if (event === 'close') passing.cancelled() // unless it ended before
    return emit(event, ...args)
  }
  if (stream.errored !== null) passing.failed(stream.errored)
  else if (stream.destroyed) passing.cancelled()
  else if (override(stream, 'emit', observed)) {
    // What a reader puts back is emitted again.
    override(stream, 'unshift', (chunk: unknown, encoding?: BufferEncoding) => {
      passing.disturbed()
      unshift(chunk, encoding)
    })
    call.started()
  } else call.finish({ status: 'unknown', output: { value: stream } })
  return stream
}

/** A web stream that passes the same chunks on, read only when the caller reads. */
export function followWebStream(
  stream: ReadableStream<unknown>,
  call: Settlement,
): ReadableStream<unknown> {
  if (stream.locked) {
    call.finish({ status: 'unknown', output: { value: stream } })
    return stream
  }
  const passing = new Passing(call)
  const isByteStream = hasByteReader(stream)
  const reader = stream.getReader()
  call.started()
  const pull = async (controller: Controller): Promise<void> => {
    try {
      const step = await call.inside(() => reader.read())
      if (step.done) {
        passing.completed()
        controller.close()
        answerPendingRead(controller)
      } else {
        passing.item(step.value)
        controller.enqueue(step.value)
      }
    } catch (thrown) {
      passing.failed(thrown)
      controller.error(thrown)
    }
  }
  const cancel = (reason: unknown): Promise<void> => {
    passing.cancelled()
    return call.inside(() => reader.cancel(reason))
  }
  // Both kinds of stream have a controller with the methods that are used here.
  const source = { pull, cancel, ...(isByteStream ? { type: 'bytes' as const } : {}) }
  return new ReadableStream(source as object, { highWaterMark: 0 })
}

interface Controller {
  readonly byobRequest?: { respond(bytes: number): void } | null
  enqueue(chunk: unknown): void
  close(): void
  error(reason: unknown): void
}

/** A reader that brought its own buffer waits until it is told that no byte comes. */
function answerPendingRead({ byobRequest }: Controller): void {
  byobRequest?.respond(0)
}

function hasByteReader(stream: ReadableStream<unknown>): boolean {
  try {
    stream.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}
