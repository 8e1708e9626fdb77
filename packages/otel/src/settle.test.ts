// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { SpanStatusCode } from '@opentelemetry/api'
import type { ToolEnd } from '@spanseal/core'
import { StreamDigest } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import type { TestAudit } from './audit.fixture.ts'
import { anAudit, endOf, ofType } from './audit.fixture.ts'

/** What record and span say of the one call of `probe`; both must say the same. */
function outcome({ records, span }: TestAudit): ToolEnd['invocation'] {
  const all = records()
  const starts = ofType(all, 'tool.start').filter((start) => start.tool.name === 'probe')
  expect(starts).toHaveLength(1)
  const { invocation } = endOf(all, 'probe')
  const { attributes, status } = span('execute_tool probe')
  expect(attributes['invocation.status']).toBe(invocation.status)
  expect(attributes['error.type']).toBe(
    invocation.error?.type ?? (invocation.status === 'success' ? undefined : invocation.status),
  )
  expect(status.code).toBe(
    invocation.status === 'success' ? SpanStatusCode.UNSET : SpanStatusCode.ERROR,
  )
  return invocation
}

/** An audit and one tool. */
function probe<R>(run: (...args: never[]) => R): TestAudit & { call: (...args: never[]) => R } {
  const test = anAudit()
  return { ...test, call: test.audit.tool({ name: 'probe' }, run) }
}

function caught(run: () => unknown): unknown {
  try {
    run()
  } catch (thrown) {
    return thrown
  }
  throw new Error('nothing was thrown')
}

async function rejected(run: () => Promise<unknown>): Promise<unknown> {
  try {
    await run()
  } catch (thrown) {
    return thrown
  }
  throw new Error('nothing was rejected')
}

describe('a tool that returns at once', () => {
  it('hands the caller the very object, and its end says success', () => {
    const result = { ok: true }
    const test = probe(() => result)
    expect(test.call()).toBe(result)
    expect(outcome(test)).toMatchObject({ status: 'success', output: { enc: 'json' } })
  })

  it.each([
    ['null', null, 'json'],
    ['undefined', undefined, 'typed/1'],
    ['a number', 7, 'json'],
    ['a text', 'text of the answer', 'text'],
    ['bytes', Buffer.from('abc'), 'bytes'],
    ['a big integer', 10n, 'typed/1'],
    ['a map', new Map([['a', 1]]), 'typed/1'],
    // oxlint-disable-next-line no-sparse-arrays -- a hole is what is tested
    ['an array with holes', [1, , 3], 'typed/1'],
    ['not a number', Number.NaN, 'typed/1'],
  ])('commits to %s', (_, value, enc) => {
    const test = probe(() => value)
    expect(test.call()).toBe(value)
    expect(outcome(test)).toMatchObject({ status: 'success', output: { enc } })
  })

  it('commits to a cycle, a function and a getter that throws, and marks what it could not read', () => {
    const value: Record<string, unknown> = { run: () => {} }
    value['self'] = value
    Object.defineProperty(value, 'bad', {
      enumerable: true,
      get() {
        throw new Error('no')
      },
    })
    const test = probe(() => value)
    expect(test.call()).toBe(value)
    expect(outcome(test)).toMatchObject({
      status: 'success',
      output: { enc: 'typed/1', partial: true },
    })
  })

  it('keeps `this`, the arguments, the name and the number of parameters', () => {
    const { audit } = anAudit()
    class Till {
      readonly #sum = 3
      add = audit.tool({ name: 'add' }, function addAll(this: unknown, a: number, b: number) {
        return (this as Till).#sum + a + b
      })
    }
    const till = new Till()
    expect(till.add(1, 2)).toBe(6)
    expect(till.add.name).toBe('addAll')
    expect(till.add.length).toBe(2)
  })
})

