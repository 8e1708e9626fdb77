// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import * as kafka from './index.ts'

test('the package exports these names and no others', () => {
  expect(Object.keys(kafka).toSorted()).toEqual([
    'checkTopics',
    'createTopics',
    'kafkaSink',
    'kafkaSource',
    'readDeadLetters',
    'replayDeadLetters',
    'topicNames',
  ])
})
