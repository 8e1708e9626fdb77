// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest'
import { EpochChain } from './epoch-chain.ts'
import { codeOf } from './error-code.fixture.ts'
import { NO_PREV } from './record.ts'
import { EPOCH } from './record-samples.fixture.ts'

describe('EpochChain', () => {
  function aChain(): EpochChain {
    return new EpochChain('example.com/support', EPOCH)
  }

  test('a frame is the line and its LF, hashed without it', () => {
    const { bytes, leaf } = aChain().frame('{"ä":1}')
    expect(bytes.toString()).toBe('{"ä":1}\n')
    // printf '\0{"ä":1}' | sha256sum
    expect(leaf).toBe('7d4a4e96343bd3661b8db5dbfc6d41268f8e40135c565907b4bfb71a3c046762')
  })

  test('a frame that is not advanced leaves the chain as it was', () => {
    const chain = aChain()
    const { leaf } = chain.frame('{}')
    expect([chain.size, chain.prev]).toEqual([0, NO_PREV])
    chain.advance(leaf)
    expect([chain.size, chain.prev, chain.root()]).toEqual([1, leaf, leaf])
  })

  test.each([
    ['a', 65_535],
    ['é', 32_767],
    ['€', 21_845],
  ])('lines of %s fit up to 65,535 bytes and not beyond', (char, count) => {
    const chain = aChain()
    expect(chain.frame(char.repeat(count)).bytes.length).toBe(Buffer.byteLength(char) * count + 1)
    expect(codeOf(() => chain.frame(char.repeat(count + 1)))).toBe('RECORD_TOO_LARGE')
  })
})
