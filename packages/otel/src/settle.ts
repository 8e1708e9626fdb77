// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { Readable } from 'node:stream'
import { followAsyncIterable, followIterator } from './follow-iterators.ts'
import { followNodeStream, followWebStream } from './follow-streams.ts'
import { followSubclass, followThenable } from './follow-thenables.ts'
import type { Settlement } from './settlement.ts'
import { has } from './settlement.ts'

/**
 * Follows whatever a tool returned until it is done, and hands the caller what to go on with: a
 * native promise gives one that settles with the same value or error right after the outcome is
 * recorded, a web stream one that passes the same chunks on; everything else is the same object.
 */
export function settle<T>(value: T, call: Settlement): T {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') {
    call.finish(call.judge(value))
    return value
  }
  return settleObject(value as object, call) as T
}

function settleObject(value: object, call: Settlement): object {
  if (value instanceof Promise) {
    if (value.constructor !== Promise) return followSubclass(value, call, settle)
    const recorded = value.then(
      (result: unknown) => settle(result, call),
      (thrown: unknown) => {
        call.finish(call.thrown(thrown))
        throw thrown
      },
    )
    call.started()
    return recorded
  }
  if (value instanceof Readable) return followNodeStream(value, call)
  if (value instanceof ReadableStream) return followWebStream(value, call)
  if (has(value, 'then')) return followThenable(value as PromiseLike<unknown>, call, settle)
  if (has(value, Symbol.asyncIterator)) return followAsyncIterable(value, call)
  if (has(value, Symbol.iterator) && has(value, 'next')) return followIterator(value, call)
  call.finish(call.judge(value))
  return value
}
