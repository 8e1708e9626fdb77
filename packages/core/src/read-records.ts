// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuditRecord } from './record.ts'
import { validateRecord } from './validate.generated.ts'
import type { EpochBytes } from './verify/input.ts'
import type { Line } from './verify/lines.ts'
import { LineSplitter } from './verify/lines.ts'

export interface ReadRecordsOptions {
  /** Only lines that hold this text, or one of these, are parsed and handed out: a quick filter, not a query. */
  readonly mentioning?: string | readonly string[]
  /** Told of each line that is no record of a known revision, or too long to be one. */
  readonly onSkipped?: (why: 'unreadable' | 'too_long') => void
}

/**
 * The records of epochs in their order, to be looked at: nothing is verified, what is no record is
 * passed over. Constant memory; a last line without LF is left out.
 */
export async function* readRecords(
  epochs: AsyncIterable<EpochBytes>,
  options: ReadRecordsOptions = {},
): AsyncGenerator<AuditRecord> {
  const { mentioning, onSkipped } = options
  const texts = typeof mentioning === 'string' ? [mentioning] : mentioning
  const splitter = new LineSplitter()
  for await (const line of linesOf(epochs, splitter)) {
    const bytes = line.bytes.subarray(line.start, line.end)
    if (!line.tooLong && texts?.some((text) => bytes.includes(text)) === false) continue
    const record = line.tooLong ? undefined : parsed(bytes)
    if (validateRecord(record)) yield record
    else onSkipped?.(line.tooLong ? 'too_long' : 'unreadable')
  }
}

async function* linesOf(
  epochs: AsyncIterable<EpochBytes>,
  splitter: LineSplitter,
): AsyncGenerator<Line> {
  for await (const epoch of epochs) {
    for await (const segment of epoch.segments()) {
      splitter.begin()
      for await (const chunk of segment.chunks()) {
        splitter.push(chunk)
        for (let line = splitter.next(); line !== undefined; line = splitter.next()) yield line
      }
    }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function parsed(line: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(line))
  } catch {
    return undefined
  }
}
