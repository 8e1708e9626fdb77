// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { epochId, formatCertificate, formatCheckpoint, formatVkey, signNoteSync } from '@spanseal/core'
import type { Certificate } from '@spanseal/core'
import { LOG, issuer, seedOf, signingKey, strangeIssuer, stranger, tenant } from './keys.ts'
import type { SigningKey } from './keys.ts'
import { jsonFile } from './text-files.ts'
import type { Files } from './text-files.ts'

const OPENED_AT = '2026-11-21T09:30:00.000Z'

function epochKey(words: string, log: string = LOG): SigningKey & { readonly epoch: string } {
  const seed = seedOf(words)
  const { publicKey } = signingKey('unnamed', seed)
  const epoch = epochId(publicKey, Date.parse(OPENED_AT))
  return { ...signingKey(`${log}/${epoch}`, seed), epoch }
}

const epoch = epochKey('epoch of the notes')
const keyJson = ({ name, seed, vkey }: SigningKey): object => ({ name, seed, vkey })

function noteFile(): [string, string] {
  const text = 'one\n\ntwo — três\n'
  const note = signNoteSync(text, tenant)
  const line = note.slice(text.length + 1)
  const other = signNoteSync(text, stranger).slice(text.length + 1)
  const wrong = signNoteSync('three\n', tenant).split('\n\n')[1] as string
  const signed = (name: string, all: string): object => ({ name, note: all, text, signed: true })
  const unsigned = (name: string, all: string): object => ({ name, note: all, signed: false })
  return jsonFile('note.json', {
    about:
      'C2SP signed notes. signed: whether key signed the note (a signature of another key counts for ' +
      'nothing, a wrong one in the name of key against it). malformed: no notes at all.',
    key: keyJson(tenant),
    notes: [
      signed('one signature', note),
      signed('another key’s signature beside it', note + other),
      signed('an unknown kind of signature beside it', `${note}— witness.example ${'A'.repeat(160)}\n`),
      unsigned('another key of the same name', `${text}\n${other}`),
      unsigned('a wrong signature', `${text}\n${wrong}`),
      unsigned('a wrong signature beside the right one', note + wrong),
      unsigned('another text', note.replace('one', 'One')),
      unsigned('an LF more', `\n${note}`),
    ],
    malformed: [
      ['nothing', ''],
      ['no signature', text],
      ['no LF at the end', note.slice(0, -1)],
      ['a blank line at the end', `${note}\n`],
      ['CR LF', note.replaceAll('\n', '\r\n')],
      ['a tab', note.replace('one', 'o\te')],
      ['a hyphen for the dash', `${text}\n-${line.slice(1)}`],
      ['two spaces', `${text}\n${line.replace(' ', '  ')}`],
      ['base64 without padding', `${text}\n${line.replace(/=*\n$/, '\n')}`],
      ['a signature shorter than a key id', `${text}\n— a AAAA\n`],
      ['65 signatures', note + line.repeat(64)],
    ].map(([name, malformed]) => ({ name, note: malformed })),
    vkeys: {
      valid: [keyJson(tenant), keyJson(issuer), keyJson(epoch)],
      malformed: [
        '',
        tenant.name,
        tenant.vkey.replace(/\+[0-9a-f]{8}\+/, '+00000000+'),
        tenant.vkey.replace(LOG, `${LOG}x`),
        tenant.vkey.replace(LOG, ''),
        tenant.vkey.slice(0, -4),
        `${tenant.vkey}\n`,
        formatVkey(LOG, Buffer.alloc(31)),
      ],
    },
  })
}

function checkpointFile(): [string, string] {
  const checkpoint = { origin: `${LOG}/${epoch.epoch}`, size: 1234, root: 'ab'.repeat(32) }
  const text = formatCheckpoint(checkpoint)
  return jsonFile('checkpoint.json', {
    about: 'Texts of C2SP checkpoints: origin, size, root; nothing else.',
    valid: [
      { ...checkpoint, text },
      { origin: LOG, size: 0, root: '00'.repeat(32), text: formatCheckpoint({ origin: LOG, size: 0, root: '00'.repeat(32) }) },
      { ...checkpoint, size: Number.MAX_SAFE_INTEGER, text: formatCheckpoint({ ...checkpoint, size: Number.MAX_SAFE_INTEGER }) },
    ],
    malformed: [
      ['nothing', ''],
      ['no LF at the end', text.slice(0, -1)],
      ['an extension line', `${text}more\n`],
      ['no origin', text.slice(text.indexOf('\n'))],
      ['a size with a zero before it', text.replace('\n1234', '\n01234')],
      ['a size with a sign', text.replace('\n1234', '\n+1234')],
      ['a size of 2^53', text.replace('\n1234', '\n9007199254740992')],
      ['a size in another notation', text.replace('\n1234', '\n1e3')],
      ['a root of 31 bytes', text.replace(/[^\n]*\n$/, `${Buffer.alloc(31).toString('base64')}\n`)],
      ['a root in hex', text.replace(/[^\n]*\n$/, `${checkpoint.root}\n`)],
      ['spare bits in the root', text.replace('q6s=', 'q6t=')],
      ['CR LF', text.replaceAll('\n', '\r\n')],
    ].map(([name, malformed]) => ({ name, text: malformed })),
  })
}

