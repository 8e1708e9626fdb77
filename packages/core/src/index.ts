// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

export type { Bundle, BundleOpening, EntryProof, TenantProof } from './bundle/bundle.ts'
export { BUNDLE_BYTES_MAX, formatBundle, parseBundle } from './bundle/bundle.ts'
export type {
  BundleCheck,
  BundleFinding,
  BundleFindingCode,
  BundleRecord,
  BundleVerdict,
  OpeningVerdict,
} from './bundle/bundle-verdict.ts'
export { BUNDLE_CHECKS, BUNDLE_FINDING_CODES } from './bundle/bundle-verdict.ts'
export type { CheckBundleOptions } from './bundle/check-bundle.ts'
export { checkBundle } from './bundle/check-bundle.ts'
export type { LineVisitor } from './bundle/epoch-lines.ts'
export { leafOf, readOpen, walkLeaves, walkLines } from './bundle/epoch-lines.ts'
export type { ProveInLogOptions, TenantLogTiles } from './bundle/prove-in-log.ts'
export { proveRecordInLog } from './bundle/prove-in-log.ts'
export type { ProveRecordOptions } from './bundle/prove-record.ts'
export { proveRecord } from './bundle/prove-record.ts'
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
export { IncrementalSha256, leafHash, sha256Hex } from './hash.ts'
export { formatHeadLine, parseHeadLine } from './head-line.ts'
export { HmacKey } from './hmac.ts'
export type { Block, RecordDraft } from './line.ts'
export { block, recordLine } from './line.ts'
export { assertLogName, defaultLogName, fileSafeLogName, isLogName } from './log-name.ts'
export { MerkleFrontier } from './merkle.ts'
export type { Note, NoteKey, NoteSignature } from './note.ts'
export { formatVkey, noteSignedBy, parseNote, parseVkey, signNote, signNoteSync } from './note.ts'
export { notesIn } from './note-file.ts'
export type { PlacedCommitment } from './opening.ts'
export {
  commitmentAt,
  commitmentDigest,
  commitmentsOf,
  openingOf,
} from './opening.ts'
export { allEncodingsOf, encodingsOf } from './opening-value.ts'
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
export type { ReadRecordsOptions } from './read-records.ts'
export { readRecords } from './read-records.ts'
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
  BreakglassClose,
  BreakglassCloseDetail,
  BreakglassOpen,
  BreakglassOpenDetail,
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
  ErasureDetail,
  ErasureDone,
  EventType,
  FreeText,
  Gap,
  GapDetail,
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
export type { StatementHints } from './report/advice.ts'
export type { BundleFrame } from './report/bundle-statement.ts'
export { bundleStatement } from './report/bundle-statement.ts'
export type { JournalFrame } from './report/journal-statement.ts'
export { journalStatement } from './report/journal-statement.ts'
export type { FindingGroup, FindingItem, Statement } from './report/statement.ts'
export { KEEP_HEADS, plural } from './report/statement.ts'
export type { Revocation } from './revocation.ts'
export { formatRevocation, parseRevocation } from './revocation.ts'
export type { JsonSchema } from './schema-terms.ts'
export { LIST_CAPS, TEXT_CAPS } from './schema-terms.ts'
export {
  ATTR_AGENT_ID,
  ATTR_DATA_CLASSIFICATION,
  ATTR_ERROR_TYPE,
  ATTR_GEN_AI_AGENT_ID,
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_AGENT_VERSION,
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_TOOL_CALL_ARGUMENTS,
  ATTR_GEN_AI_TOOL_CALL_ID,
  ATTR_GEN_AI_TOOL_CALL_RESULT,
  ATTR_GEN_AI_TOOL_NAME,
  ATTR_GEN_AI_TOOL_TYPE,
  ATTR_INPUT_HASH,
  ATTR_INVOCATION_DURATION_MS,
  ATTR_INVOCATION_STATUS,
  ATTR_JSONRPC_REQUEST_ID,
  ATTR_MCP_METHOD_NAME,
  ATTR_MCP_SESSION_ID,
  ATTR_NETWORK_TRANSPORT,
  ATTR_OUTPUT_HASH,
  ATTR_SPANSEAL_AUTHORIZATION,
  ATTR_SPANSEAL_CONFIDENCE,
  ATTR_SPANSEAL_END_EPOCH,
  ATTR_SPANSEAL_END_HASH,
  ATTR_SPANSEAL_END_SEQ,
  ATTR_SPANSEAL_EPOCH,
  ATTR_SPANSEAL_HANDOFF_TO,
  ATTR_SPANSEAL_START_HASH,
  ATTR_SPANSEAL_START_SEQ,
  ATTR_SPANSEAL_UNRECORDED,
  ATTR_TASK_ID,
  ATTR_TOOL_NAME,
  ATTR_TOOL_PUBLISHER,
  ATTR_TOOL_TRUST_LEVEL,
  ATTR_TOOL_VERSION,
  BAGGAGE_TASK_ID,
  ERROR_TYPE_TOOL,
  OPERATION_EXECUTE_TOOL,
  OPERATION_INVOKE_AGENT,
  TRACER_NAME,
} from './semconv.ts'
export type { CertifiedStub, Stub, StubClaim } from './stub.ts'
export { checkStub, formatStub, parseStub } from './stub.ts'
export { buildTimeline, buildTimelines } from './timeline/build-timeline.ts'
export { fitText, padText, printable, printableJson, textColumns } from './timeline/printable.ts'
export {
  formatBytes,
  formatDuration,
  formatMillis,
  formatSizeClass,
} from './timeline/quantities.ts'
export type { RenderOptions } from './timeline/render-timeline.ts'
export { renderTimeline } from './timeline/render-timeline.ts'
export type {
  CommittedContent,
  Timeline,
  TimelineBreakglass,
  TimelineEntry,
  TimelineErasure,
  TimelineError,
  TimelineGap,
  TimelineKind,
  TimelineStatus,
} from './timeline/timeline.ts'
export type { Cosignature, WitnessKey } from './tlog/cosignature.ts'
export {
  cosignatureBlob,
  cosignaturesOf,
  cosignedMessage,
  formatWitnessKey,
  parseWitnessKey,
} from './tlog/cosignature.ts'
export type { LeafReader } from './tlog/leaf-nodes.ts'
export { InclusionCollector, leafNodes } from './tlog/leaf-nodes.ts'
export type { LeafRange, NodeSource, TreeHead } from './tlog/proof.ts'
export {
  consistencyProof,
  inclusionProof,
  inclusionRoot,
  isConsistent,
  treeRoot,
} from './tlog/proof.ts'
export type { TileId, TileReader } from './tlog/tile.ts'
export {
  bundledEntry,
  entriesPath,
  parseEntries,
  TILE_WIDTH,
  tileHash,
  tileNodes,
  tilePath,
  tileWidth,
} from './tlog/tile.ts'
export { validateRecord } from './validate.generated.ts'
export type { SchemaViolation } from './validate-record.ts'
export { schemaViolation } from './validate-record.ts'
export type { EpochResult } from './verify/epoch-outcome.ts'
export type { EpochProgress, EpochRunner, EpochTask } from './verify/epoch-runner.ts'
export { runEpoch } from './verify/epoch-runner.ts'
export type { HeadFile, HeldCall, HeldEpoch } from './verify/head-file.ts'
export { formatHeadFile, parseHeadFile, parseHeadLines } from './verify/head-file-text.ts'
export type { EpochBytes, SegmentBytes, TenantLogBytes } from './verify/input.ts'
export type { Line } from './verify/lines.ts'
export type { BadFraming, FramedNote, TornNote } from './verify/note-stream.ts'
export { readNotes } from './verify/note-stream.ts'
export type { TenantEntry } from './verify/tenant-entries.ts'
export { readTenantEntry } from './verify/tenant-entries.ts'
export type {
  Check,
  EpochEnds,
  Finding,
  FindingCode,
  Verdict,
  Witnessed,
} from './verify/verdict.ts'
export { CHECKS, FINDING_CODES } from './verify/verdict.ts'
export type { VerdictToHead, VerifyOptions } from './verify/verify.ts'
export { verify, verifyToHead } from './verify/verify.ts'
export type { LaterEventType, NamedEventType, VocabularyEntry } from './vocabulary.ts'
export { eventTypeFor, LATER_EVENT_TYPES, severityFor, VOCABULARY } from './vocabulary.ts'
