// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'

import { shapeText, sizeClass } from './shape.ts'

describe('shapeText', () => {
  it('says keys, types and classes of size, whatever order the keys have', () => {
    const shape = '{count:int,done:bool,none:null,note:t1,price:num}'
    expect(shapeText({ note: 'x', price: 1.5, count: 2, done: true, none: null })).toBe(shape)
    expect(shapeText({ none: null, done: false, count: -7, price: 0.1, note: 'other' })).toBe(shape)
  })

  it('tells texts apart by class of length only', () => {
    const classes = ['', 'x', 'x'.repeat(65), 'x'.repeat(1_025), 'x'.repeat(16_385)].map(shapeText)
    expect(classes).toEqual(['t0', 't1', 't2', 't3', 't4'])
  })

  it('takes lists as the shapes in them', () => {
    expect(shapeText([])).toBe('[0]')
    expect(shapeText([1, 2, 3])).toBe('[1int]')
    expect(shapeText(['a', 1, 'b', { x: 1 }])).toBe('[1int|t1|{x:int}]')
    expect(shapeText(new Set([1]))).toBe('[1int]')
  })

  it('counts objects with data for keys as maps', () => {
    expect(shapeText({ 'ann@example.com': 1, 'bob@example.com': 2 })).toBe('map{int}')
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, i]))
    expect(shapeText(many)).toBe('map{int}')
    expect(shapeText(new Map([['a', 'x']]))).toBe('map{t1}')
  })

  it('names what JSON does not have', () => {
    const value = {
      a: undefined,
      b: 1n,
      c: Symbol('x'),
      d: () => 1,
      e: new Date(0),
      f: Buffer.of(1),
    }
    expect(shapeText(value)).toBe('{a:undef,b:big,c:symbol,d:fn,e:date,f:b1}')
  })

  it('runs no getter', () => {
    let runs = 0
    const value = {
      plain: 1,
      get lazy() {
        runs++
        return 2
      },
      set only(_: number) {
        runs++
      },
    }
    expect(shapeText(value)).toBe('{lazy:getter,only:undef,plain:int}')
    expect(runs).toBe(0)
  })

  it('ends at cycles, depths and crowds', () => {
    const cycle: Record<string, unknown> = { a: 1 }
    cycle['self'] = cycle
    expect(shapeText(cycle)).toBe('{a:int,self:cycle}')
    let deep: unknown = 1
    for (let i = 0; i < 50_000; i++) deep = [deep]
    expect(shapeText(deep)).toContain('~')
    const wide = Array.from({ length: 64 }, () => Array.from({ length: 64 }, () => [1, 'x']))
    expect(shapeText(wide)).toContain('~')
  })

  it('survives a proxy that throws', () => {
    const hostile = new Proxy({}, { ownKeys: () => fail(), getPrototypeOf: () => fail() })
    expect(shapeText({ a: hostile })).toBe('{a:other}')
  })
})

function fail(): never {
  throw new Error('hostile')
}

describe('sizeClass', () => {
  it('is exact from 256 up and the next power of two below', () => {
    const sizes = [0, 1, 2, 3, 5, 64, 65, 200, 255, 256, 257, 65_537]
    expect(sizes.map(sizeClass)).toEqual([0, 1, 2, 4, 8, 64, 128, 256, 256, 256, 257, 65_537])
  })

  it('takes nonsense as nothing', () => {
    expect([-1, Number.NaN].map(sizeClass)).toEqual([0, 0])
    expect(sizeClass(Number.POSITIVE_INFINITY)).toBe(Number.MAX_SAFE_INTEGER)
  })
})
