// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

const LONG_MILLIS = 2 ** 30
const INTERRUPTED = 130

/** The wish of a person, a supervisor or a closed pipe that the command ends. */
export interface Stop {
  readonly signal: AbortSignal
  /** Gives the signals back and lets the process end. */
  dispose(): void
}

/**
 * Turns SIGINT and SIGTERM into an abort, a second one into an immediate end. Keeps the process
 * alive until disposed: what it waits for may rest on timers that do not.
 */
export function stopSignal(closed: AbortSignal): Stop {
  const controller = new AbortController()
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED)
    controller.abort()
  }
  const alive = setInterval(() => undefined, LONG_MILLIS)
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  closed.addEventListener('abort', stop, { once: true })
  return {
    signal: controller.signal,
    dispose() {
      clearInterval(alive)
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
      closed.removeEventListener('abort', stop)
    },
  }
}
