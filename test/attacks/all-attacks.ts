// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Attack } from './attack.ts'
import { attacksOnBundles } from './attacks-on-bundles.ts'
import { attacksOnEpochs } from './attacks-on-epochs.ts'
import { attacksOnKeys } from './attacks-on-keys.ts'
import { attacksOnRecords } from './attacks-on-records.ts'
import { attacksOnStubs } from './attacks-on-stubs.ts'
import { attacksOnTheTenantLog } from './attacks-on-the-tenant-log.ts'
import { attacksWithStolenKeys } from './attacks-with-stolen-keys.ts'

export const allAttacks: readonly Attack[] = [
  ...attacksOnRecords,
  ...attacksOnEpochs,
  ...attacksOnKeys,
  ...attacksWithStolenKeys,
  ...attacksOnStubs,
  ...attacksOnTheTenantLog,
  ...attacksOnBundles,
]
