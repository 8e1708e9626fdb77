// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AuditError } from '../errors.ts'
import { parseHeadLine } from '../head-line.ts'
import { parseStub } from '../stub.ts'
import { aJournal, pinned, START_MILLIS } from './a-journal.fixture.ts'
import { aTenantLog, aWitness, expired, stubFile } from './a-tenant-log.fixture.ts'
import { formatHeadFile, parseHeadFile, parseHeadLines } from './head-file-text.ts'
import type { TenantLogBytes } from './input.ts'
import { readTenantEntry } from './tenant-entries.ts'
import { verify, verifyToHead } from './verify.ts'

const TENANT = pinned(aJournal().tenant)
const options = { keys: TENANT, now: (): number => START_MILLIS + 86_400_000 }

/** A text with some of it replaced, cut or repeated. */
function mutations(text: string): fc.Arbitrary<string> {
  const at = fc.nat(text.length)
  return fc.oneof(
    fc
      .tuple(at, fc.string({ maxLength: 8 }))
      .map(([i, put]) => text.slice(0, i) + put + text.slice(i + put.length)),
    fc.tuple(at, at).map(([i, j]) => text.slice(0, i) + text.slice(j)),
    at.map((i) => text.slice(0, i)),
  )
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw error
  }
}

const journal = aJournal()
const epoch = journal.open()
epoch.segmentStarts = [0, 1, 3]
epoch.call().call().close()
const log = aTenantLog(epoch).cosignedBy(aWitness('one.example', 31))

describe('whatever comes from outside', () => {
  it('a head line is taken in one form only', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          mutations(formatHeadFile({ epochs: [], tenant: log.head() }).split('\n')[1] as string),
        ),
        (text) => {
          const code = codeOf(() => parseHeadLine(text))
          expect([undefined, 'MALFORMED_HEAD']).toContain(code)
        },
      ),
    )
  })

  it('a head file that was changed is refused, or says other heads', async () => {
    const { head } = await verifyToHead(journal.bytes(), { ...options, tenantLog: log.bytes() })
    const text = formatHeadFile(head as NonNullable<typeof head>)
    fc.assert(
      fc.property(mutations(text), (changed) => {
        // One that is taken is in its one form.
        const same = (): boolean => formatHeadFile(parseHeadFile(changed)) === changed
        expect([undefined, 'MALFORMED_HEAD']).toContain(codeOf(same))
        expect([undefined, 'MALFORMED_HEAD']).toContain(codeOf(() => parseHeadLines(changed)))
      }),
    )
  })

  it('a head file that was changed never makes verification throw or hang', async () => {
    const { head } = await verifyToHead(journal.bytes(), options)
    const text = formatHeadFile(head as NonNullable<typeof head>)
    const numbers = fc.record({
      byteOffset: fc.nat(9999),
      line: fc.nat(99),
      segment: fc.nat(9),
      notesByteOffset: fc.nat(9999),
      coveredSize: fc.nat(99),
    })
    await fc.assert(
      fc.asyncProperty(numbers, async (put) => {
        let changed = text
        for (const [key, value] of Object.entries(put)) {
          changed = changed.replace(new RegExp(`"${key}":\\d+`), `"${key}":${value}`)
        }
        const since = parseHeadFile(changed)
        const { ok, level } = await verify(journal.bytes(), { ...options, since })
        expect(level > 0).toBe(ok)
      }),
    )
  })

  it('a stub is taken in one form only', () => {
    const text = stubFile(epoch, 2)
      .replace(/^\d+\n/, '')
      .split('\n\n')[0] as string
    fc.assert(
      fc.property(fc.oneof(fc.string(), mutations(`${text}\n`)), (changed) => {
        expect([undefined, 'MALFORMED_STUB']).toContain(codeOf(() => parseStub(changed)))
      }),
    )
  })

  it('a stub that was changed never passes', async () => {
    const text = stubFile(epoch, 2)
    expect((await verify([expired(epoch, 2)], options)).ok).toBe(true)
    await fc.assert(
      fc.asyncProperty(mutations(text), async (changed) => {
        const source = { ...expired(epoch, 2), stub: async (): Promise<string> => changed }
        expect((await verify([source], options)).ok).toBe(changed === text)
      }),
    )
  })

  it('an entry of a tenant log is of a kind or none, and never throws', () => {
    const texts = log.entries.map(String)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          ...texts.map((text) => mutations(text).map((t) => Buffer.from(t))),
        ),
        (bytes) => {
          expect(codeOf(() => readTenantEntry(bytes))).toBeUndefined()
        },
      ),
    )
  })

  it('a tenant log that was changed never passes', async () => {
    const bytes = log.bytes()
    const note = await bytes.checkpoint()
    const asked = { ...options, heads: [log.head()] }
    const changes = fc.oneof(
      mutations(note).map((checkpoint) => ({ checkpoint, entries: log.entries })),
      fc
        .tuple(fc.nat(log.entries.length - 1), fc.uint8Array({ maxLength: 40 }))
        .map(([at, entry]) => ({
          checkpoint: note,
          entries: log.entries.with(at, Buffer.from(entry)),
        })),
      fc
        .nat(log.entries.length - 1)
        .map((at) => ({ checkpoint: note, entries: log.entries.toSpliced(at, 1) })),
    )
    await fc.assert(
      fc.asyncProperty(changes, async ({ checkpoint, entries }) => {
        const tenantLog: TenantLogBytes = {
          ...bytes,
          checkpoint: async () => checkpoint,
          async *entries() {
            yield* entries
          },
        }
        const { level } = await verify(journal.bytes(), { ...asked, tenantLog })
        // Cosignatures are nobody's here: a note without one, or with another, says the same.
        const same =
          checkpoint.startsWith(note.split('\n').slice(0, 5).join('\n')) && entries === log.entries
        expect(level).toBe(same && level === 3 ? 3 : 0)
      }),
    )
  })
})
