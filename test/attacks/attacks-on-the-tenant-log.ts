// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseNote } from '@spanseal/core'
import { TenantLog } from '@spanseal/transparency'
import type { Attack, Scene } from './attack.ts'
import { caught, uncaught } from './attack.ts'
import { addEpoch, keysOf } from './attacks-on-keys.ts'
import type { NamedKey } from './host-secrets.ts'
import { aKey } from './host-secrets.ts'
import { certificateOf } from './sealed-log.ts'
import { TamperedCopy } from './tampered-copy.ts'

/** The tenant log, its witnesses and its time-stamps. */

/** The file in which a small log has all its entries. */
const ENTRIES = 'tile/entries/000.p/7'

/** A copy of the served tenant log to tamper with. */
function servedCopy({ sealed, folder }: Scene): string {
  const copy = folder()
  cpSync(sealed.moments.full.folder, copy, { recursive: true })
  return copy
}

/** Rewrites the newest epoch with its key, so that its checkpoints are right again. */
function rewriteNewest({ copy, log }: Scene): void {
  const [, , epoch] = log.epochs
  for (const seq of [3, 4]) copy.edit(epoch, seq, '"pay_invoice"', '"pay_invoices"')
  copy.relink(epoch).sign(epoch, log.epochKeys.get(epoch) as NamedKey)
}

/** A tenant log that agrees with the copy, under the key of whoever writes it; longer than the true one. */
async function newTenantLog({ copy, log, folder }: Scene, signer: NamedKey): Promise<TenantLog> {
  const tenantLog = await TenantLog.open({ folder: join(folder(), 'tenant-log'), signer })
  const entries = log.epochs.flatMap((epoch) => {
    // As many as the true one has, and one more.
    const heads = copy.notes(epoch).slice(-2)
    return [certificateOf(copy.journal, epoch), ...heads.map((note) => parseNote(note).text)]
  })
  await tenantLog.append(entries.map((entry) => Buffer.from(entry)))
  await tenantLog.close()
  return tenantLog
}

/** The cosignature lines of the tenant log that the witnesses know. */
function cosignatures({ sealed }: Scene): string {
  const note = readFileSync(join(sealed.moments.full.folder, 'checkpoint'), 'utf8')
  return note.split('\n').slice(5).join('\n')
}

function appendTo(file: string, text: string): void {
  writeFileSync(file, text, { flag: 'a' })
}

const withoutKeys: readonly Attack[] = [
  {
    name: 'tenant log: edit an entry',
    by: 'nothing',
    expect: { ...uncaught(), log: 'forked', witnesses: 'forged', stamp: 'forged' },
    run: (scene) => {
      const tenantLog = servedCopy(scene)
      const file = join(tenantLog, ENTRIES)
      const bytes = readFileSync(file)
      bytes[bytes.length - 9] = (bytes.at(-9) as number) ^ 1
      writeFileSync(file, bytes)
      return { tenantLog }
    },
  },
  {
    name: 'tenant log: cut its entries',
    by: 'nothing',
    expect: {
      ...uncaught(),
      log: 'unverifiable',
      witnesses: 'unverifiable',
      stamp: 'unverifiable',
    },
    run: (scene) => {
      const tenantLog = servedCopy(scene)
      const file = join(tenantLog, ENTRIES)
      writeFileSync(file, readFileSync(file).subarray(0, 600))
      return { tenantLog }
    },
  },
  {
    name: 'tenant log: remove it',
    by: 'nothing',
    expect: {
      ...uncaught(),
      log: 'unverifiable',
      witnesses: 'unverifiable',
      stamp: 'unverifiable',
    },
    run: (scene) => {
      const tenantLog = servedCopy(scene)
      rmSync(join(tenantLog, 'checkpoint'))
      return { tenantLog }
    },
  },
  {
    name: 'tenant log: remove its cosignatures',
    by: 'nothing',
    expect: { ...uncaught(), witnesses: 'unsigned', stamp: 'unsigned' },
    run: (scene) => {
      const tenantLog = servedCopy(scene)
      const file = join(tenantLog, 'checkpoint')
      const note = readFileSync(file, 'utf8')
      writeFileSync(file, note.split('\n').slice(0, 5).join('\n').concat('\n'))
      return { tenantLog }
    },
  },
  {
    name: 'tenant log: remove its time-stamps',
    by: 'nothing',
    expect: { ...uncaught(), stamp: 'level 4' },
    run: (scene) => {
      const tenantLog = servedCopy(scene)
      rmSync(join(tenantLog, 'timestamps'), { recursive: true })
      return { tenantLog }
    },
  },
  {
    name: 'tenant log: show that of another tenant',
    by: 'nothing',
    expect: { ...uncaught(), log: 'missing', witnesses: 'unsigned', stamp: 'unsigned' },
    run: async (scene) => {
      const { log, other } = scene
      const tenantLog = await newTenantLog(
        {
          ...scene,
          log: { ...log, epochs: other.epochs },
          copy: new TamperedCopy(other.journal, scene.folder()),
        },
        other.tenant,
      )
      return { tenantLog: tenantLog.folder }
    },
  },
  {
    name: 'tenant log: write one of one’s own for a rewritten epoch',
    by: 'an epoch key',
    expect: caught('heads', 'forged'),
    run: async (scene) => {
      rewriteNewest(scene)
      const tenantLog = await newTenantLog(scene, aKey(scene.log.log))
      return { tenantLog: tenantLog.folder }
    },
  },
  {
    name: 'tenant log: roll it back together with the journal',
    by: 'nothing',
    remark:
      'a cosignature and a time-stamp have a time, which grows old; only a head that was kept is newer',
    expect: { ...uncaught(), heads: 'missing', log: 'truncated' },
    run: ({ log, sealed }) => ({ journals: [log.oldCopy], tenantLog: sealed.moments.old.folder }),
  },
  {
    name: 'drop an epoch of which nothing had left the host',
    by: 'nothing',
    remark: 'until its host opens another epoch: the keyring remembers heads, and names it as lost',
    expect: uncaught(),
    run: ({ log }) => ({ journals: [log.oldCopy], moment: 'old' }),
  },
]