function certificateFile(): [string, string] {
  const plain: Certificate = {
    role: 'epoch',
    log: LOG,
    vkey: epoch.vkey,
    notBefore: '2026-11-21T00:00:00.000Z',
    notAfter: '2026-11-22T00:00:00.000Z',
  }
  const text = formatCertificate(plain)
  const certify = (key: SigningKey, by: SigningKey, fields: Partial<Certificate> = {}): string =>
    signNoteSync(formatCertificate({ ...plain, vkey: key.vkey, ...fields }), by)
  const epochCert = certify(epoch, issuer)
  const issuerCert = certify(issuer, tenant, { role: 'issuer' })
  const claim = { log: LOG, epoch: epoch.epoch, vkey: epoch.vkey, certs: [epochCert, issuerCert], at: OPENED_AT }
  const sales = 'example.com/sales'
  const other = epochKey('another epoch')
  const accepted = (name: string, changes: object, pinned: readonly SigningKey[], expect: object): object => ({
    name,
    claim: { ...claim, ...changes },
    pinned: pinned.map(({ vkey }) => vkey),
    expect,
  })
  const refused = (name: string, changes: object): object =>
    accepted(name, changes, [tenant], { refused: true })
  return jsonFile('certificate.json', {
    about:
      'texts: what is signed. chains: pinned says whether a pinned key vouches for the epoch key, ' +
      'valid whether all certificates cover the time at; refused: the claim contradicts itself.',
    keys: { tenant: keyJson(tenant), issuer: keyJson(issuer), epoch: keyJson(epoch) },
    texts: {
      valid: [{ ...plain, text }],
      malformed: [
        ['nothing', ''],
        ['another version', text.replace('cert/1', 'cert/2')],
        ['a line more', `${text}x\n`],
        ['no LF at the end', text.slice(0, -1)],
        ['an unknown role', text.replace('\nepoch\n', '\ntenant\n')],
        ['a name that does not fit the role', text.replace('\nepoch\n', '\nissuer\n')],
        ['a key of another log', text.replace(`\n${LOG}\n`, `\n${sales}\n`)],
        ['a log that is none', text.replace(`\n${LOG}\n`, '\nExample.com\n')],
        ['a day that is none', text.replace('2026-11-22', '2026-11-31')],
        ['an end before its beginning', text.replace('2026-11-22', '2026-11-20')],
        ['a time without milliseconds', text.replace('00.000Z\n2', '00Z\n2')],
      ].map(([name, malformed]) => ({ name, text: malformed })),
    },
    chains: [
      accepted('up to the tenant', {}, [tenant], { pinned: true, valid: true }),
      accepted('up to a pinned issuer', { certs: [epochCert] }, [issuer], { pinned: true, valid: true }),
      accepted('a pinned epoch key', { certs: [] }, [epoch], { pinned: true, valid: true }),
      accepted('nothing pinned', {}, [], { pinned: false, valid: true }),
      accepted('another tenant pinned', {}, [stranger], { pinned: false, valid: true }),
      accepted('another issuer pinned', { certs: [epochCert] }, [strangeIssuer], { pinned: false, valid: true }),
      accepted('opened before', { at: '2026-11-20T23:59:59.999Z' }, [tenant], { pinned: true, valid: false }),
      accepted('opened at the last moment', { at: plain.notAfter }, [tenant], { pinned: true, valid: true }),
      accepted('opened after', { at: '2026-11-22T00:00:00.001Z' }, [tenant], { pinned: true, valid: false }),
      refused('a key named after another epoch', { vkey: other.vkey }),
      refused('an epoch id not made from the key', { epoch: other.epoch, vkey: formatVkey(`${LOG}/${other.epoch}`, epoch.publicKey), certs: [] }),
      refused('the certificate of another epoch', { certs: [certify(other, issuer), issuerCert] }),
      refused('the certificates the wrong way round', { certs: [issuerCert, epochCert] }),
      refused('three certificates', { certs: [epochCert, issuerCert, issuerCert] }),
      refused('signed by another issuer', { certs: [certify(epoch, strangeIssuer), issuerCert] }),
      refused('signed by the tenant itself', { certs: [certify(epoch, tenant)] }),
      refused('an epoch key as issuer', { certs: [epochCert, certify(other, tenant)] }),
      refused('an issuer of another log', { certs: [epochCert, certify(signingKey(`${sales}/issuer-host1`, issuer.seed), tenant, { role: 'issuer', log: sales })] }),
      refused('changed after signing', { certs: [epochCert, issuerCert.replace('2026-11-22T', '2027-11-22T')] }),
      refused('no note', { certs: [text] }),
    ],
  })
}

/** `note.json`, `checkpoint.json`, `certificate.json`. */
export function noteVectors(): Files {
  return new Map([noteFile(), checkpointFile(), certificateFile()])
}
