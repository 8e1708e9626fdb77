// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { finished, Readable } from 'node:stream'
import { StreamDigest } from '@spanseal/core'
import type { CallOutcome, StreamedOutput } from './outcome.ts'

/** What a settling call needs: where it runs, what it tells, and how it judges. */
export interface Settlement {
  /** Runs code of the tool in the call's span and scope. */
  readonly inside: <T>(run: () => T) => T
  /** Told once how the call ended; never throws. */
  readonly finish: (outcome: CallOutcome) => void
  /** Told that the tool has been started and is waiting; never throws. */
  readonly started: () => void
  /** The outcome of a returned value: `success`, unless the value itself says it failed. */
  readonly judge: (value: unknown) => CallOutcome
  /** The outcome of an error. */
  readonly thrown: (error: unknown) => CallOutcome
}

/**
 * Follows whatever a tool returned until it is done, and hands the caller the same thing: a plain
 * value or stream is the same object, a native promise one that settles with the same value or error
 * right after the outcome is recorded, a generator a proxy that yields the same values.
 */
export function settle<T>(value: T, call: Settlement): T {
  if (typeof value !== 'object' || value === null) {
    if (typeof value !== 'function') {
      call.finish(call.judge(value))
      return value
    }
  }
  return (settleObject(value as object, call) ?? value) as T
}

/** The object to hand out instead, or undefined for the same one. */
function settleObject(value: object, call: Settlement): object | undefined {
  if (value instanceof Promise) return settlePromise(value, call)
  if (value instanceof Readable) return observeReadable(value, call)
  if (value instanceof ReadableStream) return observeWebStream(value, call)
  if (has(value, 'then')) return followThenable(value as PromiseLike<unknown>, call)
  if (has(value, Symbol.asyncIterator))
    return followAsyncIterable(value as AsyncIterable<unknown>, call)
  if (has(value, Symbol.iterator) && has(value, 'next')) {
    return followIterator(value as IterableIterator<unknown>, call)
  }
  call.finish(call.judge(value))
  return undefined
}

function has(value: object, key: PropertyKey): boolean {
  try {
    return typeof (value as Record<PropertyKey, unknown>)[key] === 'function'
  } catch {
    return false
  }
}

function settlePromise(promise: Promise<unknown>, call: Settlement): object | undefined {
  const onValue = (value: unknown): unknown => settle(value, call)
  const onError = (thrown: unknown): void => call.finish(call.thrown(thrown))
  if (promise.constructor === Promise) {
    const recorded = promise.then(onValue, (thrown) => {
      onError(thrown)
      throw thrown
    })
    call.started()
    return recorded
  }
  // A subclass has methods of its own that callers use: the caller keeps the object. Watching it
  // marks it as handled, so a rejection that nobody awaits is in the records only.
  Promise.prototype.then.call(promise, onValue, onError)
  call.started()
  return undefined
}

/** A lazy thenable starts its work in `then`: it is followed when the caller calls it. */
function followThenable(thenable: PromiseLike<unknown>, call: Settlement): object {
  call.started()
  return new Proxy(thenable, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target)
      if (typeof member !== 'function') return member
      if (key !== 'then') return member.bind(target)
      return (onValue?: (v: unknown) => unknown, onError?: (e: unknown) => unknown) =>
        call
          .inside(() => Promise.resolve(target.then((v) => settle(v, call), rethrowing(call))))
          .then(onValue, onError)
    },
  })
}

function rethrowing(call: Settlement): (thrown: unknown) => never {
  return (thrown) => {
    call.finish(call.thrown(thrown))
    throw thrown
  }
}

/** The digest of what passes by, ended once. */
class Passing {
  readonly #digest = new StreamDigest()
  readonly #call: Settlement
  #ended = false

  constructor(call: Settlement) {
    this.#call = call
  }

