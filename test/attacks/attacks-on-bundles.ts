// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import type { AuditRecord, Bundle, BundleOpening, EpochBytes } from '@spanseal/core'
import {
  commitmentAt,
  formatBundle,
  openingOf,
  parseNote,
  proveRecord,
  proveRecordInLog,
} from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import { readTenantLog } from '@spanseal/transparency'
import type { Attack, Scene, Shown } from './attack.ts'
import { caught } from './attack.ts'
import type { AttackedLog } from './attacked-log.ts'
import { writeAttackedLog } from './attacked-log.ts'
import type { NamedKey } from './host-secrets.ts'
import { linesOf } from './tampered-copy.ts'

/** Proof bundles and openings, on their way to an auditor. */

const INPUT = '/invocation/input'
const OUTPUT = '/invocation/output'
/** In the newest epoch: the ends of its fourth and third call, behind the head that left early. */
const END = 8
const OTHER_END = 6

async function epochBytes(journal: string, epoch: string): Promise<EpochBytes> {
  for await (const bytes of readJournal(join(journal, epoch))) return bytes
  throw new Error(`no epoch ${epoch}`)
}

/** A true proof of a record of the newest epoch, up to the tenant log's head. */
async function proofOf({ log, sealed }: Scene, seq = END): Promise<Bundle> {
  const tenantLog = readTenantLog(sealed.moments.full.folder)
  return proveRecordInLog(await epochBytes(log.journal, log.epochs[2]), seq, { log: tenantLog })
}

/** The same of an epoch that was written anew: what the tenant log says is of the true one. */
async function forgedProof(scene: Scene): Promise<Bundle> {
  const { copy, log } = scene
  const [, , epoch] = log.epochs
  const checkpoint = parseNote(copy.notes(epoch).at(-1) as string).text
  const { tenant } = await proofOf(scene)
  const forged = await proveRecord(await epochBytes(copy.journal, epoch), END, { checkpoint })
  return { ...forged, ...(tenant && { tenant }) }
}

/** What really opens a field of a record. */
function opening(
  { journal, epochs, keyring }: AttackedLog,
  field: string,
  value: string,
  seq = END,
): BundleOpening {
  const record = JSON.parse(linesOf(journal, epochs[2])[seq] as string) as AuditRecord
  const placed = commitmentAt(record, field)
  if (placed === undefined) throw new Error(`record ${seq} commits to nothing at ${field}`)
  return openingOf(placed, value, keyring.commitKeys())
}

/** What `writeCalls` committed to in the fourth call, which was written alone. */
function trueOpenings(log: AttackedLog): [BundleOpening, BundleOpening] {
  return [opening(log, INPUT, 'pay invoice 0'), opening(log, OUTPUT, 'paid 0')]
}

function shown(bundle: Bundle): Shown {
  return { bundle: formatBundle(bundle) }
}

/** An attack on the openings of a true proof. */
function onOpenings(
  name: string,
  change: (openings: [BundleOpening, BundleOpening], scene: Scene) => readonly BundleOpening[],
): Attack {
  return {
    name: `proof bundle: ${name}`,
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: async (scene) => {
      const bundle = await proofOf(scene)
      return shown({ ...bundle, openings: change(trueOpenings(scene.log), scene) })
    },
  }
}

/** An attack on the text of a true proof. */
function onText(name: string, expect: Attack['expect'], change: (text: string) => string): Attack {
  return {
    name: `proof bundle: ${name}`,
    by: 'nothing',
    expect,
    run: async (scene) => {
      const text = formatBundle({ ...(await proofOf(scene)), openings: trueOpenings(scene.log) })
      const changed = change(text)
      if (changed === text) throw new Error(`${name} changes nothing`)
      return { bundle: changed }
    },
  }
}

const MALFORMED = caught('nothing', 'malformed')

/** The host's keys make a record that has the commitment of another one, and sign it. */
async function movedCommitment(scene: Scene): Promise<Shown> {
  const { copy, log } = scene
  const [, , epoch] = log.epochs
  const lines = copy.lines(epoch)
  const outputAt = /"output":(\{.*?\})/
  const [, other = ''] = outputAt.exec(lines[OTHER_END] as string) ?? []
  copy.edit(epoch, END, outputAt, `"output":${other}`)
  copy.relink(epoch).sign(epoch, log.epochKeys.get(epoch) as NamedKey)
  const openings = [opening(log, OUTPUT, 'paid 2', OTHER_END)]
  const heads = [copy.notes(epoch).at(-1) as string]
  return { ...shown({ ...(await forgedProof(scene)), openings }), heads }
}

