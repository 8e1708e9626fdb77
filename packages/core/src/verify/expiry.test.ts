// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { sha256Hex } from '../hash.ts'
import type { EpochBuilder } from './a-journal.fixture.ts'
import { aJournal, aKey, chunksOf, LOG, pinned, START_MILLIS } from './a-journal.fixture.ts'
import type { StubOptions } from './a-tenant-log.fixture.ts'
import { aRevocation, aTenantLog, expired, stubFile } from './a-tenant-log.fixture.ts'
import type { EpochBytes } from './input.ts'
import type { FindingCode, Verdict } from './verdict.ts'
import type { VerifyOptions } from './verify.ts'
import { verify } from './verify.ts'

const TENANT = pinned(aJournal().tenant)
const now = (): number => START_MILLIS + 86_400_000

/** A closed epoch of ten records in three segments, signed at 1, 5, 7 and 10. */
function anOldEpoch(): EpochBuilder {
  const epoch = aJournal().open()
  epoch.segmentStarts = [0, 1, 5]
  return epoch.call().call().checkpoint().call().checkpoint().call().close()
}

function check(epoch: EpochBytes, options: VerifyOptions = {}): Promise<Verdict> {
  return verify([epoch], { keys: TENANT, now, ...options })
}

function faults({ findings }: Verdict): FindingCode[] {
  return findings.filter(({ kind }) => kind === 'fault').map(({ code }) => code)
}

describe('records that have expired', () => {
  it('are no fault where a stub stands for them that leads to the signed roots', async () => {
    const verdict = await check(expired(anOldEpoch(), 4))
    expect(verdict).toMatchObject({
      ok: true,
      level: 2,
      checked: 6,
      expired: 4,
      expected: 10,
      attestedTail: 0,
      counts: { expired: 1 },
    })
    expect(verdict.findings[0]).toMatchObject({ kind: 'notice', seq: 1, lastSeq: 4 })
  })

  it('can be all of an epoch but its opening', async () => {
    const epoch = anOldEpoch()
    const verdict = await check(expired(epoch, epoch.size - 1))
    expect(verdict).toMatchObject({ ok: true, checked: 1, expired: 9, ends: { closed: 1 } })
  })

  it('do not keep the tenant log from being complete', async () => {
    const epoch = anOldEpoch()
    const log = aTenantLog().certificate(epoch).checkpoint(epoch, 3).checkpoint(epoch)
    const options = { tenantLog: log.bytes(), heads: [log.head()] }
    expect(await check(expired(epoch, 4), options)).toMatchObject({ ok: true, level: 3 })
  })

  it('may still be there, whole or in part', async () => {
    const epoch = anOldEpoch()
    const whole = { ...epoch.bytes(), stub: async () => stubFile(epoch, 4) }
    expect(await check(whole)).toMatchObject({ ok: true, checked: 10, expired: 0 })
    const left = epoch.bytes()
    const part = {
      ...whole,
      async *segments() {
        for await (const segment of left.segments()) {
          if (segment.firstSeq !== 1) yield segment
        }
      },
      stub: async () => stubFile(epoch, 6),
    }
    expect(await check(part)).toMatchObject({ ok: true, checked: 4, expired: 6 })
  })

  it('may be there only as far as they lead to what the stub names', async () => {
    const epoch = anOldEpoch()
    const left = (...lines: readonly string[]): EpochBytes => {
      const source = expired(epoch, 6)
      return {
        ...source,
        async *segments() {
          for await (const segment of source.segments()) {
            if (segment.firstSeq === 0) {
              const bytes = Buffer.from([epoch.lines[0], ...lines, ''].join('\n'))
              yield { ...segment, chunks: (from) => chunksOf(bytes.subarray(from), Infinity) }
            } else yield segment
          }
        },
      }
    }
    epoch.segmentStarts = [0, 1, 7]
    const [, , second = '', third = '', , fifth = '', sixth = ''] = epoch.lines
    expect(await check(left(fifth, sixth))).toMatchObject({ ok: true, checked: 4, expired: 6 })
    expect(faults(await check(left(fifth)))).toEqual(['edited'])
    expect(faults(await check(left(second, third, sixth)))).toEqual(['edited'])
    const changed = fifth.replace('network:orders', 'network:0rders')
    expect(faults(await check(left(changed, sixth)))).toEqual(['edited'])
    expect(faults(await check(left(sixth.replace('success', 'timeout'))))).toEqual(['edited'])
  })

  it('are no place for an observation that vouches for records that nobody signed', async () => {
    const journal = aJournal()
    const old = journal.open().call().call().call().close()
    old.segmentStarts = [0, 1, 5]
    const unsigned = journal.open().call().close()
    unsigned.notes = []
    const forged = aJournal()
      .open()
      .append({
        type: 'epoch.observed',
        severity: 'info',
        detail: { observed: [unsigned.observedAs('closed')] },
      })
    const line = (forged.lines[1] as string).replace('"seq":1}', '"seq":2}')
    const source = expired(old, 4)
    const withForged = {
      ...source,
      async *segments() {
        for await (const segment of source.segments()) {
          yield segment
          const chunks = (): AsyncGenerator<Uint8Array> => chunksOf(Buffer.from(`${line}\n`), 512)
          if (segment.firstSeq === 0) yield { file: 'left', firstSeq: 2, chunks }
        }
      },
    }
    const verdict = await verify([withForged, unsigned.bytes()], { keys: TENANT, now })
    expect(verdict).toMatchObject({ ok: false, level: 0 })
    expect(faults(verdict)).toEqual(['edited'])
  })

  it('are those that a later epoch saw', async () => {
    const journal = aJournal()
    const old = journal.open().call().call().close()
    const seen = old.observedAs('closed')
    journal.open({ observed: [seen] }).close()
    const all = (stubbed: EpochBytes): readonly EpochBytes[] => [
      stubbed,
      ...journal.bytes().slice(1),
    ]
    const last = old.size - 1
    expect(await verify(all(expired(old, last)), { keys: TENANT, now })).toMatchObject({ ok: true })
    old.notes = old.notes.slice(0, 1)
    old.edit(last, (line) => line.replace('shutdown', 'rollover'))
    const verdict = await verify(all(expired(old, last)), { keys: TENANT, now })
    expect(faults(verdict)).toEqual(['forked'])
  })

  it('may hold starts of calls whose ends are there', async () => {
    const epoch = aJournal().open()
    epoch.segmentStarts = [0, 1, 2]
    const start = epoch.record(1)
    epoch.start('x').end(start, 'x').close()
    expect(await check(expired(epoch, 1))).toMatchObject({ ok: true, expired: 1 })
  })
})