describe('a tool that throws', () => {
  it('gives the caller the same error with the same stack', () => {
    const error = new RangeError('too much')
    const { stack } = error
    const test = probe(() => {
      throw error
    })
    expect(caught(() => test.call())).toBe(error)
    expect(error.stack).toBe(stack)
    expect(outcome(test)).toMatchObject({ status: 'error', error: { type: 'RangeError' } })
    expect(outcome(test)).not.toHaveProperty('output')
  })

  it.each([
    ['undefined', undefined, 'undefined'],
    ['null', null, 'object'],
    ['a text', 'boom', 'string'],
    ['a plain object', { code: 'E_CUSTOM', message: 'm' }, 'Object'],
    ['an error without a name', Object.assign(new Error('m'), { name: '' }), 'Error'],
  ])('passes %s on unchanged', (_, thrown, type) => {
    const test = probe(() => {
      throw thrown
    })
    expect(caught(() => test.call())).toBe(thrown)
    expect(outcome(test)).toMatchObject({ status: 'error', error: { type } })
  })

  it('survives an error whose every property throws', () => {
    const hostile = new Proxy(new Error('x'), {
      get() {
        throw new Error('no')
      },
      getPrototypeOf() {
        throw new Error('no')
      },
    })
    const test = probe(() => {
      throw hostile
    })
    expect(caught(() => test.call())).toBe(hostile)
    expect(outcome(test)).toMatchObject({ status: 'error', error: { type: 'Error' } })
  })

  it('is timeout or cancelled by the names and codes of the platform', async () => {
    const cases: [unknown, string][] = [
      [new DOMException('late', 'TimeoutError'), 'timeout'],
      [Object.assign(new Error('late'), { code: 'ETIMEDOUT' }), 'timeout'],
      [new DOMException('stop', 'AbortError'), 'cancelled'],
      [Object.assign(new Error('stop'), { code: 'ABORT_ERR' }), 'cancelled'],
    ]
    for (const [thrown, status] of cases) {
      const test = probe(async () => {
        throw thrown
      })
      expect(await rejected(() => test.call())).toBe(thrown)
      expect(outcome(test)).toMatchObject({ status })
    }
  })
})

