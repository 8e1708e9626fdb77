// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import { Positions } from './positions.ts'

describe('positions', () => {
  test('take what comes first, and then what continues it', () => {
    const positions = new Positions()
    expect(positions.admit('t/0', 5n)).toEqual({ kind: 'take', from: 5n })
    positions.advance('t/0', 8n)
    expect(positions.admit('t/0', 8n)).toEqual({ kind: 'take', from: 8n })
  })

  test('take of a fetch that begins earlier only what is new', () => {
    const positions = new Positions()
    positions.advance('t/0', 8n)
    expect(positions.admit('t/0', 5n)).toEqual({ kind: 'take', from: 8n })
  })

  test('refuse a fetch that leaves something out, unless it is so after a seek', () => {
    const positions = new Positions()
    positions.advance('t/0', 8n)
    expect(positions.admit('t/0', 20n)).toEqual({ kind: 'seek', to: 8n })
    expect(positions.admit('t/0', 20n)).toEqual({ kind: 'take', from: 8n })
    positions.advance('t/0', 21n)
    expect(positions.admit('t/0', 30n)).toEqual({ kind: 'seek', to: 21n })
    expect(positions.admit('t/0', 21n)).toEqual({ kind: 'take', from: 21n })
  })

  test('forget partitions that went to somebody else', () => {
    const positions = new Positions()
    positions.advance('t/0', 8n)
    positions.advance('t/1', 9n)
    positions.keepOnly(new Set(['t/1']))
    expect(positions.get('t/0')).toBeUndefined()
    expect(positions.get('t/1')).toBe(9n)
  })
})
