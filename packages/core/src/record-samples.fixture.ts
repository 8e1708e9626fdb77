// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Commitment } from './commitment.ts'
import type {
  Actor,
  AuditRecord,
  Authorization,
  CallContext,
  Chain,
  EndInvocation,
  EventType,
  FreeText,
  GapDetail,
  ObservedEpoch,
  RecordTime,
  Retention,
  StartInvocation,
  ToolRef,
  TraceRef,
} from './record.ts'

/** Complete and minimal records of every type, so typed that no key can be forgotten. */

/** Every key there is, at every level. */
export type DeepRequired<T> = T extends readonly (infer Item)[]
  ? readonly DeepRequired<Item>[]
  : T extends object
    ? { [K in keyof T]-?: DeepRequired<T[K]> }
    : T

/** Only the keys that must be there, at every level. */
export type RequiredOnly<T> = T extends readonly (infer Item)[]
  ? readonly RequiredOnly<Item>[]
  : T extends object
    ? {
        [K in keyof T as string extends K
          ? K
          : object extends Pick<T, K>
            ? never
            : K]: RequiredOnly<T[K]>
      }
    : T

type OfType<T extends EventType> = Extract<AuditRecord, { readonly type: T }>
type CompleteRecords = { readonly [T in EventType]: DeepRequired<OfType<T>> }
type MinimalRecords = { readonly [T in EventType]: RequiredOnly<OfType<T>> }

export const EPOCH = '019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00'
const OTHER_EPOCH = '019a5f3c-8e2a-7000-8000-000000000000'
const LEAF = 'ab'.repeat(32)

const blinded: DeepRequired<Extract<Commitment, { alg: 'blinded-sha256' }>> = {
  alg: 'blinded-sha256',
  c: 'c0'.repeat(32),
  enc: 'json',
  eq: 'e9'.repeat(16),
  kid: '0123456789abcdef',
  partial: true,
}
const plain: DeepRequired<Extract<Commitment, { alg: 'sha256' }>> = {
  alg: 'sha256',
  c: 'c1'.repeat(32),
  enc: 'bytes',
  partial: true,
}
const ofSeveralSubjects = { ...blinded, kid: ['0123456789abcdef', 'fedcba9876543210'] }

/** One commitment and one free text for each of the forms that they can have. */
const variants: readonly {
  readonly commitment: DeepRequired<Commitment>
  readonly text: DeepRequired<FreeText>
}[] = [
  { commitment: blinded, text: 'Order is late; policy 4 allows a **refund**\n' },
  { commitment: plain, text: plain },
  { commitment: ofSeveralSubjects, text: ofSeveralSubjects },
  { commitment: blinded, text: { bytes: 9000, commitment: blinded, cut: true } },
  { commitment: blinded, text: { bytes: 9000, commitment: plain, cut: true } },
  { commitment: blinded, text: { bytes: 9000, commitment: ofSeveralSubjects, cut: true } },
  { commitment: blinded, text: blinded },
]

const chain: DeepRequired<Chain> = {
  epoch: EPOCH,
  log: 'example.com/support',
  prev: LEAF,
  seq: 7,
}
const time: DeepRequired<RecordTime> = {
  at: '2026-11-21T09:30:00.000Z',
  event_at: '2026-11-21T09:29:59.250Z',
  mono_ns: '1250000000',
}
const trace: DeepRequired<TraceRef> = {
  parent_span_id: '00f067aa0ba902b7',
  span_id: '00f067aa0ba902b8',
  synthetic: true,
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
}
const actor: DeepRequired<Actor> = {
  agent: { id: 'support-1', name: 'support', version: '1.4.0' },
  client: {
    address_ref: 'p1:0123456789abcdef:00112233aabbccdd',
    channel: 'web',
    user_agent: 'Mozilla/5.0 (X11; Linux x86_64)',
  },
  conversation: 'p1:0123456789abcdef:1111111111111111',
  model: { name: 'example-large', provider: 'example', version: '2026-10' },
  on_behalf_of: ['p1:00aa11bb22cc33dd'],
  on_behalf_of_more: 1,
  session: 'p1:0123456789abcdef:2222222222222222',
  source: 'agent:planner',
  trigger: 'user_request',
  turn: 3,
  user: { ref: 'p1:aabbccddeeff0011', role: 'customer' },
}
const context: DeepRequired<CallContext> = {
  data_classifications: ['pii', 'internal'],
  data_classifications_more: 2,
  environment: 'production',
  purpose: 'support',
  subjects: { count: 2, refs: ['p1:aabbccddeeff0011'], refs_more: 1 },
  task_id: 'task-42',
}
const tool: DeepRequired<ToolRef> = {
  digest: `sha256:${'d'.repeat(64)}`,
  name: 'refund_order',
  publisher: 'example.com',
  registry_ref: 'https://tools.example.com/refund_order/2.1.0',
  server: 'orders',
  trust_level: 'verified',
  type: 'function',
  verification_score: '0.97',
  version: '2.1.0',
}
const authorization: DeepRequired<Authorization> = {
  approver: 'p1:0123456789abcdef:3333333333333333',
  decision: 'granted',
  expires: '2026-11-21T10:30:00.000Z',
  grant: 'grant-7',
  method: 'human_approval',
  permissions_denied: ['network'],
  permissions_denied_more: 1,
  permissions_used: ['data_access:orders', 'filesystem:read'],
  permissions_used_more: 1,
  policy: { digest: `sha256:${'b'.repeat(64)}`, id: 'refunds', version: '4' },
}
const retention: DeepRequired<Retention> = {
  keep_until: '2033-11-21T00:00:00.000Z',
  policy: 'default',
  policy_rev: 2,
}
const observed: DeepRequired<ObservedEpoch> = {
  epoch: OTHER_EPOCH,
  expected_size: 12,
  leaf: LEAF,
  size: 10,
  state: 'lost',
  torn: { bytes: 17, sha256: 'f0'.repeat(32) },
}

