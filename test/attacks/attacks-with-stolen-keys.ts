// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { Ed25519PrivateKey } from '@spanseal/core'
import { openWriter } from '@spanseal/journal'
import type { Attack, Scene } from './attack.ts'
import { BEYOND, caught, uncaught } from './attack.ts'
import { LOG, writeCalls, writerOptions } from './attacked-log.ts'
import { addEpoch, keysOf } from './attacks-on-keys.ts'
import type { NamedKey } from './host-secrets.ts'
import { certify, withKey } from './host-secrets.ts'
import { notesOf, TamperedCopy } from './tampered-copy.ts'

/** History rewritten with keys that were really the log's. */

function keyOf({ log }: Scene, epoch: string): NamedKey {
  return log.epochKeys.get(epoch) as NamedKey
}

/** Edits a record and makes everything right again that a key of this epoch can make right. */
function rewrite(scene: Scene, epoch: string): void {
  const { copy } = scene
  copy.edit(epoch, 4, '"pay_invoice"', '"pay_invoices"')
  copy.edit(epoch, 3, '"pay_invoice"', '"pay_invoices"')
  copy.relink(epoch).sign(epoch, keyOf(scene, epoch))
}

/** As `rewrite`, in an epoch that later ones observed: their observations are made right as well. */
function rewriteObserved(scene: Scene): void {
  const { copy, log } = scene
  const [crashed, ...later] = log.epochs
  let before = copy.leaf(crashed)
  rewrite(scene, crashed)
  let observed = crashed
  for (const epoch of later) {
    const after = copy.leaf(observed)
    copy.edit(epoch, 0, before, after)
    before = copy.leaf(epoch)
    copy.relink(epoch).sign(epoch, keyOf(scene, epoch))
    observed = epoch
  }
}

/** One machine, resumed twice from one snapshot: the newest epoch has two lives, each well signed. */
function resumedTwice({ log, folder }: Scene): {
  readonly journals: [string, string]
  readonly head: string
} {
  const wallMillis = Date.now()
  const clock = { wallMillis: () => wallMillis, monoNanos: () => 0n }
  const keys = keysOf(
    ({ vkey }) => certify('epoch', { vkey, log: LOG }, { ...log.issuer, from: wallMillis }),
    log.issuerCertificate,
  )
  const key = Ed25519PrivateKey.generate()
  const live = (calls: number): { journal: string; head: string } => {
    const { journal } = new TamperedCopy(log.journal, folder())
    const writer = withKey(key, () =>
      openWriter({ ...writerOptions(journal, log.keyring), keys, clock }),
    )
    writeCalls(writer, log.keyring, calls)
    writer.close()
    const head = notesOf(journal, writer.epochs.values().next().value as string).at(-1) as string
    return { journal, head }
  }
  const [first, second] = [live(2), live(3)]
  return { journals: [first.journal, second.journal], head: first.head }
}

export const attacksWithStolenKeys: readonly Attack[] = [
  {
    name: 'rewrite the newest epoch',
    by: 'an epoch key',
    expect: caught('heads', 'forked', { heads: 'forged' }),
    run: (scene) => rewrite(scene, scene.log.epochs[2]),
  },
  {
    name: 'rewrite an epoch that a later one observed',
    by: 'an epoch key',
    expect: caught('nothing', 'forked'),
    run: (scene) => rewrite(scene, scene.log.epochs[0]),
  },
  {
    name: 'rewrite every epoch back to the first',
    by: 'all keys of the host',
    expect: caught('heads', 'forked', { heads: 'forged' }),
    run: rewriteObserved,
  },
  {
    name: 'rewrite everything from the first epoch on',
    by: 'the issuer key',
    expect: caught('heads', 'missing'),
    run: ({ log, folder }) => {
      const journal = folder()
      const keys = keysOf(log.keyring.issuer.certifyEpoch, log.issuerCertificate)
      for (let i = 0; i < 3; i++) addEpoch(log, journal, keys)
      return { journals: [journal] }
    },
  },
  {
    name: 'add an epoch that never was',
    by: 'the issuer key',
    remark: 'nothing that is held covers it, and the verdict says so',
    expect: uncaught({ heads: 'level 2', ...BEYOND }),
    run: ({ log, copy }) => {
      const keys = keysOf(log.keyring.issuer.certifyEpoch, log.issuerCertificate)
      addEpoch(log, copy.journal, keys)
    },
  },
  {
    name: 'fork an epoch and show both',
    by: 'an epoch key',
    expect: caught('nothing', 'forked'),
    run: (scene) => {
      rewrite(scene, scene.log.epochs[2])
      return { journals: [scene.copy.journal, join(scene.log.journal, scene.log.epochs[2])] }
    },
  },
  {
    name: 'fork an epoch in its checkpoints: two roots signed for one size',
    by: 'an epoch key',
    expect: caught('nothing', 'forked'),
    run: (scene) => {
      const { copy, log } = scene
      const [, , epoch] = log.epochs
      const notes = copy.notes(epoch)
      rewrite(scene, epoch)
      copy.setNotes(epoch, [...notes, ...copy.notes(epoch)])
    },
  },
  {
    name: 'a machine snapshot resumed twice, both shown',
    by: 'an epoch key',
    expect: caught('nothing', 'forked'),
    run: (scene) => {
      const { journals, head } = resumedTwice(scene)
      return { journals, heads: [head] }
    },
  },
  {
    name: 'a machine snapshot resumed twice, one of its lives shown',
    by: 'an epoch key',
    remark: 'a head of the other life tells; here the tenant log has seen neither',
    expect: uncaught({ heads: 'forged', ...BEYOND }),
    run: (scene) => {
      const { journals, head } = resumedTwice(scene)
      return { journals: [journals[1]], heads: [head] }
    },
  },
  {
    name: 'rewrite what was written behind the last head that left the host',
    by: 'all keys of the host',
    remark: 'only a head that leaves sooner can: what it covers is found as above',
    expect: uncaught({ heads: 'beyond head', ...BEYOND }),
    run: (scene) => {
      const { copy, log } = scene
      const [, , epoch] = log.epochs
      for (const seq of [7, 8]) copy.edit(epoch, seq, '"pay_invoice"', '"pay_invoices"')
      copy.relink(epoch).sign(epoch, keyOf(scene, epoch))
      return { moment: 'early' }
    },
  },
]