describe('an asynchronous tool', () => {
  it('is recorded before its promise settles for the caller', async () => {
    const result = { ok: true }
    const test = probe(async () => {
      await sleep(1)
      return result
    })
    const promise = test.call()
    expect(test.ofType('tool.start')).toHaveLength(1)
    expect(test.ofType('tool.end')).toHaveLength(0)
    expect(await promise).toBe(result)
    expect(outcome(test)).toMatchObject({ status: 'success' })
  })

  it('rejects with the same error and stack', async () => {
    const error = new TypeError('no')
    const { stack } = error
    const test = probe(() => Promise.reject(error))
    expect(await rejected(() => test.call())).toBe(error)
    expect(error.stack).toBe(stack)
    expect(outcome(test)).toMatchObject({ status: 'error', error: { type: 'TypeError' } })
  })

  it('rejects with undefined as it did before', async () => {
    const test = probe(() => Promise.reject(undefined))
    expect(await rejected(() => test.call())).toBe(undefined)
    expect(outcome(test)).toMatchObject({ status: 'error', error: { type: 'undefined' } })
  })

  it('is cancelled when the signal in its arguments was aborted with what it threw', async () => {
    for (const wrap of [(signal: AbortSignal) => signal, (signal: AbortSignal) => ({ signal })]) {
      const test = anAudit()
      const call = test.audit.tool(
        { name: 'probe' },
        async (arg: AbortSignal | { signal: AbortSignal }) => {
          const signal = arg instanceof AbortSignal ? arg : arg.signal
          await sleep(1)
          signal.throwIfAborted()
        },
      )
      const controller = new AbortController()
      const reason = new Error('the user left')
      const promise = call(wrap(controller.signal))
      controller.abort(reason)
      expect(await rejected(() => promise)).toBe(reason)
      expect(outcome(test)).toMatchObject({ status: 'cancelled' })
    }
  })

  it('is a time-out when the signal in its arguments ran out', async () => {
    const test = anAudit()
    const call = test.audit.tool({ name: 'probe' }, async ({ signal }: { signal: AbortSignal }) => {
      await sleep(1_000, undefined, { signal })
    })
    await rejected(() => call({ signal: AbortSignal.timeout(5) }))
    expect(outcome(test)).toMatchObject({ status: 'cancelled' }) // Node's timers say AbortError
    const other = anAudit()
    const polling = other.audit.tool({ name: 'probe' }, async (signal: AbortSignal) => {
      while (!signal.aborted) await sleep(1)
      throw signal.reason
    })
    await rejected(() => polling(AbortSignal.timeout(5)))
    expect(outcome(other)).toMatchObject({ status: 'timeout' })
  })

  it('that never settles is open at shutdown: listed in epoch.close, its span ended as unknown', async () => {
    const test = anAudit()
    const call = test.audit.tool({ name: 'probe' }, () => new Promise<string>(() => {}))
    void call()
    expect(await test.audit.shutdown()).toEqual({ openCalls: 1, undelivered: {} })
    const [start] = test.ofType('tool.start')
    const [close] = test.ofType('epoch.close')
    expect(close?.detail.open).toEqual([`${start?.chain.epoch}/${start?.chain.seq}`])
    const { attributes, status } = test.span('execute_tool probe')
    expect(attributes['invocation.status']).toBe('unknown')
    expect(attributes['spanseal.start.seq']).toBe(start?.chain.seq)
    expect(status.code).toBe(SpanStatusCode.UNSET)
  })

  it('that settles after shutdown still gives its value, and the missing outcome is counted', async () => {
    const test = anAudit()
    let settle: (value: string) => void = () => {}
    const call = test.audit.tool(
      { name: 'probe' },
      () => new Promise<string>((resolve) => (settle = resolve)),
    )
    const promise = call()
    await test.audit.shutdown()
    settle('late')
    expect(await promise).toBe('late')
    expect(test.audit.health()).toMatchObject({ ok: false, journal: { recordsFailed: 1 } })
    expect(test.spans()).toHaveLength(1)
  })
})

describe('promises of other classes', () => {
  class Deferred<T> extends Promise<T> {
    extra(): string {
      return 'extra'
    }
  }

  it('a subclass stays the same object and is watched', async () => {
    const deferred = new Deferred<number>((resolve) => setTimeout(resolve, 1, 5))
    const test = probe(() => deferred)
    const returned = test.call()
    expect(returned).toBe(deferred)
    expect(returned.extra()).toBe('extra')
    expect(await returned).toBe(5)
    expect(outcome(test)).toMatchObject({ status: 'success' })
  })

  it('a rejecting subclass gives the caller its error', async () => {
    const error = new Error('no')
    const test = probe(() => Deferred.reject(error))
    expect(await rejected(() => test.call())).toBe(error)
    expect(outcome(test)).toMatchObject({ status: 'error' })
  })

  it('a subclass that does its work in `then`, and takes other arguments, works as before', async () => {
    // The shape of the promises of provider SDKs.
    class ApiPromise extends Promise<{ data: string }> {
      readonly #response: Promise<string>
      constructor(response: Promise<string>) {
        super((resolve) => resolve({ data: 'not this' }))
        this.#response = response
      }
      // oxlint-disable-next-line unicorn/no-thenable -- what such classes do is what is tested
      override then<A, B>(
        onValue?: ((value: { data: string }) => A | PromiseLike<A>) | null,
        onError?: ((error: unknown) => B | PromiseLike<B>) | null,
      ): Promise<A | B> {
        // biome-ignore lint/suspicious/noThenProperty: that is what such classes do
        return this.#response.then((data) => ({ data })).then(onValue, onError)
      }
    }
    const promise = new ApiPromise(Promise.resolve('this'))
    const test = probe(() => promise)
    const returned = test.call()
    expect(returned).toBe(promise)
    expect(await returned).toEqual({ data: 'this' })
    expect(outcome(test)).toMatchObject({ status: 'success', output: { enc: 'json' } })
  })

  it('a thenable starts when it is awaited, stays the same object, and is recorded then', async () => {
    let started = 0
    const query = {
      where: () => query,
      // oxlint-disable-next-line unicorn/no-thenable -- query builders are what is tested
      then(onValue: (rows: number[]) => void) {
        started++
        onValue([1, 2])
      },
    }
    const test = probe(() => query)
    const returned = test.call()
    expect(returned).toBe(query)
    expect(started).toBe(0)
    expect(test.ofType('tool.end')).toHaveLength(0)
    expect(await (returned.where() as unknown as Promise<number[]>)).toEqual([1, 2])
    expect(started).toBe(1)
    expect(outcome(test)).toMatchObject({ status: 'success' })
  })

  it('a frozen thenable cannot be followed: the same object, and the outcome is unknown', () => {
    // oxlint-disable-next-line unicorn/no-thenable -- as above
    const frozen = Object.freeze({ then: (onValue: (value: number) => void) => onValue(1) })
    const test = anAudit()
    const call = test.audit.tool({ name: 'probe' }, () => frozen)
    expect(call()).toBe(frozen)
    expect(endOf(test.records(), 'probe').invocation.status).toBe('unknown')
  })
})