  item(value: unknown): void {
    if (!this.#ended) this.#digest.update(value)
  }

  end(outcome: CallOutcome, complete: boolean): void {
    if (this.#ended) return
    this.#ended = true
    const digest = this.#digest.end(complete) as StreamedOutput
    this.#call.finish({ ...outcome, output: { digest } })
  }

  failed(thrown: unknown): void {
    this.end(this.#call.thrown(thrown), false)
  }
}

type Step = IteratorResult<unknown>

function noteStep(passing: Passing, step: Step): Step {
  if (step.done === true) passing.end({ status: 'success' }, true)
  else passing.item(step.value)
  return step
}

function followIterator(iterator: IterableIterator<unknown>, call: Settlement): object {
  const passing = new Passing(call)
  call.started()
  const step = (name: 'next' | 'return' | 'throw', args: unknown[]): Step => {
    try {
      const result = call.inside(() =>
        (iterator[name] as (...a: unknown[]) => Step).apply(iterator, args),
      )
      if (name === 'return') passing.end({ status: 'cancelled' }, false)
      return noteStep(passing, result)
    } catch (thrown) {
      passing.failed(thrown)
      throw thrown
    }
  }
  return iterationProxy(iterator, step, Symbol.iterator)
}

function followAsyncIterable(iterable: AsyncIterable<unknown>, call: Settlement): object {
  call.started()
  const passing = new Passing(call)
  if (has(iterable, 'next'))
    return followAsyncIterator(iterable as AsyncIterableIterator<unknown>, passing, call)
  return new Proxy(iterable, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target)
      if (typeof member !== 'function') return member
      if (key !== Symbol.asyncIterator) return member.bind(target)
      return () =>
        followAsyncIterator(
          call.inside(() => target[Symbol.asyncIterator]()),
          passing,
          call,
        )
    },
  })
}

function followAsyncIterator(
  iterator: AsyncIterator<unknown>,
  passing: Passing,
  call: Settlement,
): object {
  const step = async (name: 'next' | 'return' | 'throw', args: unknown[]): Promise<Step> => {
    try {
      const method = iterator[name] as ((...a: unknown[]) => Promise<Step>) | undefined
      if (method === undefined) return { done: true, value: args[0] }
      const result = await call.inside(() => method.apply(iterator, args))
      if (name === 'return') passing.end({ status: 'cancelled' }, false)
      return noteStep(passing, result)
    } catch (thrown) {
      passing.failed(thrown)
      throw thrown
    }
  }
  return iterationProxy(iterator, step, Symbol.asyncIterator)
}

const STEPS = new Set<PropertyKey>(['next', 'return', 'throw'])

function iterationProxy(
  iterator: object,
  step: (name: 'next' | 'return' | 'throw', args: unknown[]) => unknown,
  self: symbol,
): object {
  const proxy: object = new Proxy(iterator, {
    get(target, key) {
      if (key === self) return () => proxy
      const member: unknown = Reflect.get(target, key, target)
      if (typeof member !== 'function') return member
      if (STEPS.has(key)) return (...args: unknown[]) => step(key as 'next', args)
      return member.bind(target)
    },
  })
  return proxy
}

/** The same stream, with each chunk noted as the tool pushes it. */
function observeReadable(stream: Readable, call: Settlement): undefined {
  const passing = new Passing(call)
  const buffered: unknown[] = []
  for (let chunk = stream.readableLength > 0 ? stream.read() : null; chunk !== null; ) {
    buffered.push(chunk)
    chunk = stream.readableLength > 0 ? stream.read() : null
  }
  for (const chunk of buffered) passing.item(chunk)
  for (const chunk of buffered.reverse()) stream.unshift(chunk)
  const push = stream.push
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk !== null)
      passing.item(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)
    return push.call(stream, chunk, encoding)
  }
  call.started()
  finished(stream, { writable: false }, (error) => {
    if (error === null || error === undefined) passing.end({ status: 'success' }, true)
    else if ((error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE') {
      passing.end({ status: 'cancelled' }, false)
    } else passing.failed(error)
  })
  return undefined
}

function observeWebStream(
  stream: ReadableStream<unknown>,
  call: Settlement,
): ReadableStream<unknown> {
  const passing = new Passing(call)
  const reader = stream.getReader()
  call.started()
  return new ReadableStream<unknown>({
    async pull(controller) {
      try {
        const step = await call.inside(() => reader.read())
        if (step.done) {
          passing.end({ status: 'success' }, true)
          controller.close()
        } else {
          passing.item(step.value)
          controller.enqueue(step.value)
        }
      } catch (thrown) {
        passing.failed(thrown)
        controller.error(thrown)
      }
    },
    async cancel(reason) {
      passing.end({ status: 'cancelled' }, false)
      await reader.cancel(reason)
    },
  })
}
