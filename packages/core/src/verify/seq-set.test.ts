// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { SeqSet } from './seq-set.ts'

it('SeqSet holds any sequence number in little memory', () => {
  const set = new SeqSet()
  const seqs = [0, 31, 32, 32_767, 32_768, 2 ** 40, Number.MAX_SAFE_INTEGER]
  for (const seq of seqs) set.add(seq)
  for (const seq of seqs)
    expect([set.has(seq), set.has(seq - 1)]).toEqual([true, seq === 32 || seq === 32_768])
})
