// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

export type { Heads } from './heads.ts'
export type { EpochClaim, Issuer, IssuerKey } from './issuer-keys.ts'
export { ISSUER_DAYS } from './issuer-keys.ts'
export type { Keyring, KeyringOptions } from './keyring.ts'
export { openKeyring } from './keyring.ts'
export { defaultKeyringFolder } from './keyring-folder.ts'
export { PERIOD_DAYS } from './period-keys.ts'
