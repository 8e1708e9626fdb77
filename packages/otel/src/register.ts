// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Audit } from './audit.ts'
import { register } from './audit.ts'
import { optionsFromEnv } from './env.ts'

/**
 * `node --import @spanseal/otel/register app.js`: an audit from environment variables alone. Closes
 * the epoch when the process runs out of work, and at SIGTERM or SIGINT where nobody else listens.
 */
export const audit: Audit = register(optionsFromEnv(process.env))

process.once('beforeExit', () => void audit.shutdown())

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  const onSignal = (): void => {
    process.off(signal, onSignal)
    const others = process.listenerCount(signal) > 0
    void audit.shutdown().then(() => {
      if (!others) process.kill(process.pid, signal)
    })
  }
  process.on(signal, onSignal)
}
