// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

export { canonicalByteLength, canonicalize, isCanonicalText } from './canonical.ts'
export type { Certificate, CertificateClaim, CertificateRole, CertifiedKey } from './certificate.ts'
export { checkCertificateChain, formatCertificate, parseCertificate } from './certificate.ts'
export type { Checkpoint } from './checkpoint.ts'
export { formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
export type { CommitKey, CommitKeys, Commitment, CommitPlace, PseudonymKind } from './commitment.ts'
export {
  commit,
  commitmentSalt,
  commitmentText,
  keyedTag,
  openCommitment,
  plainCommitment,
  pseudonym,
} from './commitment.ts'
export { Ed25519PrivateKey, verifyEd25519 } from './ed25519.ts'
export type { EncodedValue, Encoding, ValueDigest } from './encode.ts'
export {
  digestArguments,
  digestEncoded,
  digestValue,
  encodeArguments,
  encodeValue,
  StreamDigest,
} from './encode.ts'
export type { Frame } from './epoch-chain.ts'
export { EpochChain } from './epoch-chain.ts'
export { epochBelongsTo, epochId, epochMillis, isEpochId } from './epoch-id.ts'
export type { ErrorCode, ErrorDetails } from './errors.ts'
export { AuditError, ERROR_CODES } from './errors.ts'
export { leafHash, sha256Hex } from './hash.ts'
export { HmacKey } from './hmac.ts'
export type { Block, RecordDraft } from './line.ts'
export { block, recordLine } from './line.ts'
export { assertLogName, defaultLogName, fileSafeLogName, isLogName } from './log-name.ts'
export { MerkleFrontier } from './merkle.ts'
export type { Note, NoteKey, NoteSignature } from './note.ts'
export { formatVkey, noteSignedBy, parseNote, parseVkey, signNote, signNoteSync } from './note.ts'
export type {
  Batch,
  BatchLimits,
  RecordSink,
  RecordSource,
  SealedCheckpoint,
  SealedRecord,
  Signer,
} from './ports.ts'
export { DEFAULT_BATCH_LIMITS } from './ports.ts'
export type { PumpOptions, PumpResult } from './pump.ts'
export { pause, pump } from './pump.ts'
export type {
  Actor,
  AgentHandoff,
  AgentOutput,
  AgentReasoning,
  AuditRecord,
  Authorization,
  AuthorizationDetail,
  AuthzDenied,
  AuthzGranted,
  CallContext,
  CallError,
  CallStatus,
  Chain,
  ContentDetail,
  CutText,
  EndInvocation,
  EpochClose,
  EpochCloseDetail,
  EpochObserved,
  EpochObservedDetail,
  EpochOpen,
  EpochOpenDetail,
  EventType,
  FreeText,
  HandoffDetail,
  Invocation,
  Observed,
  ObservedEpoch,
  ObservedState,
  ReasoningDetail,
  RecordTime,
  Retention,
  Severity,
  StartInvocation,
  Summary,
  TaskDetail,
  TaskEnd,
  TaskStart,
  ToolEnd,
  ToolRef,
  ToolStart,
  TraceRef,
  UserInput,
} from './record.ts'
export {
  CALL_STATUSES,
  EVENT_TYPES,
  NO_PREV,
  RECORD_BYTES_MAX,
  RECORD_REV,
  RECORD_VERSION,
  SEVERITIES,
  UNATTRIBUTED,
} from './record.ts'
export { recordSchema } from './record-schema.ts'
export type { JsonSchema } from './schema-terms.ts'
export { LIST_CAPS, TEXT_CAPS } from './schema-terms.ts'
export { buildTimeline, buildTimelines } from './timeline/build-timeline.ts'
export { fitText, padText, printable, printableJson, textColumns } from './timeline/printable.ts'
export { formatBytes, formatDuration, formatMillis, formatSizeClass } from './timeline/quantities.ts'
export type { RenderOptions } from './timeline/render-timeline.ts'
export { renderTimeline } from './timeline/render-timeline.ts'
export type {
  CommittedContent,
  Timeline,
  TimelineEntry,
  TimelineError,
  TimelineKind,
  TimelineStatus,
} from './timeline/timeline.ts'
export type { SchemaViolation } from './validate-record.ts'
export { schemaViolation, validateRecord } from './validate-record.ts'
export type { EpochBytes, SegmentBytes } from './verify/input.ts'
export type { Check, Finding, FindingCode, Verdict } from './verify/verdict.ts'