const lostTypes: DeepRequired<GapDetail['types']> = {
  'agent.handoff': 1,
  'agent.output': 1,
  'agent.reasoning': 1,
  'authz.denied': 1,
  'authz.granted': 1,
  'breakglass.close': 1,
  'breakglass.open': 1,
  'epoch.close': 1,
  'epoch.observed': 1,
  'epoch.open': 1,
  'erasure.done': 1,
  gap: 1,
  'task.end': 1,
  'task.start': 2,
  'tool.end': 3,
  'tool.start': 4,
  'user.input': 1,
}

/** Complete records of all types, once for each form of free text and commitment. */
export function completeRecords(): readonly CompleteRecords[] {
  return variants.map(({ commitment, text }) => completeWith(commitment, text))
}

function completeWith(
  commitment: DeepRequired<Commitment>,
  text: DeepRequired<FreeText>,
): CompleteRecords {
  const envelope = { chain, rev: 0, severity: 'info', time, v: 1 } as const
  const attributed = {
    ...envelope,
    actor,
    context,
    ext: { 'acme.ticket': 17, 1: ['integer-like keys', null, 1.5] },
    retention,
    trace,
  }
  const start: DeepRequired<StartInvocation> = {
    attempt: 2,
    external_id: 'call_abc',
    input: commitment,
    observed: {
      flags: ['sql'],
      flags_more: 1,
      input_bytes: 2048,
      input_shape: '0011223344556677',
      output_bytes: 512,
    },
    recovery: 'retry',
    status: 'started',
    summary: {
      fields: { amount: 12.5, count: 3, ok: true, state: 'paid', why: null },
      truncated: false,
    },
  }
  const end: DeepRequired<EndInvocation> = {
    ...start,
    duration_ns: '1234567',
    error: { code: 'E_LATE', fingerprint: '0011223344556677', message: text, type: 'OrderError' },
    output: commitment,
    start: `${EPOCH}/6`,
    status: 'error',
  }
  const authz = { authorization, detail: { reason: text }, tool }
  const content = { bytes: 40, content: text }
  return {
    'agent.handoff': {
      ...attributed,
      detail: { from: 'support', summary: text, to: 'billing' },
      type: 'agent.handoff',
    },
    'agent.output': { ...attributed, detail: content, type: 'agent.output' },
    'agent.reasoning': {
      ...attributed,
      detail: { chars: 40, confidence: '0.9', plan: text, plan_steps: 2, text },
      type: 'agent.reasoning',
    },
    'authz.denied': { ...attributed, ...authz, type: 'authz.denied' },
    'authz.granted': { ...attributed, ...authz, type: 'authz.granted' },
    'breakglass.close': {
      ...envelope,
      detail: { calls: 3, id: '00f067aa0ba902b7', reason: 'expired' },
      type: 'breakglass.close',
    },
    'breakglass.open': {
      ...envelope,
      detail: {
        by: 'p1:0123456789abcdef:3333333333333333',
        id: '00f067aa0ba902b7',
        reason: text,
        until: '2026-11-21T09:45:00.000Z',
      },
      type: 'breakglass.open',
    },
    'epoch.close': {
      ...envelope,
      detail: { open: [`${EPOCH}/3`], open_more: 1, reason: 'shutdown', records: 8 },
      type: 'epoch.close',
    },
    'epoch.observed': { ...envelope, detail: { observed: [observed] }, type: 'epoch.observed' },
    'epoch.open': {
      ...envelope,
      detail: {
        audit: {
          durability: 'interval',
          fail_closed: ['write'],
          remote: ['critical'],
          redaction: 'spanseal/1',
          sampler: 'parentbased_always_on',
          sdk: '@spanseal/otel 0.1.0',
        },
        deployment: { cluster: 'eu-1', environment: 'production', version: '77' },
        key: { certs: ['spanseal/cert/1\n…\n\n— name c2ln\n'], vkey: 'name+00000000+AQ==' },
        observed: [observed],
        service: { instance: 'pod-1', name: 'support-agent', version: '1.4.0' },
      },
      type: 'epoch.open',
    },
    'erasure.done': {
      ...envelope,
      detail: {
        closed: 12,
        kids: ['aabbccddeeff0011'],
        of: 'person',
        openable: { count: 3, until: '2027-02-19T09:30:00.000Z' },
        reason: text,
      },
      type: 'erasure.done',
    },
    gap: {
      ...envelope,
      detail: {
        first_at: '2026-11-21T09:28:00.000Z',
        last_at: '2026-11-21T09:29:30.125Z',
        reason: 'journal_full',
        records: Object.values(lostTypes).reduce((sum, count) => sum + count, 0),
        refused: 2,
        types: lostTypes,
      },
      type: 'gap',
    },
    'task.end': { ...attributed, detail: { name: 'refund' }, invocation: end, type: 'task.end' },
    'task.start': {
      ...attributed,
      detail: { name: 'refund' },
      invocation: start,
      type: 'task.start',
    },
    'tool.end': { ...attributed, authorization, invocation: end, tool, type: 'tool.end' },
    'tool.start': { ...attributed, authorization, invocation: start, tool, type: 'tool.start' },
    'user.input': { ...attributed, detail: content, type: 'user.input' },
  }
}

