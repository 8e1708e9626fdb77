// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { formatRevocation, signNoteSync } from '@spanseal/core'
import type { JournalKeys } from '@spanseal/journal'
import { openWriter } from '@spanseal/journal'
import type { Attack } from './attack.ts'
import { BEYOND, caught, uncaught } from './attack.ts'
import type { AttackedLog } from './attacked-log.ts'
import { LOG, writeAttackedLog, writeCalls, writerOptions } from './attacked-log.ts'
import type { NamedKey } from './host-secrets.ts'
import { aKey, certify } from './host-secrets.ts'
import type { TamperedCopy } from './tampered-copy.ts'

/** Certificates, key names and ids, by who has no key of the log but can make keys of their own. */

/** A keyring that certifies as it likes and remembers no heads. */
export function keysOf(
  certifyEpoch: JournalKeys['issuer']['certifyEpoch'],
  certificate?: string,
): JournalKeys {
  return {
    issuer: { certifyEpoch, ...(certificate === undefined ? {} : { certificate }) },
    heads: {
      epochs: () => [],
      read: () => undefined,
      save: () => undefined,
      settled: () => new Set(),
      settle: () => undefined,
    },
  }
}

/** Writes one more epoch into a journal with whatever keys there are, and a call in it. */
export function addEpoch(log: AttackedLog, journal: string, keys: JournalKeys): string {
  const writer = openWriter({ ...writerOptions(journal, log.keyring), keys })
  const epoch = writer.epoch as string
  writeCalls(writer, log.keyring, 2)
  writer.close()
  return epoch
}

/** Epoch certificates by `by`, in the name of whoever. */
function certifiedBy(by: NamedKey): JournalKeys['issuer']['certifyEpoch'] {
  return ({ vkey }) => certify('epoch', { vkey, log: LOG }, by)
}

