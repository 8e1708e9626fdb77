// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Settlement } from './settlement.ts'
import { override } from './settlement.ts'

type Settle = (value: unknown, call: Settlement) => unknown
type OnValue = ((value: unknown) => unknown) | null
type OnError = ((error: unknown) => unknown) | null

// Read once: what a subclass calls `then` may be another one.
const nativeThen: unknown = Reflect.get(Promise.prototype, 'then')

/**
 * A promise of a class of its own, whose other methods the caller may use: it stays the same object.
 *
 * Where its `then` is the native one it is watched at once. That marks it as handled: a rejection
 * that nobody awaits is in the records only.
 */
export function followSubclass(
  promise: Promise<unknown>,
  call: Settlement,
  settle: Settle,
): object {
  try {
    if (promise.then === nativeThen) {
      void promise.then(
        (value) => settle(value, call),
        (thrown: unknown) => call.finish(call.thrown(thrown)),
      )
      call.started()
      return promise
    }
  } catch {
    // A class whose constructor takes something else than an executor cannot be derived from.
  }
  return followThenable(promise, call, settle)
}

/**
 * A thenable starts its work when somebody calls `then` (query builders do), so it is followed from
 * there. Called twice, its first settlement counts.
 */
export function followThenable(
  thenable: PromiseLike<unknown>,
  call: Settlement,
  settle: Settle,
): object {
  const original: unknown = Reflect.get(thenable, 'then')
  const then = (onValue?: OnValue, onError?: OnError): Promise<unknown> => {
    const started = call.inside(() => {
      return new Promise((resolve, reject) => {
        Reflect.apply(original as () => void, thenable, [resolve, reject])
      })
    })
    const recorded = started.then(
      (value) => settle(value, call),
      (thrown: unknown) => {
        call.finish(call.thrown(thrown))
        throw thrown
      },
    )
    // biome-ignore lint/suspicious/noThenProperty: the caller's own continuation
    return recorded.then(onValue, onError)
  }
  if (override(thenable, 'then', then)) call.started()
  else call.finish({ status: 'unknown', output: { value: thenable } })
  return thenable
}
