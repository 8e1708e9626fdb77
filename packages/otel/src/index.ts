// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

export { Audit, createAudit, register } from './audit.ts'
export type {
  AuthorizationDecision,
  AuthorizationRequest,
  AuthorizeHook,
} from './authorize.ts'
export type { BreakGlassHealth, BreakGlassOptions, BrokenGlass } from './break-glass.ts'
export type { CallIntent, CallRecords, OpenCall } from './call.ts'
export type { DrainReport } from './drain.ts'
export { optionsFromEnv } from './env.ts'
export type { AuditHealth, ShutdownReport } from './health.ts'
export type {
  AuditBudget,
  AuditOptions,
  AuditVaultOptions,
  ForeignOptions,
  OtlpEndpoint,
} from './options.ts'
export type { ExporterHealth } from './otlp-leg.ts'
export type { CallOutcome, ErrorFacts } from './outcome.ts'
export type { RedactionOptions } from './redact/redaction-options.ts'
export type { RiskClass, RiskPolicy } from './risk-policies.ts'
export { agentSampler } from './sampler.ts'
export type { SinkHealth } from './shipping.ts'

export { AuditSpanExporter } from './span-exporter.ts'
export { AuditSpanProcessor } from './span-processor.ts'
export type { TaskOptions } from './task-options.ts'
export type { Handoff, Reasoning } from './tasks.ts'
export { Task } from './tasks.ts'
export type { ReturnedFailure, ToolCallRequest } from './tool-calls.ts'
export type { RegisteredTool, ToolDefinition } from './tool-definition.ts'
export type { CarriedContext, TraceCarrier } from './traceparent.ts'
export type { VaultHealth } from './vault-intake.ts'
