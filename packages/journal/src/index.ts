// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

export type { Clock, EpochProfile, HeadStore, JournalKeys } from './create-epoch.ts'
export type { AppendedRecord, AppendOptions, RecordPlace, WriterHealth } from './epoch-writer.ts'
export { EpochWriter, openWriter } from './epoch-writer.ts'
export type { JournalFs } from './journal-fs.ts'
export type { Durability, WriterOptions } from './writer-options.ts'