describe('generators', () => {
  it('a generator is the same object, ends when it is done, and commits to its items', () => {
    function* numbers() {
      yield { n: 1 }
      yield { n: 2 }
      return 'done'
    }
    const generator = numbers()
    const test = probe(() => generator)
    const returned = test.call()
    expect(returned).toBe(generator)
    expect([...returned]).toEqual([{ n: 1 }, { n: 2 }])
    expect(outcome(test)).toMatchObject({ status: 'success', output: { enc: 'items/1' } })
  })

  it('an async generator runs every step inside the call', async () => {
    const test = anAudit()
    const inner = test.audit.tool({ name: 'inner' }, () => 1)
    const call = test.audit.tool({ name: 'probe' }, async function* () {
      yield inner()
      await sleep(1)
      yield inner()
    })
    const seen: number[] = []
    for await (const item of call()) seen.push(item)
    expect(seen).toEqual([1, 1])
    expect(outcome(test)).toMatchObject({ status: 'success' })
    const parent = test.span('execute_tool probe').spanContext().spanId
    const inners = test.spans().filter((span) => span.name === 'execute_tool inner')
    expect(inners.map((span) => span.parentSpanContext?.spanId)).toEqual([parent, parent])
  })

  it('leaving the loop early is cancelled and the commitment partial; `finally` still runs', async () => {
    let cleaned = false
    const test = probe(async function* () {
      try {
        yield 'a'
        yield 'b'
      } finally {
        cleaned = true
      }
    })
    for await (const _ of test.call()) break
    expect(cleaned).toBe(true)
    expect(outcome(test)).toMatchObject({ status: 'cancelled', output: { partial: true } })
  })

  it('an error in a step reaches the caller unchanged', async () => {
    const error = new Error('in between')
    const test = probe(async function* () {
      yield 1
      throw error
    })
    expect(
      await rejected(async () => {
        for await (const _ of test.call());
      }),
    ).toBe(error)
    expect(outcome(test)).toMatchObject({ status: 'error', output: { partial: true } })
  })

  it('what the caller sends in with next() and throw() arrives', () => {
    const test = probe(function* (): Generator<string, string, string> {
      try {
        const sent = yield 'first'
        yield sent
      } catch (thrown) {
        return String(thrown)
      }
      return 'end'
    })
    const generator = test.call()
    expect(generator.next().value).toBe('first')
    expect(generator.next('sent').value).toBe('sent')
    expect(generator.throw('thrown')).toEqual({ done: true, value: 'thrown' })
    expect(outcome(test)).toMatchObject({ status: 'success' })
  })

  it('an object that gives async iterators is followed when it is iterated', async () => {
    class Feed {
      async *[Symbol.asyncIterator]() {
        yield* ['a', 'b']
      }
    }
    const feed = new Feed()
    const test = probe(async () => feed)
    const returned = await test.call()
    expect(returned).toBe(feed)
    expect(await Array.fromAsync(returned)).toEqual(['a', 'b'])
    expect(outcome(test)).toMatchObject({ status: 'success', output: { enc: 'bytes' } })
  })

  it('an iterator without return() that is left early is cancelled', () => {
    const iterator = {
      count: 0,
      next() {
        return { done: false, value: this.count++ }
      },
      [Symbol.iterator]() {
        return this
      },
    }
    const test = probe(() => iterator)
    for (const item of test.call()) if (item === 2) break
    expect(outcome(test)).toMatchObject({ status: 'cancelled' })
  })
})

