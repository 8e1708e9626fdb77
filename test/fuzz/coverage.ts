// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Profiler } from 'node:inspector'
import { Session } from 'node:inspector'

/**
 * Which ways through our code an input took, from V8's own block coverage. Nothing to install:
 * libFuzzer's bindings for Node (Jazzer.js 4.0) are prebuilt for glibc 2.38 and
 * later, so that they do not
 * load on Debian 12. A look costs 1 ms, so it is taken once for several inputs.
 */
export class Coverage {
  readonly #session = new Session()
  readonly #seen = { one: new Set<string>(), many: new Set<string>() }

  constructor() {
    this.#session.connect()
    this.#post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    this.isNew('one')
  }

  /** Ways seen so far: a function, and which of its blocks ran. */
  get ways(): number {
    return this.#seen.one.size
  }

  /**
   * Whether a way was taken since the last call that never was before, by one input, or by many
   * together: then it is worth asking which of them it was.
   */
  isNew(by: 'one' | 'many'): boolean {
    const seen = this.#seen[by]
    const before = seen.size
    for (const { scriptId, url, functions } of this.#take()) {
      if (!url.includes('/packages/')) continue
      for (const { ranges } of functions) {
        const blocks = ranges.map(({ startOffset, endOffset, count }) =>
          count > 0 ? `${startOffset}-${endOffset}` : `!${startOffset}-${endOffset}`,
        )
        seen.add(`${scriptId} ${blocks.join(' ')}`)
      }
    }
    return seen.size > before
  }

  close(): void {
    this.#post('Profiler.stopPreciseCoverage')
    this.#session.disconnect()
  }

  #take(): readonly Profiler.ScriptCoverage[] {
    let result: readonly Profiler.ScriptCoverage[] = []
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw new Error(error.message)
      result = taken.result
    })
    return result
  }

  #post(method: 'Profiler.enable' | 'Profiler.stopPreciseCoverage'): void {
    this.#session.post(method)
  }
}
