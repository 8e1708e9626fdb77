// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { rmSync, writeFileSync } from 'node:fs'
import { canonicalize, formatStub, leafHash, MerkleFrontier, signNoteSync } from '@spanseal/core'
import type { Attack, Scene } from './attack.ts'
import { caught, uncaught } from './attack.ts'
import { LOG } from './attacked-log.ts'
import type { NamedKey } from './host-secrets.ts'
import { aKey, certify } from './host-secrets.ts'
import { framed } from './tampered-copy.ts'

/** Records that retention never removed, with a stub in their place. */

/** Of the newest epoch. */
const LAST_SEQ = 6
const PAST = '2026-01-01T00:00:00.000Z'
const FUTURE = '2126-01-01T00:00:00.000Z'

interface StubBy {
  readonly key: NamedKey
  /** The note that says what the key may do. */
  readonly certificate: string
  readonly keepUntil?: string
}

function replaceByStub({ copy, log }: Scene, { key, certificate, keepUntil = PAST }: StubBy): void {
  const [, , epoch] = log.epochs
  const lines = copy.lines(epoch)
  const leaves = lines.slice(0, LAST_SEQ + 1).map((line) => leafHash(Buffer.from(line)))
  const tree = new MerkleFrontier()
  for (const leaf of leaves) tree.append(leaf)
  const text = formatStub({
    origin: `${LOG}/${epoch}`,
    lastSeq: LAST_SEQ,
    keepUntil,
    lastLeaf: leaves[LAST_SEQ] as string,
    nodes: tree.nodes(),
  })
  writeFileSync(copy.path(epoch, 'stub'), framed([signNoteSync(text, key), certificate]))
  rmSync(copy.path(epoch, '000000000001.jsonl'))
  const first = String(LAST_SEQ + 1).padStart(12, '0')
  const rest = lines.slice(LAST_SEQ + 1).map((line) => `${line}\n`)
  writeFileSync(copy.path(epoch, `${first}.jsonl`), rest.join(''))
}

function retentionKey(by: NamedKey): Pick<StubBy, 'key' | 'certificate'> {
  const key = aKey(`${LOG}/retention-1`)
  return { key, certificate: certify('retention', { vkey: key.vkey, log: LOG }, by) }
}

/** Says of the first epoch what nobody saw, where a record stood that has expired. */
function observeBesideStub({ copy, log }: Scene): void {
  const [first, , epoch] = log.epochs
  const open = JSON.parse(copy.lines(epoch)[0] as string) as Record<string, object>
  const record = {
    ...open,
    chain: { ...open['chain'], prev: 'f'.repeat(64), seq: 2 },
    detail: { observed: [{ epoch: first, leaf: 'f'.repeat(64), size: 1, state: 'live' }] },
    type: 'epoch.observed',
  }
  writeFileSync(copy.path(epoch, '000000000002.jsonl'), `${canonicalize(record)}\n`)
}

export const attacksOnStubs: readonly Attack[] = [
  {
    name: 'a stub by a key of one’s own in the place of records',
    by: 'nothing',
    expect: caught('keys', 'unsigned'),
    run: (scene) => replaceByStub(scene, retentionKey(aKey(LOG))),
  },
  {
    name: 'a stub by the issuer in the place of records',
    by: 'the issuer key',
    expect: caught('nothing', 'forged'),
    run: (scene) => {
      const { issuer, issuerCertificate } = scene.log
      replaceByStub(scene, { key: issuer, certificate: issuerCertificate })
    },
  },
  {
    name: 'a stub by an epoch key in the place of records, certified by the issuer',
    by: 'all keys of the host',
    expect: caught('keys', 'unsigned'),
    run: (scene) => {
      const key = aKey(`${LOG}/retention-1`)
      const subject = { vkey: key.vkey, log: LOG }
      replaceByStub(scene, { key, certificate: certify('retention', subject, scene.log.issuer) })
    },
  },
  {
    name: 'a stub in the place of records that have not expired',
    by: 'the retention key',
    expect: caught('nothing', 'missing'),
    run: (scene) => {
      replaceByStub(scene, { ...retentionKey(scene.log.tenant), keepUntil: FUTURE })
    },
  },
  {
    name: 'the same, and a lie about their time',
    by: 'the retention key',
    remark: 'the verdict counts them as `expired`; what they said is gone',
    expect: uncaught(),
    run: (scene) => replaceByStub(scene, retentionKey(scene.log.tenant)),
  },
  {
    name: 'beside a stub that holds, an observation in the place of a record that has expired',
    by: 'nothing',
    expect: caught('nothing', 'edited'),
    run: (scene) => {
      replaceByStub(scene, retentionKey(scene.log.tenant))
      observeBesideStub(scene)
    },
  },
]
