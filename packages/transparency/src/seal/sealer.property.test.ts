// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { EpochBytes } from '@spanseal/core'
import { leafHash, MerkleFrontier, parseCheckpoint } from '@spanseal/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EpochBuilder } from '../../../core/src/verify/a-journal.fixture.ts'
import { aKey, anEpoch, LOG } from '../../../core/src/verify/a-journal.fixture.ts'
import { aFolder, checkedLog } from '../log/a-log.fixture.ts'
import { nodeFs } from '../log/log-fs.ts'
import { sealerFolder, TenantLog } from '../log/tenant-log.ts'
import { Sealer } from './sealer.ts'

const TENANT = aKey(LOG, 1)
const SIZE = 9
/** What a loss of power does is tested elsewhere; without syncing it is ten times as quick. */
const fs = { ...nodeFs, fsyncSync: (): void => {} }

/** Continuations of one epoch by whoever has its key: branch n goes its own way from record n on. */
function branch(from: number): EpochBuilder {
  const epoch = anEpoch({ seed: 7, calls: 0 })
  for (let seq = 1; seq < SIZE; seq++)
    epoch.start(seq < from ? `call ${seq}` : `call ${seq} of ${from}`)
  return epoch
}

const branches = [2, 4, 6, SIZE].map(branch)

/** The roots of every history that there is. */
const histories = branches.map((epoch) => {
  const tree = new MerkleFrontier()
  return epoch.lines.map((line) => {
    tree.append(leafHash(Buffer.from(line)))
    return tree.root()
  })
})

interface Step {
  readonly kind: 'journal' | 'stream' | 'restart' | 'forget'
  /** Whose records are shown. */
  readonly records: number
  readonly length: number
  /** Whose checkpoints, at which sizes, signed by the epoch's key or by another. */
  readonly notes: readonly {
    readonly of: number
    readonly size: number
    readonly signed: boolean
  }[]
}

const index = fc.nat({ max: branches.length - 1 })
const size = fc.integer({ min: 1, max: SIZE })
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<Step['kind'][]>(
      'journal',
      'journal',
      'journal',
      'stream',
      'restart',
      'forget',
    ),
    records: index,
    length: size,
    notes: fc.array(fc.record({ of: index, size, signed: fc.boolean() }), { maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 8 },
)

function shown({ length, notes, records }: Step): EpochBuilder {
  const epoch = branch([2, 4, 6, SIZE][records] as number)
  epoch.lines = epoch.lines.slice(0, length)
  epoch.notes = []
  for (const note of notes) {
    const root = histories[note.of]?.[note.size - 1] as string
    epoch.note(note.size, root, note.signed ? epoch.key : aKey(`${LOG}/${epoch.id}`, 99))
  }
  return epoch
}

async function* only(epoch: EpochBuilder): AsyncGenerator<EpochBytes> {
  yield epoch.bytes()
}

test('no sequence of honest and forged checkpoints makes two entries of an epoch contradict each other', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const folder = join(aFolder(), 'log')
      let log = await TenantLog.open({ folder, signer: TENANT, fs })
      let sealer = await Sealer.open(log, { fs })
      for (const step of all) {
        const epoch = shown(step)
        if (step.kind === 'journal') await sealer.sealJournal(only(epoch))
        if (step.kind === 'stream') {
          const at = { log: LOG, epoch: epoch.id }
          sealer.take({
            records: epoch.lines.map((text, seq) => {
              const line = Buffer.from(text)
              return { ...at, seq, leaf: leafHash(line), type: 'tool.start', line }
            }),
            checkpoints: epoch.notes.map((note) => ({ ...at, size: 0, note })),
          })
          await sealer.sealStream(true)
        }
        if (step.kind === 'forget')
          rmSync(join(sealerFolder(folder), 'epochs'), { recursive: true, force: true })
        if (step.kind === 'restart') {
          await log.close()
          log = await TenantLog.open({ folder, signer: TENANT, fs })
          sealer = await Sealer.open(log, { fs })
        }
      }
      await log.close()
      if (log.size === 0) return
      const heads = (await checkedLog(folder, TENANT.vkey)).slice(1).map(parseCheckpoint)
      // Sizes grow, and one history has all the roots.
      expect(heads.every((head, i) => head.size > (heads[i - 1]?.size ?? 0))).toBe(true)
      expect(
        histories.some((roots) => heads.every((head) => roots[head.size - 1] === head.root)),
      ).toBe(true)
      rmSync(folder, { recursive: true })
    }),
  )
})
