// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type {
  CertificateClaim,
  ErrorCode,
  TenantLogBytes,
  Verdict,
  VerifyOptions,
} from '@spanseal/core'
import {
  AuditError,
  canonicalize,
  checkCertificateChain,
  commit,
  digestArguments,
  digestValue,
  FINDING_CODES,
  formatCertificate,
  formatCheckpoint,
  formatHeadLine,
  formatStub,
  HmacKey,
  isCanonicalText,
  noteSignedBy,
  openCommitment,
  parseCertificate,
  parseCheckpoint,
  parseHeadLine,
  parseNote,
  parseStub,
  parseVkey,
  parseWitnessKey,
  StreamDigest,
  schemaViolation,
  verify,
} from '@spanseal/core'
import { describe, expect, test } from 'vitest'
import { vectorFiles } from '../../vectors/generate.ts'
import { evaluated } from '../../vectors/make/commitments.ts'
import type { JournalFiles } from './journal-files.ts'
import { epochsOf } from './journal-files.ts'
import type {
  BlindingKeyVector,
  BroughtVector,
  CanonicalVectors,
  CertificateVectors,
  CheckpointVectors,
  CommitmentVectors,
  HeadVectors,
  JournalVectors,
  LineVectors,
  NoteVectors,
  OutsideVector,
  SecretVectors,
  TamperedVector,
} from './stored-vectors.ts'
import { readFolder, readVectors } from './stored-vectors.ts'

/** What our own implementation makes of `vectors/`. */

function codeOf(run: () => unknown): ErrorCode | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw error
  }
}

test('the generator makes the files again, byte for byte, and there are no others', () => {
  const stored = [...readFolder('.')].filter(
    ([path]) => !/^(make\/|generate\.ts$|README\.md$|\.gitattributes$)/.test(path),
  )
  const made = vectorFiles()
  expect(stored.map(([path]) => path).toSorted()).toEqual([...made.keys()].toSorted())
  const different = stored.filter(
    ([path, bytes]) => !Buffer.from(made.get(path) as string).equals(bytes),
  )
  expect(different.map(([path]) => path)).toEqual([])
})

test('canonical.json', () => {
  const { valid, refused } = readVectors<CanonicalVectors>('canonical.json')
  for (const { json, canonical } of valid) {
    expect(canonicalize(JSON.parse(json))).toBe(canonical)
    expect(isCanonicalText(canonical, JSON.parse(canonical))).toBe(true)
    expect(isCanonicalText(json, JSON.parse(json))).toBe(json === canonical)
  }
  for (const { json } of refused) {
    expect(codeOf(() => canonicalize(JSON.parse(json)))).toBe('NOT_REPRESENTABLE')
    expect(isCanonicalText(json, JSON.parse(json))).toBe(false)
  }
})

test('line.json: the schema takes the valid lines', () => {
  for (const { line } of readVectors<LineVectors>('line.json').valid) {
    expect(schemaViolation(JSON.parse(line))).toBeUndefined()
    expect(isCanonicalText(line, JSON.parse(line))).toBe(true)
  }
})

describe('commitments.json', () => {
  const vectors = readVectors<CommitmentVectors>('commitments.json')
  const { period, eq, subjects } = vectors.keys
  const keyOf = ({ kid, key }: BlindingKeyVector): { kid: string; key: HmacKey } => ({
    kid,
    key: new HmacKey(Buffer.from(key, 'hex')),
  })

  test('values and arguments have these digests', () => {
    for (const { js, enc, h, bytes, partial = false } of vectors.values) {
      expect(digestValue(evaluated(js))).toEqual({ enc, h, bytes, partial })
    }
    for (const { js, enc, h, bytes, partial = false } of vectors.arguments) {
      const args = evaluated(js) as readonly unknown[]
      expect(digestArguments(args)).toEqual({ enc, h, bytes, partial })
    }
  })

  test('streams have these digests', () => {
    for (const { chunks, name: _, ...expected } of vectors.streams) {
      const digest = new StreamDigest()
      for (const chunk of evaluated(chunks) as readonly unknown[]) digest.update(chunk)
      expect(digest.end(true)).toEqual(expected)
    }
  })

  test('commitments come out, and open', () => {
    for (const { js, keys, place, commitment, opening } of vectors.commitments) {
      const named = {
        period: keyOf(period),
        jane: keyOf(subjects.jane),
        john: keyOf(subjects.john),
      }
      const [first, ...rest] = keys
        .filter((name) => name !== 'eq')
        .map((name) => named[name as keyof typeof named])
      const under = {
        keys: [first as typeof named.period, ...rest] as const,
        ...(keys.includes('eq') && { eq: new HmacKey(Buffer.from(eq.key, 'hex')) }),
      }
      expect(commit(digestValue(evaluated(js)), place, under)).toEqual(commitment)
      expect(openCommitment(opening.h, opening.salt, place)).toBe(commitment.c)
    }
  })
})

