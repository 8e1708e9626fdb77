// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { aJournal, anEpoch, pinned, START_MILLIS } from './a-journal.fixture.ts'
import { readDeliveredMarker } from './delivered-marker.ts'
import type { Verdict } from './verdict.ts'
import { verify } from './verify.ts'

const MARKER = { size: 5, leaf: 'ab'.repeat(32), at: '2026-11-21T09:00:00.000Z', sinks: ['kafka'] }

/** An epoch whose records 1 to 4, or the last two, were removed, with a marker beside them. */
async function verdictWith(
  marker: string | undefined,
  removed: 'middle' | 'end',
): Promise<Verdict> {
  const epoch = anEpoch({ calls: 4 }).close()
  if (removed === 'middle') epoch.remove(1, 4)
  else epoch.remove(8, 2)
  const bytes = { ...epoch.bytes(), delivered: async () => marker }
  const keys = pinned(aJournal().tenant)
  return verify([bytes], { keys, now: () => START_MILLIS + 86_400_000 })
}

function messagesOf({ findings }: Verdict): string[] {
  return findings.map(({ code, message }) => `${code}: ${message}`)
}

describe('a delivered marker', () => {
  it('is told of where records are missing, and changes nothing else', async () => {
    const without = await verdictWith(undefined, 'middle')
    const verdict = await verdictWith(JSON.stringify(MARKER), 'middle')
    expect(messagesOf(verdict)[0]).toBe(
      'missing: Records 1 to 4 are missing: 4 of them. A marker in the folder, which proves nothing, ' +
        'claims that records below 5 were removed after they had been delivered to kafka: verify ' +
        'what is there.',
    )
    const plain = ({ findings, ...rest }: Verdict): unknown => ({
      ...rest,
      findings: findings.map((finding) => ({ ...finding, message: '' })),
    })
    expect(plain(verdict)).toEqual(plain(without))
    expect(verdict.ok).toBe(false)
  })

  it('is told of where the end is missing', async () => {
    const verdict = await verdictWith(JSON.stringify({ ...MARKER, size: 10 }), 'end')
    expect(messagesOf(verdict)[0]).toMatch(/^truncated: .* verify what is there\.$/)
  })

  it('is not told of where it claims less', async () => {
    const verdict = await verdictWith(JSON.stringify(MARKER), 'end')
    expect(messagesOf(verdict)[0]).toMatch(/^truncated: /)
    expect(messagesOf(verdict).join()).not.toContain('marker')
  })

  it.each([
    ['no JSON', 'x'],
    ['no object', 'null'],
    ['no size', '{"sinks":["kafka"]}'],
    ['a size of nothing', '{"size":0,"sinks":["kafka"]}'],
    ['no sinks', '{"size":5,"sinks":[]}'],
    ['sinks that are none', '{"size":5,"sinks":[7]}'],
    ['much text', JSON.stringify({ ...MARKER, more: 'x'.repeat(70_000) })],
  ])('that is %s is passed over', async (_, text) => {
    expect(readDeliveredMarker(text)).toBeUndefined()
    expect(messagesOf(await verdictWith(text, 'middle')).join()).not.toContain('marker')
  })

  it('cannot act on the terminal, nor drown the finding', async () => {
    const sinks = Array.from({ length: 100 }, () => `\u001b[2J${'x'.repeat(1_000)}`)
    const verdict = await verdictWith(JSON.stringify({ size: 5, sinks }), 'middle')
    const [message = ''] = messagesOf(verdict)
    expect(message).toMatch(/^missing: Records 1 to 4 are missing/)
    expect(message).not.toContain('\u001b')
    expect(message.length).toBeLessThan(800)
  })
})
