// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * How a call ended whose arguments hold an abort signal (itself, or as a `signal` property) that was
 * aborted with exactly what was thrown; undefined where none was.
 */
export function abortStatus(
  args: readonly unknown[],
  thrown: unknown,
): 'cancelled' | 'timeout' | undefined {
  for (const arg of args) {
    const signal = signalOf(arg)
    if (signal?.aborted === true && signal.reason === thrown) {
      return isTimeout(thrown) ? 'timeout' : 'cancelled'
    }
  }
  return undefined
}

function signalOf(arg: unknown): AbortSignal | undefined {
  if (arg instanceof AbortSignal) return arg
  if (typeof arg !== 'object' || arg === null) return undefined
  // A getter of the caller's is not run for our sake.
  const signal: unknown = Object.getOwnPropertyDescriptor(arg, 'signal')?.value
  return signal instanceof AbortSignal ? signal : undefined
}

function isTimeout(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'TimeoutError'
}