export const attacksOnBundles: readonly Attack[] = [
  onOpenings('open a field with another value', ([input]) => [
    { ...input, value: Buffer.from('pay invoice 2').toString('base64') },
  ]),
  onOpenings('swap the salts of two openings', ([input, output]) => [
    { ...input, salt: output.salt as string },
    { ...output, salt: input.salt as string },
  ]),
  onOpenings('swap the values of two openings', ([input, output]) => [
    { ...input, value: output.value },
    { ...output, value: input.value },
  ]),
  onOpenings('open a field by what opens another', ([input]) => [{ ...input, field: OUTPUT }]),
  onOpenings('open a record by what opens another', (_, { log }) => [
    opening(log, OUTPUT, 'paid 2', OTHER_END),
  ]),
  onOpenings('open a blinded commitment as a plain hash', ([input]) => {
    const { salt: _, ...plain } = input
    return [plain]
  }),
  onOpenings('open a field in another encoding', ([input]) => [{ ...input, enc: 'bytes' }]),
  {
    name: 'proof bundle: move a commitment to another record, hash and sign it, and open it there',
    by: 'an epoch key',
    remark: 'the record passes, what it is said to hold does not',
    expect: caught('nothing', 'forged'),
    run: movedCommitment,
  },
  {
    name: 'proof bundle: another record on the same path',
    by: 'nothing',
    expect: caught('nothing', 'edited'),
    run: async (scene) => {
      const { record } = await proofOf(scene, OTHER_END)
      return shown({ ...(await proofOf(scene)), record })
    },
  },
  {
    name: 'proof bundle: a checkpoint of another epoch',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: async (scene) =>
      shown({ ...(await proofOf(scene)), checkpoint: scene.log.heads[1] as string }),
  },
  {
    name: 'proof bundle: the certificates of another epoch',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: async (scene) => {
      const { log } = scene
      const other = await proveRecord(await epochBytes(log.journal, log.epochs[1]), 1)
      return shown({ ...(await proofOf(scene)), certs: other.certs })
    },
  },
  {
    name: 'proof bundle: no certificates',
    by: 'nothing',
    expect: caught('keys', 'unsigned'),
    run: async (scene) => {
      const { tenant: _, ...alone } = await proofOf(scene)
      return shown({ ...alone, certs: [] })
    },
  },
  {
    name: 'proof bundle: of a log under keys of one’s own',
    by: 'nothing',
    expect: caught('keys', 'unsigned'),
    run: async ({ folder }) => {
      const { journal, epochs } = writeAttackedLog(folder(), { small: true })
      return shown(await proveRecord(await epochBytes(journal, epochs[2]), 1))
    },
  },
  {
    name: 'proof bundle: of a rewritten epoch',
    by: 'an epoch key',
    expect: caught('heads', 'unsigned', { heads: 'forked', log: 'level 2' }),
    run: async (scene) => {
      const { copy, log } = scene
      const [, , epoch] = log.epochs
      for (const seq of [7, END]) copy.edit(epoch, seq, '"pay_invoice"', '"pay_invoices"')
      copy.relink(epoch).sign(epoch, log.epochKeys.get(epoch) as NamedKey)
      const { tenant: _, ...alone } = await forgedProof(scene)
      return shown(alone)
    },
  },
  {
    name: 'proof bundle: of a rewritten epoch, with what the tenant log says of the true one',
    by: 'an epoch key',
    expect: caught('nothing', 'edited'),
    run: async (scene) => {
      const { copy, log } = scene
      const [, , epoch] = log.epochs
      for (const seq of [7, END]) copy.edit(epoch, seq, '"pay_invoice"', '"pay_invoices"')
      copy.relink(epoch).sign(epoch, log.epochKeys.get(epoch) as NamedKey)
      return shown(await forgedProof(scene))
    },
  },
  onText('edit a field', caught('nothing', 'edited'), (text) =>
    text.replace('pay_invoice\\"', 'pay_invoices\\"'),
  ),
  onText('trailing garbage', MALFORMED, (text) => `${text}{}\n`),
  onText('an unknown key', MALFORMED, (text) => text.replace('{"bundle"', '{"a":1,"bundle"')),
  onText('a key twice', MALFORMED, (text) => text.replace('{', '{"bundle":"spanseal/bundle/1",')),
  onText('another, equal form', MALFORMED, (text) => text.replace(':', ': ')),
  onText('a record number too large to be exact', caught('nothing', 'edited'), (text) =>
    text.replace(/\\"seq\\":\d+/, '\\"seq\\":9007199254740993'),
  ),
  onText('an index of a thousand digits', MALFORMED, (text) =>
    text.replace(/"entry":\d+/, `"entry":1${'0'.repeat(1000)}`),
  ),
]