/** Records of all types with what must be there and nothing else. */
export function minimalRecords(): MinimalRecords {
  const envelope = {
    chain,
    rev: 0,
    severity: 'info',
    time: { at: time.at, mono_ns: time.mono_ns },
    v: 1,
  } as const
  const attributed = {
    ...envelope,
    actor: { agent: { id: 'unattributed' }, user: { ref: 'unattributed' } },
    context: { data_classifications: [], environment: 'unspecified', task_id: 'task-1' },
    trace: { span_id: trace.span_id, trace_id: trace.trace_id },
  }
  const call = {
    authorization: {
      decision: 'not_required',
      method: 'none',
      permissions_denied: [],
      permissions_used: [],
    },
    tool: {
      name: 'refund_order',
      publisher: 'unknown',
      trust_level: 'unverified',
      type: 'function',
      version: '0',
    },
  } as const
  const start = { status: 'started' } as const
  const end = { duration_ns: '0', start: `${EPOCH}/6`, status: 'success' } as const
  return {
    'agent.handoff': { ...attributed, detail: { from: 'a', to: 'b' }, type: 'agent.handoff' },
    'agent.output': { ...attributed, detail: { bytes: 0, content: '' }, type: 'agent.output' },
    'agent.reasoning': { ...attributed, detail: { chars: 0, text: '' }, type: 'agent.reasoning' },
    'authz.denied': { ...attributed, ...call, type: 'authz.denied' },
    'authz.granted': { ...attributed, ...call, type: 'authz.granted' },
    'breakglass.close': {
      ...envelope,
      detail: { calls: 0, id: '00f067aa0ba902b7', reason: 'closed' },
      type: 'breakglass.close',
    },
    'breakglass.open': {
      ...envelope,
      detail: { id: '00f067aa0ba902b7', until: '2026-11-21T09:45:00.000Z' },
      type: 'breakglass.open',
    },
    'epoch.close': {
      ...envelope,
      detail: { open: [], reason: 'rolled', records: 1 },
      type: 'epoch.close',
    },
    'epoch.observed': { ...envelope, detail: { observed: [] }, type: 'epoch.observed' },
    'epoch.open': {
      ...envelope,
      detail: {
        audit: { durability: 'none', fail_closed: [], redaction: 'none', sdk: 'test' },
        deployment: { environment: 'unspecified' },
        key: { certs: [], vkey: 'name+00000000+AQ==' },
        observed: [],
        service: { name: 'support-agent' },
      },
      type: 'epoch.open',
    },
    'erasure.done': {
      ...envelope,
      detail: { closed: 0, kids: ['aabbccddeeff0011'], of: 'period', openable: { count: 0 } },
      type: 'erasure.done',
    },
    gap: {
      ...envelope,
      detail: {
        first_at: '2026-11-21T09:29:00.000Z',
        last_at: '2026-11-21T09:29:00.000Z',
        reason: 'write_failed',
        records: 0,
        types: {},
      },
      type: 'gap',
    },
    'task.end': { ...attributed, detail: { name: 'refund' }, invocation: end, type: 'task.end' },
    'task.start': {
      ...attributed,
      detail: { name: 'refund' },
      invocation: start,
      type: 'task.start',
    },
    'tool.end': { ...attributed, ...call, invocation: end, type: 'tool.end' },
    'tool.start': { ...attributed, ...call, invocation: start, type: 'tool.start' },
    'user.input': { ...attributed, detail: { bytes: 0, content: '' }, type: 'user.input' },
  }
}
