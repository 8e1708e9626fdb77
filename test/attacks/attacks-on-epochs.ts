// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, renameSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import type { Attack, Scene } from './attack.ts'
import { BEYOND, caught, uncaught } from './attack.ts'
import { TamperedCopy } from './tampered-copy.ts'

/** Whole epochs and their ends, by who can write to the folder and has no key. */

const SECOND_SEGMENT = '000000000001.jsonl'

function newest({ log }: Scene): string {
  return log.epochs[2]
}

/** What is left of an epoch that was cut back to one of its checkpoints. */
function cutToCheckpoint(scene: Scene): void {
  const epoch = newest(scene)
  scene.copy.change(epoch, (lines) => lines.slice(0, 5))
  scene.copy.setNotes(epoch, scene.copy.notes(epoch).slice(0, 2))
}

export const attacksOnEpochs: readonly Attack[] = [
  {
    name: 'cut the tail',
    by: 'nothing',
    expect: caught('nothing', 'truncated'),
    run: (scene) => void scene.copy.change(newest(scene), (lines) => lines.slice(0, -3)),
  },
  {
    name: 'cut a closed epoch back to one of its checkpoints',
    by: 'nothing',
    expect: caught('heads', 'truncated', { nothing: 'unclosed', keys: 'unclosed' }),
    run: cutToCheckpoint,
  },
  {
    name: 'the same, and say that it is still being written',
    by: 'nothing',
    remark: 'an auditor who asks while writers are at work sees an open epoch',
    expect: caught('heads', 'truncated'),
    run: (scene) => {
      cutToCheckpoint(scene)
      return { live: true }
    },
  },
  {
    name: 'rewrite what is behind the last checkpoint while the epoch is being written',
    by: 'nothing',
    remark: 'the verdict counts these records as `attestedTail`; the next checkpoint ends it',
    expect: uncaught({ heads: 'beyond head', ...BEYOND }),
    run: (scene) => {
      const { log } = scene
      const epoch = newest(scene)
      const copy = new TamperedCopy(log.liveCopy, scene.folder())
      for (const seq of [5, 6]) copy.edit(epoch, seq, '"pay_invoice"', '"pay_invoices"')
      copy.relink(epoch, 5)
      return { journals: [copy.journal], live: true, moment: 'early' }
    },
  },
  {
    name: 'empty a file',
    by: 'nothing',
    expect: caught('nothing', 'truncated'),
    run: (scene) => truncateSync(scene.copy.path(newest(scene), SECOND_SEGMENT)),
  },
  {
    name: 'empty all files',
    by: 'nothing',
    expect: caught('nothing', 'missing'),
    run: ({ copy }) => {
      for (const epoch of copy.epochs()) {
        truncateSync(copy.path(epoch, '000000000000.jsonl'))
        truncateSync(copy.path(epoch, SECOND_SEGMENT))
        truncateSync(copy.path(epoch, 'checkpoints'))
      }
    },
  },
  {
    name: 'remove everything',
    by: 'nothing',
    expect: caught('nothing', 'missing'),
    run: ({ copy }) => {
      for (const epoch of copy.epochs()) copy.drop(epoch)
    },
  },
  {
    name: 'remove the checkpoints of an epoch',
    by: 'nothing',
    expect: caught('nothing', 'unsigned'),
    run: (scene) => rmSync(scene.copy.path(newest(scene), 'checkpoints')),
  },
  {
    name: 'drop a whole epoch that a later one observed',
    by: 'nothing',
    expect: caught('nothing', 'missing'),
    run: ({ copy, log }) => void copy.drop(log.epochs[1]),
  },
  {
    name: 'drop the newest epoch',
    by: 'nothing',
    expect: caught('heads', 'missing'),
    run: (scene) => void scene.copy.drop(newest(scene)),
  },
  {
    name: 'roll the folder back to an old copy',
    by: 'nothing',
    expect: caught('heads', 'missing'),
    run: ({ log }) => ({ journals: [log.oldCopy] }),
  },
  {
    name: 'put another version of an epoch beside it',
    by: 'nothing',
    expect: caught('nothing', 'forked'),
    run: ({ copy, log, folder }) => {
      const twin = folder()
      cpSync(join(copy.journal, log.epochs[2]), join(twin, log.epochs[2]), { recursive: true })
      copy.edit(log.epochs[2], 4, '"pay_invoice"', '"pay_invoices"').relink(log.epochs[2])
      return { journals: [copy.journal, twin] }
    },
  },
  {
    name: 'put a copy of an epoch beside it',
    by: 'nothing',
    expect: caught('nothing', 'duplicated'),
    run: ({ copy, log, folder }) => {
      const twin = folder()
      cpSync(join(copy.journal, log.epochs[2]), join(twin, log.epochs[2]), { recursive: true })
      return { journals: [copy.journal, twin] }
    },
  },
  {
    name: 'replay an old epoch in the place of the newest',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: ({ copy, log }) => {
      const [, closed, last] = log.epochs
      copy.drop(last)
      cpSync(join(copy.journal, closed), join(copy.journal, last), { recursive: true })
    },
  },
  {
    name: 'replay an old epoch under a new name, numbered, named and hashed again',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: ({ copy, log }) => {
      const [, closed, last] = log.epochs
      const lines = copy.lines(closed).map((line) => line.replaceAll(closed, last))
      copy.setLines(last, lines).relink(last)
    },
  },
  {
    name: 'mix in an epoch of another tenant',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: ({ copy, other }) => {
      const [, , epoch] = other.epochs
      cpSync(join(other.journal, epoch), join(copy.journal, epoch), { recursive: true })
    },
  },
  {
    name: 'show the log of another tenant',
    by: 'nothing',
    expect: caught('keys', 'unsigned'),
    run: ({ other }) => ({ journals: [other.journal] }),
  },
  {
    name: 'forge `observed`: a dropped epoch is no longer named',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: ({ copy, log }) => {
      const [, closed, last] = log.epochs
      copy.drop(closed)
      copy.change(last, (lines) => {
        const open = lines[0] as string
        return [open.replace(/"observed":\[.*?\]/, '"observed":[]'), ...lines.slice(1)]
      })
      copy.relink(last)
    },
  },
  {
    name: 'forge `observed`: a cut epoch was never longer',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: ({ copy, log }) => {
      const [, closed, last] = log.epochs
      copy.change(closed, (lines) => lines.slice(0, 5))
      copy.setNotes(closed, copy.notes(closed).slice(0, 2))
      const observed = { epoch: closed, leaf: copy.leaf(closed), size: 5, state: 'crashed' }
      const text = `"observed":[${JSON.stringify(observed)}]`
      copy.edit(last, 0, /"observed":\[.*?\]/, text).relink(last)
    },
  },
  {
    name: 'rename an epoch',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: ({ copy, log }) => {
      const [, , last] = log.epochs
      const name = `${last.slice(0, -4)}0000`
      renameSync(join(copy.journal, last), join(copy.journal, name))
      copy.setLines(
        name,
        copy.lines(name).map((line) => line.replaceAll(last, name)),
      )
      copy.relink(name)
    },
  },
]
