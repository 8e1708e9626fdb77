// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Checkpoint, NoteKey, TenantLogBytes, Verdict } from '@spanseal/core'
import {
  checkBundle,
  leafHash,
  parseBundle,
  parseCheckpoint,
  parseNote,
  parseVkey,
  signNoteSync,
  verify,
} from '@spanseal/core'
import { pinned } from '../../packages/core/src/verify/a-journal.fixture.ts'
import { epochsOf } from '../vectors/journal-files.ts'
import type { JournalVectors } from '../vectors/stored-vectors.ts'
import { readFolder, readVectors } from '../vectors/stored-vectors.ts'
import type { Target } from './fuzz.ts'
import type { Samples } from './samples.ts'

/** Verdicts on evidence of which one part was changed: they may not hold for other content. */

interface Golden {
  readonly name: 'journal' | 'gaps'
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly keys: readonly NoteKey[]
  readonly heads: readonly string[]
  readonly now: () => number
}

function golden(name: Golden['name']): Golden {
  const { heads, now, pinned: vkeys } = readVectors<JournalVectors>(`${name}.json`)
  const keys = vkeys.map(parseVkey)
  return { name, files: readFolder(name), keys, heads, now: () => Date.parse(now) }
}

const journal = golden('journal')
const { now } = journal

/** A file of a golden journal, verified with its keys and heads. */
function journalTargets({ name, files, heads, keys }: Golden): Target[] {
  const names = [...files.keys()].filter((path) => !path.endsWith('writer.json'))
  return names.map((path) => {
    const own = Buffer.from(files.get(path) as Uint8Array)
    const isRecords = path.endsWith('.jsonl')
    return {
      name: `${name} file ${path.split('/')[1]} of ${path.slice(9, 13)}`,
      seeds: [own],
      run: async (input) => {
        const changed = new Map([...files, [path, input]])
        const verdict = await verify(epochsOf(changed), { keys, now, heads })
        if (!verdict.ok) return undefined
        if (isRecords && !input.equals(own) && !isTornElsewhere(verdict, input, own)) {
          throw new Error(`holds at level ${verdict.level} with other records`)
        }
        return verdict.level === 3 ? 'any' : undefined
      },
    }
  })
}

/** The marker of an epoch whose records are gone: whatever it claims, they are missing. */
function markerTarget({ files, heads, keys }: Golden): Target {
  const rest = new Map([...files].filter(([path]) => !path.endsWith('/000000000001.jsonl')))
  const seed = { size: 14, leaf: 'ab'.repeat(32), closed: false, at: 1, sinks: ['kafka', 'file'] }
  return {
    name: 'marker of records that were delivered',
    seeds: [Buffer.from(JSON.stringify(seed))],
    run: async (input) => {
      const delivered = async (): Promise<string> => input.toString('utf8')
      const epochs = epochsOf(rest).map((epoch) => ({ ...epoch, delivered }))
      const { ok, findings } = await verify(epochs, { keys, now, heads })
      const missing = findings.filter(({ code }) => code === 'missing' || code === 'truncated')
      if (ok || missing.length === 0) throw new Error('removed records are not missed')
      return missing.some(({ message }) => message.includes('which proves nothing'))
        ? 'any'
        : undefined
    },
  }
}

/** Only what a crash tore is shorter, which no record was: the whole lines are the same. */
function isTornElsewhere(verdict: Verdict, input: Buffer, own: Buffer): boolean {
  const lines = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.lastIndexOf(10) + 1)
  const listed = verdict.findings.some(({ code }) => code === 'torn')
  return listed && lines(input).equals(lines(own))
}

function bundleTarget({ bundle, bundles, sealed }: Samples): Target {
  const trusted = pinned(sealed.journal.tenant)
  const options = { keys: trusted, heads: [logHead(sealed)], now }
  const values = new Map(bundle.openings.map(({ field, value }) => [field, value]))
  return {
    name: 'what a proof bundle shows',
    seeds: bundles.slice(0, 2).map((text) => Buffer.from(text)),
    run: async (input) => {
      const { ok, level, openings } = await checkBundle(input, options)
      if (!ok || level < 3) return undefined
      const shown = parseBundle(input)
      const isTrue =
        shown.record === bundle.record &&
        openings.every(({ holds }) => holds) &&
        (shown.openings ?? []).every(({ field, value }) => values.get(field) === value)
      if (!isTrue) throw new Error(`holds at level ${level} for another record or value`)
      return 'any'
    },
  }
}

function logHead({ log }: Samples['sealed']): Checkpoint {
  return parseCheckpoint(log.text)
}

/** The tenant log, whose entries or checkpoint are changed. */
function tenantTargets({ sealed }: Samples): Target[] {
  const { epoch, log, journal: built } = sealed
  const trusted = pinned(built.tenant)
  const { entries } = log
  const note = signNoteSync(log.text, built.tenant)
  const examine = async (tenantLog: TenantLogBytes): Promise<Verdict> =>
    verify([epoch.bytes()], { keys: trusted, heads: [logHead(sealed)], tenantLog, live: true, now })
  const source = (shown: readonly Uint8Array[], checkpoint: string): TenantLogBytes => ({
    name: 'tenant-log',
    checkpoint: () => Promise.resolve(checkpoint),
    async *entries(size) {
      yield* shown.slice(0, size)
    },
    async *timestamps() {},
  })
  return [
    {
      name: 'checkpoint of a tenant log',
      seeds: [Buffer.from(note)],
      run: async (input) => {
        const { ok, level } = await examine(source(entries, input.toString('utf8')))
        if (!ok || level < 3) return undefined
        if (parseNote(input.toString('utf8')).text !== log.text)
          throw new Error('another head holds')
        return 'any'
      },
    },
    ...entries.map(
      (own, index): Target => ({
        name: `entry ${index} of a tenant log`,
        seeds: [own],
        run: async (input) => {
          const { ok, level } = await examine(source(entries.with(index, input), note))
          if (!ok || level < 3) return undefined
          if (leafHash(input) !== leafHash(own)) throw new Error('another entry holds')
          return 'any'
        },
      }),
    ),
  ]
}

export function verdictTargets(samples: Samples): Target[] {
  return [
    ...journalTargets(journal),
    ...journalTargets(golden('gaps')),
    markerTarget(journal),
    bundleTarget(samples),
    ...tenantTargets(samples),
  ]
}