test('note.json', () => {
  const { key, notes, malformed, vkeys } = readVectors<NoteVectors>('note.json')
  for (const { note, text, signed } of notes) {
    const parsed = parseNote(note)
    expect(noteSignedBy(parsed, parseVkey(key.vkey))).toBe(signed)
    expect(parsed.text).toBe(text ?? parsed.text)
  }
  for (const { note } of malformed) expect(codeOf(() => parseNote(note))).toBe('MALFORMED_NOTE')
  for (const { name, vkey } of vkeys.valid) expect(parseVkey(vkey).name).toBe(name)
  for (const vkey of vkeys.malformed) expect(codeOf(() => parseVkey(vkey))).toBe('MALFORMED_KEY')
})

test('checkpoint.json', () => {
  const { valid, malformed } = readVectors<CheckpointVectors>('checkpoint.json')
  for (const { text, ...checkpoint } of valid) {
    expect(parseCheckpoint(text)).toEqual(checkpoint)
    expect(formatCheckpoint(checkpoint)).toBe(text)
  }
  for (const { text } of malformed) {
    expect(codeOf(() => parseCheckpoint(text))).toBe('MALFORMED_CHECKPOINT')
  }
})

test('heads.json', () => {
  const { lines, stubs } = readVectors<HeadVectors>('heads.json')
  for (const { line, ...head } of lines.valid) {
    expect(parseHeadLine(line)).toEqual(head)
    expect(formatHeadLine(head)).toBe(line)
  }
  for (const { line } of lines.malformed) {
    expect(codeOf(() => parseHeadLine(line))).toBe('MALFORMED_HEAD')
  }
  for (const { text, ...stub } of stubs.valid) {
    expect(parseStub(text)).toEqual(stub)
    expect(formatStub(stub)).toBe(text)
  }
  for (const { text } of stubs.malformed) {
    expect(codeOf(() => parseStub(text))).toBe('MALFORMED_STUB')
  }
})

test('certificate.json', () => {
  const { texts, chains } = readVectors<CertificateVectors>('certificate.json')
  for (const { text } of texts.valid) expect(formatCertificate(parseCertificate(text))).toBe(text)
  for (const { text } of texts.malformed) {
    expect(codeOf(() => parseCertificate(text))).toBe('MALFORMED_CERTIFICATE')
  }
  for (const { claim, pinned, expect: expected } of chains) {
    expect(vouchedFor(claim, pinned)).toMatchObject(expected)
  }
})

/** What a chain of certificates proves, or that it contradicts itself. */
function vouchedFor(claim: CertificateClaim, pinned: readonly string[]): object {
  let certified = {}
  const code = codeOf(() => {
    certified = checkCertificateChain(claim, pinned.map(parseVkey))
  })
  return code?.startsWith('MALFORMED_') === true ? { refused: true } : certified
}

