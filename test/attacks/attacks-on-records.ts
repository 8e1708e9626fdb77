// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { writeFileSync } from 'node:fs'
import type { Attack, Scene } from './attack.ts'
import { caught } from './attack.ts'
import { linesOf } from './tampered-copy.ts'

/** Who can write to the files and has no key at all. */

const NEVER = caught('nothing', 'edited')
/** A record in the middle of the newest epoch, between two checkpoints: the end of a call. */
const SEQ = 6

function newest({ log }: Scene): string {
  return log.epochs[2]
}

/** Where the last gap stands that an epoch has. */
function gapIn(lines: readonly string[]): number {
  return lines.findLastIndex((line) => line.includes('"type":"gap"'))
}

function lostIn(lines: readonly string[], seq: number): number {
  return Number(/"records":(\d+)/.exec(lines[seq] as string)?.[1])
}

export const attacksOnRecords: readonly Attack[] = [
  {
    name: 'edit a field',
    by: 'nothing',
    expect: NEVER,
    run: (scene) => void scene.copy.edit(newest(scene), SEQ, '"pay_invoice"', '"pay_invoices"'),
  },
  {
    name: 'edit a field, and hash everything behind it again',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: (scene) => {
      const epoch = newest(scene)
      scene.copy.edit(epoch, SEQ, '"pay_invoice"', '"pay_invoices"').relink(epoch)
    },
  },
  {
    name: 'rewrite the end of an epoch that a later one observed, and remove the checkpoint over it',
    by: 'nothing',
    expect: caught('nothing', 'forked'),
    run: ({ copy, log }) => {
      const [crashed] = log.epochs
      for (const seq of [11, 12]) copy.edit(crashed, seq, '"pay_invoice"', '"pay_invoices"')
      copy.relink(crashed, 11).setNotes(crashed, copy.notes(crashed).slice(0, -1))
    },
  },
  {
    name: 'rewrite the end of a closed epoch, and remove the checkpoint over it',
    by: 'nothing',
    expect: caught('nothing', 'unclosed'),
    run: (scene) => {
      const epoch = newest(scene)
      for (const seq of [7, 8]) scene.copy.edit(epoch, seq, '"pay_invoice"', '"pay_invoices"')
      scene.copy.relink(epoch, 7)
      const notes = scene.copy.notes(epoch)
      scene.copy.setNotes(epoch, notes.slice(0, -2))
    },
  },
  {
    name: 'delete a record',
    by: 'nothing',
    expect: caught('nothing', 'missing'),
    run: (scene) => void scene.copy.change(newest(scene), (lines) => lines.toSpliced(SEQ, 1)),
  },
  {
    name: 'delete a call, and number and hash the rest again',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: (scene) => {
      const epoch = newest(scene)
      scene.copy.change(epoch, (lines) => lines.toSpliced(SEQ - 1, 2)).relink(epoch)
    },
  },
  {
    name: 'delete a gap, by which the log says what it lacks',
    by: 'nothing',
    expect: caught('nothing', 'missing'),
    run: ({ copy, log: { epochs } }) =>
      void copy.change(epochs[1], (lines) => lines.toSpliced(gapIn(lines), 1)),
  },
  {
    name: 'make a gap smaller, and hash everything behind it again',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: ({ copy, log: { epochs } }) => {
      const seq = gapIn(copy.lines(epochs[1]))
      copy
        .edit(epochs[1], seq, '"agent.output":1,', '')
        .edit(
          epochs[1],
          seq,
          /"records":(\d+)/,
          `"records":${lostIn(copy.lines(epochs[1]), seq) - 1}`,
        )
        .relink(epochs[1])
    },
  },
  {
    name: 'delete a call, say that a gap took it, and hash everything behind it again',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: ({ copy, log }) => {
      const said = copy.lines(log.epochs[1])
      const made = said[gapIn(said)] as string
      const epoch = log.epochs[2]
      const place = `"chain":{"epoch":"${epoch}"`
      copy
        .change(epoch, (lines) =>
          lines.toSpliced(SEQ - 1, 2, made.replace(/"chain":\{"epoch":"[^"]*"/, place)),
        )
        .relink(epoch)
    },
  },
  {
    name: 'delete a range',
    by: 'nothing',
    expect: caught('nothing', 'missing'),
    run: (scene) => void scene.copy.change(newest(scene), (lines) => lines.toSpliced(3, 4)),
  },
  {
    name: 'swap two records',
    by: 'nothing',
    expect: caught('nothing', 'reordered'),
    run: (scene) =>
      void scene.copy.change(newest(scene), (lines) => {
        ;[lines[3], lines[4]] = [lines[4] as string, lines[3] as string]
        return lines
      }),
  },
  {
    name: 'insert a record',
    by: 'nothing',
    expect: caught('nothing', 'forked'),
    run: (scene) =>
      void scene.copy.change(newest(scene), (lines) => {
        const made = (lines[SEQ] as string).replace('"pay_invoice"', '"pay_invoices"')
        return lines.toSpliced(SEQ, 0, made)
      }),
  },
  {
    name: 'duplicate a record',
    by: 'nothing',
    expect: caught('nothing', 'duplicated'),
    run: (scene) =>
      void scene.copy.change(newest(scene), (lines) =>
        lines.toSpliced(SEQ, 0, lines[SEQ] as string),
      ),
  },
  {
    name: 'put a record of another epoch in',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: ({ copy, log }) => {
      const foreign = copy.lines(log.epochs[0])[5] as string
      copy.change(log.epochs[2], (lines) => lines.toSpliced(5, 1, foreign))
    },
  },
  {
    name: 'put a record of another tenant in',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: ({ copy, log, other }) => {
      const foreign = linesOf(other.journal, other.epochs[2])[5] as string
      copy.change(log.epochs[2], (lines) => lines.toSpliced(5, 1, foreign))
    },
  },
  {
    name: 'move a commitment to another record',
    by: 'nothing',
    expect: NEVER,
    run: (scene) =>
      void scene.copy.change(newest(scene), (lines) => {
        const [, c = ''] = /"c":"([0-9a-f]{64})"/.exec(lines[1] as string) ?? []
        lines[3] = (lines[3] as string).replace(/"c":"[0-9a-f]{64}"/, `"c":"${c}"`)
        return lines
      }),
  },
  {
    name: 'downgrade a commitment to a plain hash',
    by: 'nothing',
    expect: NEVER,
    run: (scene) =>
      void scene.copy.edit(
        newest(scene),
        SEQ,
        /\{"alg":"blinded-sha256","c":"([0-9a-f]{64})".*?\}/,
        `{"alg":"sha256","c":"${'ab'.repeat(32)}","enc":"text"}`,
      ),
  },
  {
    name: 'write a record in another, equal form',
    by: 'nothing',
    expect: NEVER,
    run: (scene) => void scene.copy.edit(newest(scene), SEQ, '"rev":0', '"rev": 0'),
  },
  {
    name: 'write a number too large to be exact',
    by: 'nothing',
    expect: NEVER,
    run: (scene) => void scene.copy.edit(newest(scene), SEQ, /"seq":\d+/, '"seq":9007199254740993'),
  },
  {
    name: 'write a number of a thousand digits',
    by: 'nothing',
    expect: NEVER,
    run: (scene) =>
      void scene.copy.edit(newest(scene), SEQ, /"seq":\d+/, `"seq":1${'0'.repeat(1000)}`),
  },
  {
    name: 'append garbage',
    by: 'nothing',
    expect: caught('nothing', 'torn'),
    run: (scene) => {
      const path = scene.copy.path(newest(scene), '000000000001.jsonl')
      writeFileSync(path, '\u0000{"garbage":', { flag: 'a' })
    },
  },
]