const withKeys: readonly Attack[] = [
  {
    name: 'tenant log: rewrite it for a rewritten epoch',
    by: 'the tenant key too',
    expect: {
      ...caught('heads', 'forged'),
      log: 'forked',
      witnesses: 'unsigned',
      stamp: 'unsigned',
    },
    run: async (scene) => {
      rewriteNewest(scene)
      const tenantLog = await newTenantLog(scene, scene.log.tenant)
      return { tenantLog: tenantLog.folder }
    },
  },
  {
    name: 'tenant log: rewrite it, and copy the cosignatures of the true one',
    by: 'the tenant key too',
    expect: {
      ...caught('heads', 'forged'),
      log: 'forked',
      witnesses: 'unsigned',
      stamp: 'unsigned',
    },
    run: async (scene) => {
      rewriteNewest(scene)
      const tenantLog = await newTenantLog(scene, scene.log.tenant)
      appendTo(join(tenantLog.folder, 'checkpoint'), cosignatures(scene))
      return { tenantLog: tenantLog.folder }
    },
  },
  {
    name: 'tenant log: rewrite it, and have one witness of three cosign twice',
    by: 'the tenant key and the witnesses',
    expect: {
      ...caught('heads', 'forged'),
      log: 'forked',
      witnesses: 'unsigned',
      stamp: 'unsigned',
    },
    run: async (scene) => {
      rewriteNewest(scene)
      const tenantLog = await newTenantLog(scene, scene.log.tenant)
      const { text } = parseNote(tenantLog.signedHead as string)
      const [first] = scene.sealed.witnesses
      const twice = [first, first].map((witness) => witness?.sign(text)).join('')
      appendTo(join(tenantLog.folder, 'checkpoint'), twice)
      return { tenantLog: tenantLog.folder }
    },
  },
  {
    name: 'tenant log: rewrite it, and have enough witnesses cosign',
    by: 'the tenant key and the witnesses',
    remark:
      'the time-stamp of the true log does not fit; one made now would, and give the time away',
    expect: { ...caught('heads', 'forged'), log: 'forked', witnesses: 'passes', stamp: 'level 4' },
    run: async (scene) => {
      rewriteNewest(scene)
      const tenantLog = await newTenantLog(scene, scene.log.tenant)
      const { text } = parseNote(tenantLog.signedHead as string)
      const lines = scene.sealed.witnesses.slice(0, 2).map((witness) => witness.sign(text))
      appendTo(join(tenantLog.folder, 'checkpoint'), lines.join(''))
      return { tenantLog: tenantLog.folder }
    },
  },
  {
    name: 'use an issuer key whose revocation the tenant log holds',
    by: 'the issuer key',
    remark: 'what the log held before the revocation counts on',
    expect: {
      ...uncaught(),
      heads: 'level 2',
      log: 'unsigned',
      witnesses: 'unsigned',
      stamp: 'unsigned',
    },
    run: ({ log, copy }) => {
      const keys = keysOf(log.keyring.issuer.certifyEpoch, log.issuerCertificate)
      addEpoch(log, copy.journal, keys)
      return { moment: 'revoked' }
    },
  },
]

export const attacksOnTheTenantLog: readonly Attack[] = [...withoutKeys, ...withKeys]
