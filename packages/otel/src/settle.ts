// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { Readable } from 'node:stream'
import { types } from 'node:util'
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
  try {
    return settleObject(value as object, call) as T
  } catch {
    // What throws when it is looked at (a revoked proxy) is a value all the same.
    call.finish(call.judge(value))
    return value
  }
}

function settleObject(value: object, call: Settlement): object {
  if (types.isPromise(value)) {
    if (value.constructor !== Promise) return followSubclass(value, call, settle)
    // The intrinsic method: a `then` of the promise's own is not what `await` calls either.
    const recorded = Promise.prototype.then.call(
      value,
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
