// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import * as journal from './index.ts'

test('the package exports these names and no others', () => {
  expect(Object.keys(journal).sort()).toEqual([
    'EpochWriter',
    'FolderSize',
    'fileSink',
    'journalFolderSink',
    'journalSource',
    'journalStatus',
    'listSegments',
    'makeRoom',
    'openLeaves',
    'openSegment',
    'openWriter',
    'proveJournalRecord',
    'readJournal',
    'readRange',
    'rebuildLeaves',
    'shipLock',
    'standingRecord',
    'stdoutSink',
    'tendSpool',
  ])
})
