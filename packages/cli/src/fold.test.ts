// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, it } from 'vitest'
import { fold } from './fold.ts'

it('breaks at spaces and keeps the indentation of the first line', () => {
  expect(fold('one two three', 7)).toEqual(['one two', 'three'])
  expect(fold('  one two three', 7)).toEqual(['  one', '  two', '  three'])
  expect(fold('- one two three', 9)).toEqual(['- one two', '  three'])
  expect(fold('a verylongword b', 5)).toEqual(['a', 'verylongword', 'b'])
  expect(fold('', 5)).toEqual([''])
})
