// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

export type { CertifyOptions } from './certify.ts'
export { certificateRequest, certify, RETENTION_DAYS_MAX, revoke } from './certify.ts'
export type { CommandSignerOptions } from './command-signer.ts'
export { commandSigner } from './command-signer.ts'
export type { Erasure, ErasureLedger } from './erasure/erasure-ledger.ts'
export type { Erased, ErasureParts } from './erasure/forget.ts'
export {
  completeErasures,
  forgetPeriod,
  forgetPerson,
  replayErasures,
} from './erasure/forget.ts'
export type { Heads } from './heads.ts'
export type { EpochClaim, Issuer, IssuerKey } from './issuer-keys.ts'
export { ISSUER_DAYS } from './issuer-keys.ts'
export type { KeyFile, KeyFileOptions, NewKey } from './key-file.ts'
export { createKeyFile, newRetentionName, parseKeyFile, readKeyFile } from './key-file.ts'
export type { Keyring, KeyringOptions } from './keyring.ts'
export { openKeyring } from './keyring.ts'
export { defaultKeyringFolder } from './keyring-folder.ts'
export { pemSigner } from './pem-signer.ts'
export type { PeriodKey } from './period-keys.ts'
export { PERIOD_DAYS } from './period-keys.ts'
export type { CommandMasterKeyOptions } from './vault/command-master-key.ts'
export { commandMasterKey } from './vault/command-master-key.ts'
export type { MasterKey, WrappedKey } from './vault/master-key.ts'
export { FileMasterKeys } from './vault/master-key.ts'
export type { VaultOptions } from './vault/open-vault.ts'
export {
  defaultVaultFolder,
  keyringMasterKeys,
  knownVaults,
  openVault,
} from './vault/open-vault.ts'
export type {
  PutOutcome,
  Vault,
  VaultCompaction,
  VaultEntry,
  VaultStat,
  VaultValue,
} from './vault/vault.ts'
