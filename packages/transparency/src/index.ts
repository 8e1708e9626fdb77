// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

export { readTenantLog } from './log/log-files.ts'
export type { OpenTenantLogOptions } from './log/tenant-log.ts'
export { TenantLog } from './log/tenant-log.ts'
export type { EntryInLog } from './log/tenant-log-proof.ts'
export { proveEntry, proveGrowth } from './log/tenant-log-proof.ts'
export type { Refusal, RefusalReason } from './seal/refusal.ts'
export type { SealerOptions, SealRound } from './seal/sealer.ts'
export { Sealer } from './seal/sealer.ts'
export type { RequestedTimestamp, RequestTimestampOptions } from './timestamp/request-timestamp.ts'
export { requestTimestamp } from './timestamp/request-timestamp.ts'
export type { Timestamp, TimestampVerifier } from './timestamp/timestamp-verifier.ts'
export { timestampVerifier } from './timestamp/timestamp-verifier.ts'
export type {
  CollectCosignaturesOptions,
  CollectedCosignatures,
  RefusedCosignature,
} from './witness/collect-cosignatures.ts'
export { collectCosignatures } from './witness/collect-cosignatures.ts'
export type { Witness, WitnessAnswer, WitnessRefusal } from './witness/witness.ts'
export { parseWitness } from './witness/witness.ts'