describe('streams', () => {
  const whole = (...chunks: unknown[]): string => {
    const digest = new StreamDigest()
    for (const chunk of chunks) digest.update(chunk)
    return digest.end(true).h
  }

  it('a Node stream is the same object, flows only when read, and its bytes are committed', async () => {
    const stream = Readable.from([Buffer.from('ab'), Buffer.from('cd')], { objectMode: false })
    const test = probe(() => stream)
    const returned = test.call()
    expect(returned).toBe(stream)
    expect(returned.readableFlowing).toBe(null)
    expect(returned.listenerCount('error')).toBe(0)
    expect(Buffer.concat(await Array.fromAsync(returned)).toString()).toBe('abcd')
    expect(outcome(test)).toMatchObject({
      status: 'success',
      output: { enc: 'bytes' },
      observed: { output_bytes: 4 },
    })
    expect(whole('abcd')).toBe(whole(Buffer.from('ab'), Buffer.from('cd')))
  })

  it('chunks that were buffered before the tool returned are committed once', async () => {
    const stream = new Readable({ read() {} })
    stream.push('early')
    stream.push(null)
    stream.read(0)
    const test = probe(() => stream)
    const chunks: Buffer[] = []
    for await (const chunk of test.call()) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks).toString()).toBe('early')
    expect(outcome(test)).toMatchObject({ status: 'success', observed: { output_bytes: 8 } })
  })

  it('an object stream is committed item by item', async () => {
    const test = probe(async () => Readable.from([{ a: 1 }, { a: 2 }]))
    expect(await Array.fromAsync(await test.call())).toEqual([{ a: 1 }, { a: 2 }])
    expect(outcome(test)).toMatchObject({ status: 'success', output: { enc: 'items/1' } })
  })

  it('a stream that fails gives its reader the error', async () => {
    const error = new Error('broken pipe')
    const stream = new Readable({
      read() {
        this.destroy(error)
      },
    })
    const test = probe(() => stream)
    expect(await rejected(() => Array.fromAsync(test.call()))).toBe(error)
    expect(outcome(test)).toMatchObject({ status: 'error' })
  })

  it('a stream that is destroyed by its reader is cancelled', async () => {
    const test = probe(() => Readable.from(['a', 'b', 'c']))
    for await (const _ of test.call()) break
    await sleep(1)
    expect(outcome(test)).toMatchObject({ status: 'cancelled', output: { partial: true } })
  })

  it('a web stream passes the same chunks on, and reads no more than its reader does', async () => {
    let pulled = 0
    const chunk = { n: 1 }
    const test = probe(
      () =>
        new ReadableStream<{ n: number }>(
          {
            pull(controller) {
              if (pulled++ === 3) controller.close()
              else controller.enqueue(chunk)
            },
          },
          { highWaterMark: 0 },
        ),
    )
    const reader = test.call().getReader()
    expect(pulled).toBe(0)
    expect((await reader.read()).value).toBe(chunk)
    expect(pulled).toBe(1)
    while (!(await reader.read()).done);
    expect(outcome(test)).toMatchObject({ status: 'success', output: { enc: 'items/1' } })
  })

  it('a cancelled web stream cancels the one of the tool', async () => {
    let reason: unknown
    const test = probe(() => new ReadableStream({ cancel: (why) => void (reason = why) }))
    await test.call().cancel('enough')
    expect(reason).toBe('enough')
    expect(outcome(test)).toMatchObject({ status: 'cancelled' })
  })

  it('a failing web stream fails for its reader', async () => {
    const error = new Error('gone')
    const test = probe(() => new ReadableStream({ pull: (controller) => controller.error(error) }))
    expect(await rejected(() => test.call().getReader().read())).toBe(error)
    expect(outcome(test)).toMatchObject({ status: 'error' })
  })

  it('a byte stream can still be read into a buffer of the reader', async () => {
    const test = probe(
      () =>
        new ReadableStream({
          type: 'bytes',
          start(controller) {
            controller.enqueue(new TextEncoder().encode('abcd'))
            controller.close()
          },
        }),
    )
    const reader = test.call().getReader({ mode: 'byob' })
    const { value } = await reader.read(new Uint8Array(8))
    expect(new TextDecoder().decode(value)).toBe('abcd')
    expect((await reader.read(new Uint8Array(8))).done).toBe(true)
    expect(outcome(test)).toMatchObject({ status: 'success', output: { enc: 'bytes' } })
  })

  it('a stream that somebody reads already is handed on, its outcome unknown', () => {
    const stream = new ReadableStream()
    stream.getReader()
    const test = anAudit()
    const call = test.audit.tool({ name: 'probe' }, () => stream)
    expect(call()).toBe(stream)
    expect(endOf(test.records(), 'probe').invocation.status).toBe('unknown')
  })
})

