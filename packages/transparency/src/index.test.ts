// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import * as transparency from './index.ts'

test('the package exports these names and no others', () => {
  expect(Object.keys(transparency).toSorted()).toEqual([
    'Sealer',
    'TenantLog',
    'collectCosignatures',
    'parseWitness',
    'proveEntry',
    'proveGrowth',
    'readTenantLog',
    'requestTimestamp',
    'timestampVerifier',
  ])
})
