// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Batch, RecordSink } from '@spanseal/core'
import { AuditError } from '@spanseal/core'

export interface StdoutSinkOptions {
  /** Default `stdout`. */
  readonly name?: string
  /** Default `process.stdout`. */
  readonly stream?: NodeJS.WritableStream
}

/**
 * Writes records as JSON Lines to standard output, for collectors that read it. Acknowledged once the
 * stream has taken the bytes; checkpoints are left out, since they are no JSON.
 */
export function stdoutSink(options: StdoutSinkOptions = {}): RecordSink {
  const stream = options.stream ?? process.stdout
  return {
    name: options.name ?? 'stdout',
    deliver: ({ records }: Batch) =>
      new Promise((resolve, reject) => {
        if (records.length === 0) return resolve()
        const bytes = Buffer.concat(records.flatMap(({ line }) => [line, LF]))
        stream.write(bytes, (error) => {
          if (error === null || error === undefined) resolve()
          else
            reject(
              new AuditError('DELIVERY_DOUBTFUL', 'stdout did not take records', { cause: error }),
            )
        })
      }),
    close: async () => {},
  }
}

const LF = Buffer.from('\n')
