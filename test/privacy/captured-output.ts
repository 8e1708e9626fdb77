// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { formatWithOptions } from 'node:util'
import { DiagLogLevel, diag } from '@opentelemetry/api'

const CONSOLE = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const
const DIAG = ['debug', 'error', 'info', 'verbose', 'warn'] as const

/** Keeps what would be printed, and all that OpenTelemetry's `diag` is told, in full depth. */
export class CapturedOutput {
  readonly console: string[] = []
  readonly diag: string[] = []
  readonly warnings: string[] = []
  readonly #restore: (() => void)[] = []

  constructor() {
    for (const name of CONSOLE) this.#replace(console, name, this.#into(this.console))
    for (const stream of [process.stdout, process.stderr]) {
      this.#replace(stream, 'write', ((chunk: string | Uint8Array) => {
        this.console.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1'))
        return true
      }) as typeof stream.write)
    }
    const warn = (warning: Error): void => void this.warnings.push(String(warning.stack))
    process.on('warning', warn)
    this.#restore.push(() => process.off('warning', warn))
    const logger = Object.fromEntries(DIAG.map((name) => [name, this.#into(this.diag)]))
    diag.setLogger(logger as unknown as Parameters<typeof diag.setLogger>[0], {
      logLevel: DiagLogLevel.ALL,
      suppressOverrideMessage: true,
    })
  }

  end(): void {
    diag.disable()
    for (const restore of this.#restore) restore()
  }

  #into(lines: string[]): (...said: unknown[]) => void {
    return (...said) =>
      void lines.push(formatWithOptions({ depth: Number.POSITIVE_INFINITY }, ...said))
  }

  #replace<T extends object, K extends keyof T>(target: T, name: K, by: T[K]): void {
    const before = target[name]
    target[name] = by
    this.#restore.push(() => {
      target[name] = before
    })
  }
}
