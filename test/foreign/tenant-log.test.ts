// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { formatCheckpoint } from '@spanseal/core'
import { describe, expect, test } from 'vitest'
import { emptyFolder } from '../../packages/cli/src/journal.fixture.ts'
import type { LogBuilder } from '../../packages/core/src/bundle/a-bundle.fixture.ts'
import {
  aRevocation,
  aSealedJournal,
  aWitness,
} from '../../packages/core/src/bundle/a-bundle.fixture.ts'
import { formatWitnessKey } from '../../packages/core/src/tlog/cosignature.ts'
import {
  bundledEntry,
  entriesPath,
  TILE_WIDTH,
  tilePath,
  tileWidth,
} from '../../packages/core/src/tlog/tile.ts'
import { aKey, LOG } from '../../packages/core/src/verify/a-journal.fixture.ts'
import { codesOf, options, runGo } from './go-verifier.ts'

/** Tenant logs as folders of tiles, read by the verifier in Go. */

const elsewhere = new URL('../../../shared/vectors/tlog/log', import.meta.url).pathname
const KEY_ELSEWHERE =
  'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx'

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

describe.skipIf(!existsSync(elsewhere))('a log that others wrote', () => {
  test('is read by its tiles, and is consistent with all its checkpoints', async () => {
    const heads = Array.from({ length: 15 }, (_, i) =>
      readFileSync(join(elsewhere, `checkpoint.${i + 1}`), 'utf8')
        .split('\n')
        .slice(0, 3)
        .join(' '),
    )
    const args = ['--key', KEY_ELSEWHERE, '--entries', 'any', ...options('head', heads)]
    const verdict = await runGo('log', elsewhere, ...args)
    expect(verdict).toMatchObject({ ok: true, faults: null, counts: { entries: 15 } })
  })

  test('has no entries of ours', async () => {
    const verdict = await runGo('log', elsewhere, '--key', KEY_ELSEWHERE)
    expect(codesOf(verdict)).toEqual(['forged'])
  })
})

/** Lays a log on disk as C2SP tlog-tiles has it. */
async function writeLog(log: LogBuilder): Promise<string> {
  const folder = join(emptyFolder(), 'log')
  const write = (path: string, bytes: string | Uint8Array): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), bytes)
  }
  const { tiles, size } = log
  for (let level = 0; tileWidth(level, 0, size) > 0; level++) {
    for (let index = 0; tileWidth(level, index, size) > 0; index++) {
      const tile = { level, index, width: tileWidth(level, index, size) }
      write(tilePath(tile), await tiles.tile(tile))
    }
  }
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const entries = log.entries.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH)
    const bundle = Buffer.concat(entries.map(bundledEntry))
    write(entriesPath({ index, width: entries.length }), bundle)
  }
  write('checkpoint', await tiles.checkpoint())
  return folder
}

/** A log of 602 entries: an epoch's certificate, its checkpoints, and a revocation among them. */
function aLog(): { log: LogBuilder; key: string } {
  const { epoch, journal, log } = aSealedJournal()
  const origin = `${LOG}/${epoch.id}`
  const first = log.entries.length
  for (let i = 0; i < 598; i++) {
    const root = Buffer.alloc(32, i % 256).toString('hex')
    log.add(formatCheckpoint({ origin, size: 100 + i, root }))
    if (i === 300) log.add(aRevocation(first))
  }
  return { log, key: journal.tenant.vkey }
}

describe('a tenant log on disk', () => {
  test('holds: entries, tiles of all levels, root, growth, cosignatures', async () => {
    const { log, key } = aLog()
    const early = `${log.text.split('\n')[0]} `
    const [one, two] = [aWitness(1), aWitness(2)]
    log.cosign(one)
    const folder = await writeLog(log)
    const witnesses = [one, two].map(({ known }) => formatWitnessKey(known.name, known.publicKey))
    const args = [folder, '--key', key, ...options('witness', witnesses), '--threshold']
    const verdict = await runGo('log', ...args, '1')
    expect(verdict).toMatchObject({ faults: null, counts: { entries: 602, epochs: 1 } })
    expect(codesOf(await runGo('log', ...args, '2'))).toEqual(['unsigned'])
    const later = `${early}603 ${Buffer.alloc(32).toString('base64')}`
    const longer = await runGo('log', folder, '--key', key, '--head', later)
    expect(codesOf(longer)).toEqual(['truncated'])
    const other = `${early}300 ${Buffer.alloc(32).toString('base64')}`
    expect(codesOf(await runGo('log', folder, '--key', key, '--head', other))).toEqual(['forked'])
  })

  test('is read where a partial tile was taken away for a full one', async () => {
    const { log, key } = aLog()
    const folder = await writeLog(log)
    // The same log later: its full tiles stand in for the partial ones of the checkpoint.
    const checkpoint = readFileSync(join(folder, 'checkpoint'))
    while (log.size % TILE_WIDTH !== 0) log.add(`entry ${log.size}`)
    const later = await writeLog(log)
    rmSync(join(later, 'checkpoint'))
    writeFileSync(join(later, 'checkpoint'), checkpoint)
    for (const level of ['0', 'entries']) {
      expect(existsSync(join(later, 'tile', level, '002.p'))).toBe(false)
    }
    const verdict = await runGo('log', later, '--key', key, '--entries', 'any')
    // The tile of level 1 had two hashes and has three now, under another name.
    expect(codesOf(verdict)).toEqual(['edited'])
    cpSync(join(folder, 'tile', '1'), join(later, 'tile', '1'), { recursive: true })
    expect(await runGo('log', later, '--key', key)).toMatchObject({ faults: null })
  })

  test('a byte that is another one is refused, wherever it stands', async () => {
    const { log, key } = aLog()
    const folder = await writeLog(log)
    for (const file of filesOf(folder)) {
      const bytes = readFileSync(file)
      for (let at = 0; at < bytes.length; at += process.env['SLOW'] === '1' ? 17 : 1499) {
        const flipped = Buffer.from(bytes)
        flipped[at] = flipped[at]! ^ (1 << (at % 8))
        writeFileSync(file, flipped)
        const verdict = await runGo('log', folder, '--key', key)
        expect(verdict.ok, `${file} ${at}`).toBe(false)
      }
      writeFileSync(file, bytes)
    }
    expect((await runGo('log', folder, '--key', key)).ok).toBe(true)
  })

  test.each<[string, (log: LogBuilder) => void]>([
    ['something that is none of the three', (log) => log.add('an entry')],
    ['the certificate again', (log) => log.add(log.entries[0]!.toString())],
    ['a checkpoint that is no longer than the last', (log) => log.add(log.entries[1]!.toString())],
    ['a revocation by somebody else', (log) => log.add(aRevocation(1, aKey(LOG, 99)))],
    ['a checkpoint without a certificate before', (log) => void log.entries.shift()],
    [
      'a checkpoint with its signatures',
      (log) => log.add(`${log.entries[1]!.toString()}\n— x y\n`),
    ],
  ])('with an entry that is %s', async (_, change) => {
    const { journal, log } = aSealedJournal()
    change(log)
    const verdict = await runGo('log', await writeLog(log), '--key', journal.tenant.vkey)
    expect(codesOf(verdict)).toEqual(['forged'])
  })
})
