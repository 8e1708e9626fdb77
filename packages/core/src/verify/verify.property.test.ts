// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EpochBuilder } from './a-journal.fixture.ts'
import {
  aJournal,
  anEpoch,
  epochOf,
  pinned,
  START_MILLIS,
  segmentFile,
} from './a-journal.fixture.ts'
import type { Verdict } from './verdict.ts'
import { verify } from './verify.ts'

const SLOW = process.env['SLOW'] === '1'
const keys = pinned(aJournal().tenant)
const now = (): number => START_MILLIS + 86_400_000

const EPOCH = anEpoch({ calls: 2 }).start()
EPOCH.end(EPOCH.record(5), 'input 5').close()
const FILES = EPOCH.segmentFiles
const NOTES = EPOCH.notesFile

/** The epoch with other bytes in one of its files. */
function verifyWith(
  files: readonly Buffer[],
  notes: Buffer = NOTES,
  chunkBytes = Infinity,
): Promise<Verdict> {
  const segments = files.map((bytes, i) => ({
    file: segmentFile(EPOCH.id, i),
    firstSeq: (FILES[i] as { firstSeq: number }).firstSeq,
    bytes,
  }))
  return verify([epochOf(EPOCH.id, segments, { notes, chunkBytes })], { keys, now })
}

const BYTES = FILES.map(({ bytes }) => bytes) as [Buffer, Buffer]

function withFile(index: number, bytes: Buffer): Buffer[] {
  return BYTES.map((own, i) => (i === index ? bytes : own))
}

it('the epoch as it was written holds', async () => {
  expect(await verifyWith(BYTES)).toMatchObject({ ok: true, level: 2, findings: [] })
})

describe('one byte', () => {
  it('that is changed anywhere in the records is found', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 1 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (file, at, flip) => {
          const changed = Buffer.from(BYTES[file] as Buffer)
          const position = at % changed.length
          changed[position] = (changed[position] as number) ^ flip
          const verdict = await verifyWith(withFile(file, changed))
          expect(verdict).toMatchObject({ ok: false, level: 0 })
          const [finding] = verdict.findings
          expect(finding?.file).toContain(EPOCH.id)
        },
      ),
    )
  })

  it('that is put in or taken out anywhere in the records is found', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 1 }),
        fc.nat(),
        fc.option(fc.integer({ min: 0, max: 255 })),
        async (file, at, put) => {
          const own = BYTES[file] as Buffer
          const position = at % own.length
          const rest = own.subarray(put === null ? position + 1 : position)
          const changed = Buffer.concat([
            own.subarray(0, position),
            Buffer.from(put === null ? [] : [put]),
            rest,
          ])
          if (changed.equals(own)) return
          expect((await verifyWith(withFile(file, changed))).ok).toBe(false)
        },
      ),
    )
  })

  it('that is changed anywhere in the checkpoints is found', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(NOTES)
        changed[at % changed.length] = (changed[at % changed.length] as number) ^ flip
        const verdict = await verifyWith(BYTES, changed)
        expect(verdict.findings).not.toEqual([])
        const torn = verdict.findings.every(({ code }) => code === 'torn')
        expect(verdict.ok).toBe(torn)
      }),
    )
  })
})

describe('a cut', () => {
  const cuts = (bytes: Buffer): number[] => {
    const step = SLOW ? 1 : 37
    return Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => i * step)
  }

  it('at any byte of the records is found', async () => {
    for (const [file, bytes] of BYTES.entries()) {
      const ends = [...bytes.entries()].filter(([, byte]) => byte === 0x0a).map(([i]) => i + 1)
      for (const cut of [...cuts(bytes), ...ends.slice(0, -1), bytes.length - 1]) {
        const verdict = await verifyWith(withFile(file, bytes.subarray(0, cut)))
        expect(verdict).toMatchObject({ ok: false, level: 0 })
      }
    }
  })

  it('at any byte of the checkpoints is found, or shows as a longer tail', async () => {
    for (const cut of [...cuts(NOTES), NOTES.length - 1]) {
      const verdict = await verifyWith(BYTES, NOTES.subarray(0, cut))
      expect(verdict.findings.length + verdict.attestedTail).toBeGreaterThan(0)
    }
  })
})

it('cutting the input into chunks anywhere changes nothing', async () => {
  const broken = Buffer.concat([
    BYTES[1].subarray(0, 3000),
    Buffer.from('\nx\n'),
    BYTES[1].subarray(3000),
  ])
  for (const files of [BYTES, withFile(1, broken)]) {
    const whole = await verifyWith(files)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5000 }), async (chunkBytes) => {
        expect(await verifyWith(files, NOTES, chunkBytes)).toEqual(whole)
      }),
      { numRuns: SLOW ? 1000 : 30 },
    )
  }
})

it('no bytes make it throw', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...BYTES, Buffer.from('\n'))),
      ),
      fc.uint8Array({ maxLength: 300 }),
      async (parts, notes) => {
        const file = { file: 'f', bytes: Buffer.concat(parts) }
        const verdict = await verify([epochOf(EPOCH.id, [file], { notes: Buffer.from(notes) })], {
          keys,
          now,
        })
        expect(verdict.ok).toBe(false)
      },
    ),
  )
})

/** Microseconds of processor time. */
async function work(epoch: EpochBuilder): Promise<number> {
  const start = process.cpuUsage()
  await verify([epoch.bytes()], { keys, now })
  const { user, system } = process.cpuUsage(start)
  return user + system
}

it.runIf(SLOW)(
  `takes time in proportion to the input${SLOW ? '' : ' (skipped: set SLOW=1)'}`,
  async () => {
    const kinds: Record<string, (n: number) => EpochBuilder> = {
      honest: (n) => anEpoch({ calls: n }),
      garbage: (n) =>
        anEpoch().insert(
          1,
          Array.from({ length: 4 * n }, () => '{'.repeat(500)),
        ),
      gaps: (n) => {
        const epoch = anEpoch({ calls: n })
        epoch.lines = epoch.lines.filter((_, i) => i % 4 > 1)
        return epoch
      },
      reversed: (n) => {
        const epoch = anEpoch({ calls: n })
        epoch.lines.reverse()
        return epoch
      },
      open: (n) => {
        const epoch = anEpoch()
        for (let i = 0; i < n; i++) epoch.start()
        return epoch
      },
      notes: (n) => {
        const epoch = anEpoch()
        const [note = ''] = epoch.notes
        epoch.notes = Array.from({ length: n }, () => note)
        return epoch
      },
    }
    const exponents: Record<string, number> = {}
    for (const [kind, make] of Object.entries(kinds)) {
      const [small, large] = [make(2_000), make(16_000)]
      await work(small)
      exponents[kind] = Math.log2((await work(large)) / (await work(small))) / 3
    }
    expect(Object.entries(exponents).filter(([, exponent]) => exponent > 1.4)).toEqual([])
  },
)
