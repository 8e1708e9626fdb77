// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

export type { AppendedRecord, AppendOptions, RecordPlace, WriterHealth } from './append.ts'
export type { BudgetOptions } from './budget.ts'
export type { ByteFile } from './byte-file.ts'
export { readRange } from './byte-file.ts'
export type { Clock, EpochProfile, HeadStore, JournalKeys } from './create-epoch.ts'
export type { StuckEpoch } from './epoch-reader.ts'
export { EpochWriter, openWriter } from './epoch-writer.ts'
export type { FileSinkOptions } from './file-sink.ts'
export { fileSink } from './file-sink.ts'
export { FolderSize } from './folder-size.ts'
export type { OpenGap, WrittenGaps } from './gap.ts'
export type { FreeSpace, JournalFs } from './journal-fs.ts'
export type { SegmentName } from './journal-layout.ts'
export { listSegments } from './journal-layout.ts'
export type { JournalSource, JournalSourceOptions } from './journal-source.ts'
export { journalSource } from './journal-source.ts'
export type { LeavesFile } from './leaves-file.ts'
export { openLeaves, rebuildLeaves } from './leaves-file.ts'
export type { ProveJournalRecordOptions } from './leaves-proof.ts'
export { proveJournalRecord } from './leaves-proof.ts'
export type { ReadJournalOptions } from './read-journal.ts'
export { readJournal } from './read-journal.ts'
export { openSegment } from './segment-file.ts'
export type {
  JournalFolderSink,
  JournalFolderSinkOptions,
} from './spool/journal-folder-sink.ts'
export { journalFolderSink } from './spool/journal-folder-sink.ts'
export type {
  EpochGap,
  EpochState,
  EpochStatus,
  JournalStatus,
  JournalStatusOptions,
  JournalTotals,
} from './spool/journal-status.ts'
export { journalStatus } from './spool/journal-status.ts'
export type { MakeRoomOptions } from './spool/make-room.ts'
export { makeRoom } from './spool/make-room.ts'
export type { ShipLock, ShipLockOptions } from './spool/ship-lock.ts'
export { shipLock } from './spool/ship-lock.ts'
export type { SpoolFs } from './spool/spool-fs.ts'
export type { TendOptions, TendReport } from './spool/tend-spool.ts'
export { tendSpool } from './spool/tend-spool.ts'
export type { StdoutSinkOptions } from './stdout-sink.ts'
export { stdoutSink } from './stdout-sink.ts'
export { standingRecord } from './write-failure.ts'
export type { Durability, WriterOptions } from './writer-options.ts'
