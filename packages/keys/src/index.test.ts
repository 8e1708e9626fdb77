// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import * as keys from './index.ts'

test('the package exports these names and no others', () => {
  expect(Object.keys(keys).sort()).toEqual([
    'FileMasterKeys',
    'ISSUER_DAYS',
    'PERIOD_DAYS',
    'RETENTION_DAYS_MAX',
    'certificateRequest',
    'certify',
    'commandMasterKey',
    'commandSigner',
    'completeErasures',
    'createKeyFile',
    'defaultKeyringFolder',
    'defaultVaultFolder',
    'forgetPeriod',
    'forgetPerson',
    'keyringMasterKeys',
    'knownVaults',
    'newRetentionName',
    'openKeyring',
    'openVault',
    'parseKeyFile',
    'pemSigner',
    'readKeyFile',
    'replayErasures',
    'revoke',
  ])
})
