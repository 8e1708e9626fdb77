// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Settlement } from './settlement.ts'
import { has, override, Passing } from './settlement.ts'

// A generator runs in the context of whoever calls `next`, not of its creation, so each step is run
// inside the call (https://github.com/open-telemetry/opentelemetry-js/issues/2951).

type Step = IteratorResult<unknown>
type StepName = 'next' | 'return' | 'throw'
const STEPS = ['next', 'return', 'throw'] as const

type Steps = Partial<Record<StepName, (...args: unknown[]) => unknown>>

function noteStep(passing: Passing, name: StepName, step: Step): Step {
  if (step.done !== true) passing.item(step.value)
  else if (name === 'return') passing.cancelled()
  else passing.completed()
  return step
}

/** A generator or other iterator: the same object, each step observed. */
export function followIterator(iterator: object, call: Settlement): object {
  const passing = new Passing(call)
  const followed = followSteps(iterator, (name, step) => (...args: unknown[]) => {
    try {
      return noteStep(passing, name, call.inside(() => step(...args)) as Step)
    } catch (thrown) {
      passing.failed(thrown)
      throw thrown
    }
  })
  return told(followed, iterator, call)
}

/** An async generator, or an object that gives async iterators (SDK streams do). */
export function followAsyncIterable(iterable: object, call: Settlement): object {
  const passing = new Passing(call)
  if (has(iterable, 'next')) {
    return told(followAsyncSteps(iterable, passing, call), iterable, call)
  }
  const original = Reflect.get(iterable, Symbol.asyncIterator) as () => object
  const iterate = (): object => {
    const iterator = call.inside(() => Reflect.apply(original, iterable, []))
    followAsyncSteps(iterator, passing, call)
    return iterator
  }
  return told(override(iterable, Symbol.asyncIterator, iterate), iterable, call)
}

function followAsyncSteps(iterator: object, passing: Passing, call: Settlement): boolean {
  return followSteps(iterator, (name, step) => async (...args: unknown[]) => {
    try {
      return noteStep(passing, name, (await call.inside(() => step(...args))) as Step)
    } catch (thrown) {
      passing.failed(thrown)
      throw thrown
    }
  })
}

function followSteps(
  iterator: object,
  wrap: (name: StepName, step: (...args: unknown[]) => unknown) => unknown,
): boolean {
  let followed = true
  for (const name of STEPS) {
    const step = (iterator as Steps)[name]
    // Without a `return` of its own, leaving a loop early would not be seen.
    if (typeof step !== 'function' && name !== 'return') continue
    const bound = (...args: unknown[]): unknown =>
      step === undefined ? { done: true, value: args[0] } : Reflect.apply(step, iterator, args)
    followed = override(iterator, name, wrap(name, bound)) && followed
  }
  return followed
}

/** What cannot be followed is handed out as it is; its outcome is not known. */
function told(followed: boolean, value: object, call: Settlement): object {
  if (followed) call.started()
  else call.finish({ status: 'unknown', output: { value } })
  return value
}