export const attacksOnKeys: readonly Attack[] = [
  {
    name: 'rewrite everything under keys of one’s own',
    by: 'nothing',
    expect: caught('keys', 'unsigned'),
    run: ({ folder }) => ({ journals: [writeAttackedLog(folder()).journal] }),
  },
  {
    name: 'add an epoch under keys of one’s own',
    by: 'nothing',
    expect: caught('keys', 'unsigned'),
    run: ({ log, copy }) => {
      const tenant = aKey(LOG)
      const issuer = aKey(`${LOG}/issuer-1`)
      const certificate = certify('issuer', { vkey: issuer.vkey, log: LOG }, tenant)
      addEpoch(log, copy.journal, keysOf(certifiedBy(issuer), certificate))
    },
  },
  {
    name: 'forge a certificate: an epoch’s, in the name of the issuer',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: ({ log, copy }) => {
      const issuer = aKey(log.issuer.name)
      addEpoch(log, copy.journal, keysOf(certifiedBy(issuer), log.issuerCertificate))
    },
  },
  {
    name: 'forge a certificate: the issuer’s, in the name and id of the tenant',
    by: 'nothing',
    remark: 'who pins no key cannot tell whose signature it should be',
    expect: caught('keys', 'forged'),
    run: ({ log, copy }) => {
      const issuer = aKey(`${LOG}/issuer-1`)
      const signed = certify('issuer', { vkey: issuer.vkey, log: LOG }, aKey(LOG))
      const [, id = ''] = log.tenant.vkey.split('+')
      const blob = Buffer.from(/ (\S+)\n$/.exec(signed)?.[1] as string, 'base64')
      blob.write(id, 0, 'hex')
      const certificate = signed.replace(/ \S+\n$/, ` ${blob.toString('base64')}\n`)
      addEpoch(log, copy.journal, keysOf(certifiedBy(issuer), certificate))
    },
  },
  {
    name: 'a certificate in another role: the issuer’s for an epoch',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: ({ log, copy }) => {
      addEpoch(
        log,
        copy.journal,
        keysOf(() => log.issuerCertificate),
      )
    },
  },
  {
    name: 'a certificate in another role: an epoch key certifies an epoch',
    by: 'an epoch key',
    expect: caught('nothing', 'forged'),
    run: ({ log, copy }) => {
      const key = log.epochKeys.get(log.epochs[1]) as NamedKey
      addEpoch(log, copy.journal, keysOf(certifiedBy(key), log.issuerCertificate))
    },
  },
  {
    name: 'a certificate in another role: an epoch’s certificate for an issuer’s',
    by: 'an epoch key',
    expect: caught('nothing', 'forged'),
    run: ({ log, copy }) => {
      const key = log.epochKeys.get(log.epochs[1]) as NamedKey
      const [own = ''] = certificatesIn(copy, log.epochs[1])
      addEpoch(log, copy.journal, keysOf(certifiedBy(key), own))
    },
  },
  {
    name: 'use the certificate of another epoch',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: ({ log, copy }) => {
      const [own = ''] = certificatesIn(copy, log.epochs[1])
      addEpoch(
        log,
        copy.journal,
        keysOf(() => own, log.issuerCertificate),
      )
    },
  },
  {
    name: 'swap the key in the file',
    by: 'nothing',
    expect: caught('nothing', 'forged'),
    run: ({ copy, log }) => {
      const [, , epoch] = log.epochs
      const key = aKey(`${LOG}/${epoch}`)
      copy.edit(epoch, 0, /"vkey":"[^"]*"/, `"vkey":"${key.vkey}"`)
      copy.relink(epoch).sign(epoch, key)
    },
  },
  {
    name: 'an epoch id that does not fit its key, under a certificate for it',
    by: 'the issuer key',
    expect: caught('nothing', 'forged'),
    run: ({ copy, log }) => {
      const [, , epoch] = log.epochs
      const key = aKey(`${LOG}/${epoch}`)
      const cert = certify('epoch', { vkey: key.vkey, log: LOG }, log.issuer)
      copy.edit(
        epoch,
        0,
        /"certs":\[.*?\],"vkey":"[^"]*"/,
        keyText(key, [cert, log.issuerCertificate]),
      )
      copy.relink(epoch).sign(epoch, key)
    },
  },
  {
    name: 'use an issuer key after its time',
    by: 'the issuer key',
    remark: 'reported as `expired`',
    expect: uncaught({ heads: 'level 2', ...BEYOND }),
    run: ({ log, copy }) => {
      const issuer = aKey(`${LOG}/issuer-old`)
      const from = Date.now() - 200 * 86_400_000
      const certificate = certify(
        'issuer',
        { vkey: issuer.vkey, log: LOG },
        { ...log.tenant, from, days: 90 },
      )
      addEpoch(log, copy.journal, keysOf(certifiedBy(issuer), certificate))
    },
  },
  {
    name: 'use an issuer key that was revoked',
    by: 'the issuer key',
    remark: 'who holds no revocation cannot know',
    expect: caught('keys', 'unsigned'),
    run: ({ log, copy }) => {
      const issuer = aKey(`${LOG}/issuer-stolen`)
      const certificate = certify('issuer', { vkey: issuer.vkey, log: LOG }, log.tenant)
      addEpoch(log, copy.journal, keysOf(certifiedBy(issuer), certificate))
      const text = formatRevocation({ log: LOG, vkey: issuer.vkey, tenantLogSize: 0 })
      return { revocations: [signNoteSync(text, log.tenant)] }
    },
  },
]

function keyText(key: NamedKey, certs: readonly string[]): string {
  return `"certs":${JSON.stringify(certs)},"vkey":"${key.vkey}"`
}

function certificatesIn(copy: TamperedCopy, epoch: string): string[] {
  const open = JSON.parse(copy.lines(epoch)[0] as string) as {
    readonly detail: { readonly key: { readonly certs: string[] } }
  }
  return open.detail.key.certs
}
