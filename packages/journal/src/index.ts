// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

export type { Clock, EpochProfile, HeadStore, JournalKeys } from './create-epoch.ts'
export type { StuckEpoch } from './epoch-reader.ts'
export type { AppendedRecord, AppendOptions, RecordPlace, WriterHealth } from './epoch-writer.ts'
export { EpochWriter, openWriter } from './epoch-writer.ts'
export type { FileSinkOptions } from './file-sink.ts'
export { fileSink } from './file-sink.ts'
export type { JournalFs } from './journal-fs.ts'
export type { JournalSource, JournalSourceOptions } from './journal-source.ts'
export { journalSource } from './journal-source.ts'
export type { ReadJournalOptions } from './read-journal.ts'
export { readJournal } from './read-journal.ts'
export type { StdoutSinkOptions } from './stdout-sink.ts'
export { stdoutSink } from './stdout-sink.ts'
export type { Durability, WriterOptions } from './writer-options.ts'
