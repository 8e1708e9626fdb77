// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { readJournal } from '@spanseal/journal'
import { openKeyring } from '@spanseal/keys'
import { readTenantLog, TenantLog } from '@spanseal/transparency'
import {
  headFileGiven,
  headsGiven,
  keysGiven,
  revocationsGiven,
} from '../../packages/cli/src/given-files.ts'
import { readOpen } from '../../packages/core/src/bundle/epoch-lines.ts'
import { readRecords } from '../../packages/core/src/read-records.ts'
import { formatHeadFile } from '../../packages/core/src/verify/head-file-text.ts'
import { verifyToHead } from '../../packages/core/src/verify/verify.ts'
import { FileCursors } from '../../packages/journal/src/cursors.ts'
import { findEpochEnd } from '../../packages/journal/src/epoch-end.ts'
import { readWriterState } from '../../packages/journal/src/liveness.ts'
import type { AttackedLog } from '../attacks/attacked-log.ts'
import { writeAttackedLog } from '../attacks/attacked-log.ts'
import type { Target, Written } from './fuzz.ts'
import type { Samples } from './samples.ts'

/** Readers of files, each on a real folder in which one file is another one. */
export interface FileTargets {
  readonly folder: string
  readonly targets: readonly Target[]
}

export async function fileTargets(samples: Samples): Promise<FileTargets> {
  const folder = mkdtempSync(join(tmpdir(), 'spanseal-fuzz-'))
  const log = writeAttackedLog(join(folder, 'log'), { small: true })
  const targets = [
    ...keyringTargets(log),
    ...journalTargets(log),
    ...(await tenantLogTargets(log, folder)),
    ...(await givenTargets(log, samples, folder)),
  ]
  return { folder, targets }
}

/** Files cost ten times as much as texts. */
const FILE_SHARE = 0.1

/** A reader of a file that is there; it is written back by the next input. */
function ofFile(name: string, path: string, read: () => Written | Promise<Written>): Target {
  const seeds = [readFileSync(path)]
  return {
    name,
    seeds,
    share: FILE_SHARE,
    run: (input) => {
      writeFileSync(path, input, { mode: 0o600 })
      return read()
    },
  }
}

/** A reader of a file of one's own, of the given contents. */
function ofGiven(
  name: string,
  path: string,
  seeds: readonly (string | Buffer)[],
  read: (path: string) => unknown,
): Target {
  return {
    name,
    seeds: seeds.map((seed) => Buffer.from(seed)),
    share: FILE_SHARE,
    run: async (input): Promise<Written> => {
      writeFileSync(path, input)
      await read(path)
      return 'any'
    },
  }
}

function keyringTargets({ keyring, journal, log }: AttackedLog): Target[] {
  const copy = (name: string): string => {
    const folder = `${journal}.keys-${name}`
    cpSync(keyring.folder, folder, { recursive: true })
    const inner = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    for (const path of ['', ...inner]) chmodSync(join(folder, path), 0o700)
    return folder
  }
  const inside = dirname(dirname(keyring.issuer.certificateFile)).slice(keyring.folder.length)
  const opened = (folder: string): ReturnType<typeof openKeyring> =>
    openKeyring({ log, folder, create: false })
  const [issuer, certificate, period] = ['issuer', 'certificate', 'period'].map(copy) as [
    string,
    string,
    string,
  ]
  return [
    ofFile('issuer key in a keyring', `${issuer}${inside}/issuer/0001.pem`, () => {
      opened(issuer).issuerVkeys()
      return 'any'
    }),
    ofFile('issuer certificate in a keyring', `${certificate}${inside}/issuer/0001.cert`, () => {
      opened(certificate).issuerVkeys()
      return 'any'
    }),
    ofFile('period key in a keyring', `${period}${inside}/period/0001.json`, () => {
      opened(period).commitKeys()
      return 'any'
    }),
  ]
}