describe('journals', () => {
  const vectors = readVectors<JournalVectors>('journal.json')
  const golden = readFolder('journal')

  function verdictOf(files: JournalFiles, heads: readonly string[] = []): Promise<Verdict> {
    return verify(epochsOf(files), {
      keys: vectors.pinned.map(parseVkey),
      now: () => Date.parse(vectors.now),
      heads,
    })
  }

  test('the golden one holds, signed, and complete up to its heads', async () => {
    const verdict = await verdictOf(golden)
    expect(verdict).toMatchObject(vectors.expect)
    expect(verdict.findings.filter(({ kind }) => kind === 'fault')).toEqual([])
    expect(await verdictOf(golden, vectors.heads)).toMatchObject({ ok: true, level: 3 })
  })

  test('the golden one says no more than level 1 where no key is pinned', async () => {
    const verdict = await verify(epochsOf(golden), { now: () => Date.parse(vectors.now) })
    expect(verdict).toMatchObject({ ok: true, level: 1, signed: false })
  })

  test('the one with gaps holds, and says what it lacks', async () => {
    const { expect: expected, now, pinned } = readVectors<JournalVectors>('gaps.json')
    const verdict = await verify(epochsOf(readFolder('gaps')), {
      keys: pinned.map(parseVkey),
      now: () => Date.parse(now),
    })
    expect(verdict).toMatchObject(expected)
    expect(verdict.findings.map(({ kind, code }) => [kind, code])).toEqual([
      ['notice', 'gap'],
      ['notice', 'gap'],
    ])
  })

  const tampered = readFolder('tampered')
  const outside = readFolder('outside')
  const namesIn = (cases: JournalFiles): string[] => [
    ...new Set([...cases.keys()].map((path) => path.split('/')[0] as string)),
  ]
  const names = namesIn(tampered)

  /** The golden journal with a case's files laid over it. */
  function laidOver(cases: JournalFiles, name: string, removed: readonly string[]): JournalFiles {
    const files = new Map(golden)
    for (const [path, bytes] of cases) {
      if (path.startsWith(`${name}/`)) files.set(path.slice(name.length + 1), bytes)
    }
    for (const path of ['case.json', ...removed]) files.delete(path)
    return files
  }

  /** What a verdict says and should not, or should say and does not. */
  function differences({ findings, ok, level }: Verdict, expected: TamperedVector): string[] {
    const codes = (kind: string): string[] =>
      findings.filter((one) => one.kind === kind).map(({ code }) => code)
    const { also = [], faults, notices = [] } = expected
    const allowed = [...faults, ...also]
    return [
      ...faults.filter((code) => !codes('fault').includes(code)).map((code) => `no ${code}`),
      ...codes('fault').filter((code) => !allowed.includes(code)),
      ...notices
        .filter((code) => !codes('notice').includes(code))
        .map((code) => `no notice ${code}`),
      ...(ok === (faults.length === 0) ? [] : [`ok: ${ok}`]),
      ...(level === (expected.level ?? level) ? [] : [`level ${level}`]),
    ]
  }

  test.each(names)('%s', async (name) => {
    const expected = readVectors<TamperedVector>(`tampered/${name}/case.json`)
    const verdict = await verdictOf(laidOver(tampered, name, expected.removed))
    expect(differences(verdict, expected)).toEqual([])
  })

  test.each(namesIn(outside))('outside: %s', async (name) => {
    const expected = readVectors<OutsideVector>(`outside/${name}/case.json`)
    const files = laidOver(outside, name, expected.removed)
    const options = broughtOptions(expected.brought, vectors)
    expect(differences(await verify(epochsOf(files), options), expected)).toEqual([])
  })

  test('every code of a finding has a case', () => {
    const cases = [
      ...names.map((name) => readVectors<TamperedVector>(`tampered/${name}/case.json`)),
      ...namesIn(outside).map((name) => readVectors<TamperedVector>(`outside/${name}/case.json`)),
    ]
    const codes = new Set(cases.flatMap(({ faults, notices = [] }) => [...faults, ...notices]))
    expect([...codes].toSorted()).toEqual([...FINDING_CODES].toSorted())
  })

  test('there are cases enough, and each differs from the golden journal', () => {
    expect(names.length).toBeGreaterThanOrEqual(40)
    for (const name of names) {
      const { removed } = readVectors<TamperedVector>(`tampered/${name}/case.json`)
      const files = [...tampered.keys()].filter((path) => path.startsWith(`${name}/`))
      expect(files.length + removed.length).toBeGreaterThan(1)
    }
  })
})

function broughtOptions(brought: BroughtVector, { now, pinned }: JournalVectors): VerifyOptions {
  const { heads = [], partial = false, revocations = [], tenantLog, witnesses } = brought
  return {
    keys: pinned.map(parseVkey),
    now: () => Date.parse(brought.now ?? now),
    heads: heads.map(parseHeadLine),
    partial,
    revocations,
    ...(tenantLog && { tenantLog: tenantLogOf(tenantLog) }),
    ...(witnesses && { witnesses: { ...witnesses, keys: witnesses.keys.map(parseWitnessKey) } }),
  }
}

function tenantLogOf({
  checkpoint,
  entries,
}: NonNullable<BroughtVector['tenantLog']>): TenantLogBytes {
  return {
    name: 'tenant-log',
    checkpoint: async () => checkpoint,
    async *entries(size): AsyncGenerator<Uint8Array> {
      yield* entries.slice(0, size).map((entry) => Buffer.from(entry))
    },
    async *timestamps(): AsyncGenerator<Uint8Array> {
      yield* []
    },
  }
}

test('secrets.json: each secret is in its text, none twice, and card numbers pass their check', () => {
  const { secrets } = readVectors<SecretVectors>('secrets.json')
  expect(new Set(secrets.map(({ find }) => find)).size).toBe(secrets.length)
  for (const { kind, find, text } of secrets) {
    expect(text).toContain(find)
    expect(kind.startsWith('card number')).toBe(isCardNumber(find))
  }
})

/** 13 to 19 digits, in groups or not, with the check digit of ISO/IEC 7812-1. */
function isCardNumber(text: string): boolean {
  const digits = text.replace(/[ -]/g, '')
  if (!/^\d{13,19}$/.test(digits)) return false
  const sum = digits
    .split('')
    .toReversed()
    .reduce((total, digit, i) => {
      const doubled = Number(digit) * (i % 2 === 1 ? 2 : 1)
      return total + (doubled > 9 ? doubled - 9 : doubled)
    }, 0)
  return sum % 10 === 0
}