it('plain digests are what others compute over the same bytes', () => {
  const test = anAudit({ commitments: 'sha256' })
  const call = test.audit.tool({ name: 'probe' }, (text: string) => ({ text }))
  call('the input')
  const { input, output } = outcome(test)
  // printf 'the input' | sha256sum; printf '{"text":"the input"}' | sha256sum
  const ofInput = '65d1a0fe71d083171eb4a5662f92b5a29e061bc5f563411a6dc38dce2f14141c'
  const ofOutput = 'b45de858fa883d9e28b1d62a5e50f06ce411f7f6c87dcea959ecb70f4deb345c'
  expect(input).toEqual({ alg: 'sha256', enc: 'text', c: ofInput })
  expect(output).toEqual({ alg: 'sha256', enc: 'json', c: ofOutput })
  const { attributes } = test.span('execute_tool probe')
  expect(attributes).toMatchObject({
    'input.hash': `sha256:${ofInput}`,
    'output.hash': `sha256:${ofOutput}`,
  })
})

it('a value that throws when it is looked at is returned as it is, and recorded', () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const hostile = new Proxy(
    {},
    {
      getPrototypeOf: () => {
        throw new Error('look away')
      },
    },
  )
  for (const value of [proxy, hostile]) {
    const test = probe(() => value)
    expect(test.call() === value).toBe(true)
    expect(outcome(test)).toMatchObject({ status: 'success', output: { enc: 'typed/1' } })
  }
})

it('a promise whose constructor or then throw settles and is recorded', async () => {
  const promise = Promise.resolve(7)
  const test = probe(() =>
    // oxlint-disable-next-line unicorn/no-thenable -- a hostile one is what is tested
    Object.defineProperty(promise, 'then', {
      get: () => {
        throw new Error('look away')
      },
    }),
  )
  await Promise.prototype.then.call(test.call(), (value) => expect(value).toBe(7))
  expect(outcome(test)).toMatchObject({ status: 'success' })
})