function journalTargets({ journal, epochs }: AttackedLog): Target[] {
  const [, , epoch] = epochs
  const copy = (name: string): string => {
    const folder = `${journal}-${name}`
    cpSync(journal, folder, { recursive: true })
    return join(folder, epoch)
  }
  const [state, checkpoints, records, opening] = ['state', 'checkpoints', 'records', 'opening'].map(
    copy,
  ) as [string, string, string, string]
  const cursors = join(dirname(state), 'cursors', 'sink')
  mkdirSync(cursors, { recursive: true })
  const counts = { seq: 1, segment: 1, offset: 0, checkpointBytes: 0, checkpointSize: 0 }
  const position = { ...counts, leaf: 'ab'.repeat(32), log: 'example.com/a', closed: false }
  writeFileSync(join(cursors, `${epoch}.json`), JSON.stringify(position))
  return [
    ofFile('writer.json', join(state, 'writer.json'), () =>
      readWriterState(state) === undefined ? undefined : 'any',
    ),
    ofFile('cursor of a sink', join(cursors, `${epoch}.json`), () => {
      new FileCursors(cursors).load(epoch)
      return 'any'
    }),
    ofFile('checkpoints, when the next epoch opens', join(checkpoints, 'checkpoints'), () => {
      findEpochEnd(checkpoints, epoch)
      return 'any'
    }),
    ofFile('records, when the next epoch opens', join(records, '000000000001.jsonl'), () => {
      findEpochEnd(records, epoch)
      return 'any'
    }),
    ofFile(
      'records, to be shown',
      join(records, '000000000001.jsonl'),
      async (): Promise<Written> => {
        for await (const _ of readRecords(readJournal(records))) continue
        return 'any'
      },
    ),
    ofFile(
      'epoch.open, for a proof',
      join(opening, '000000000000.jsonl'),
      async (): Promise<Written> => {
        for await (const bytes of readJournal(opening)) await readOpen(bytes)
        return 'any'
      },
    ),
  ]
}

async function tenantLogTargets(log: AttackedLog, folder: string): Promise<Target[]> {
  const { tenant } = log
  const served = join(folder, 'tenant-log')
  const written = await TenantLog.open({ folder: served, signer: tenant })
  await written.append(log.heads.map((head) => Buffer.from(head)))
  await written.close()
  const read = async (): Promise<Written> => {
    const source = readTenantLog(served)
    await source.checkpoint()
    for await (const _ of source.entries(3)) continue
    return 'any'
  }
  const reopen = async (): Promise<Written> => {
    await (await TenantLog.open({ folder: served, signer: tenant })).close()
    return 'any'
  }
  const files = ['checkpoint', 'tile/0/000.p/3', 'tile/entries/000.p/3']
  return [
    ...files.map((file) => ofFile(`${file} of a tenant log`, join(served, file), read)),
    // Opened last: it may be the writer's own files that refuse it from then on.
    ...files.map((file) => ofFile(`${file}, when its sealer opens it`, join(served, file), reopen)),
    ofFile('head of a sealer', join(`${served}.sealer`, 'head'), reopen),
  ].map((target) => ({ ...target, run: restoring(target, served, files) }))
}

/** What one target wrote must not be there for the next: all files are put back first. */
function restoring(target: Target, served: string, files: readonly string[]): Target['run'] {
  const own = [...files.map((file) => join(served, file)), join(`${served}.sealer`, 'head')]
  const whole = own.map((path) => [path, readFileSync(path)] as const)
  return (input) => {
    for (const [path, bytes] of whole) writeFileSync(path, bytes)
    return target.run(input)
  }
}

/** What a command is given. */
async function givenTargets(log: AttackedLog, samples: Samples, folder: string): Promise<Target[]> {
  const { head } = await verifyToHead(readJournal(log.journal), { keys: log.pinned })
  if (head === undefined) throw new Error('the journal does not hold')
  const path = join(folder, 'given')
  const headLines = `# kept on paper\n${samples.headLines.join('\n')}\n`
  return [
    ofGiven('--key', path, [`${log.tenant.vkey}\n# a comment\n`], (file) => keysGiven([file])),
    ofGiven('--head', path, [headLines, ...log.heads], (file) => headsGiven([file])),
    ofGiven('--since', path, [formatHeadFile(head)], headFileGiven),
    ofGiven('--revocation', path, samples.notes.slice(-1), (file) => revocationsGiven([file])),
  ]
}