describe('a stub that may not stand there', () => {
  const issuerKey = aKey(`${LOG}/issuer-a1`, 2)
  it.each<[string, StubOptions, FindingCode]>([
    ['before the time of the records', { keepUntil: '2033-01-01T00:00:00.000Z' }, 'missing'],
    ['by an issuer', { by: issuerKey, role: 'issuer' }, 'forged'],
    ['certified by another tenant', { certificateBy: aKey(LOG, 66) }, 'unsigned'],
    ['certified by an issuer', { certificateBy: issuerKey }, 'unsigned'],
    ['for other records', { nodes: [sha256Hex('a'), sha256Hex('b')] }, 'forged'],
    ['of another epoch', { origin: `${LOG}/019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00` }, 'forged'],
    ['in the place of epoch.open', { keepOpening: false }, 'missing'],
  ])('%s', async (_, options, code) => {
    const verdict = await check(expired(anOldEpoch(), 4, options))
    expect(faults(verdict)).toEqual([code])
  })

  it('is not one at all', async () => {
    const epoch = anOldEpoch()
    const whole = stubFile(epoch, 4)
    const texts = [
      '',
      'x',
      '5\nab',
      whole.slice(0, -1),
      `${whole}x`,
      whole.replace('stub/1', 'stub/2'),
    ]
    for (const text of texts) {
      const verdict = await check({ ...expired(epoch, 4), stub: async () => text })
      expect(faults(verdict)).toContain('edited')
      expect(faults(verdict)).toContain('missing')
    }
  })

  it('is not signed by the key of its certificate, or that key was revoked', async () => {
    const epoch = anOldEpoch()
    const [, certificate = ''] =
      /^(?:\d+\n)(?:[\s\S]*?)(\d+\n(?:spanseal\/cert)[\s\S]*)$/.exec(stubFile(epoch, 4)) ?? []
    const [note = ''] = stubFile(epoch, 4, { by: aKey(`${LOG}/retention-r1`, 10) }).split(
      /\d+\nspanseal\/cert/,
    )
    const swapped = { ...expired(epoch, 4), stub: async () => note + certificate }
    expect(faults(await check(swapped))).toEqual(['forged'])
    const revocations = [aRevocation(aKey(`${LOG}/retention-r1`, 9).vkey, 100)]
    expect(faults(await check(expired(epoch, 4), { revocations }))).toEqual(['unsigned'])
  })

  it('does not stand for records that are missing behind it', async () => {
    const epoch = anOldEpoch()
    epoch.segmentStarts = [0, 1, 4, 5]
    const source = expired(epoch, 3)
    const gap = {
      ...source,
      async *segments() {
        for await (const segment of source.segments()) if (segment.firstSeq !== 4) yield segment
      },
    }
    expect(faults(await check(gap))).toEqual(['missing'])
  })
})
