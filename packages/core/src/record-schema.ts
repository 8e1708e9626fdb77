// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EventType } from './record.ts'
import { CALL_STATUSES, EVENT_TYPES, RECORD_REV, RECORD_VERSION, SEVERITIES } from './record.ts'
import type { JsonSchema } from './schema-terms.ts'
import {
  closed,
  decimal,
  epochId,
  errorType,
  flag,
  hex,
  id,
  integer,
  LIST_CAPS,
  line,
  list,
  logName,
  more,
  name,
  nanoseconds,
  oneOf,
  open,
  permission,
  recordId,
  ref,
  set,
  TEXT_CAPS,
  text,
  time,
  userKeys,
} from './schema-terms.ts'

/**
 * Record v1 rev 0 in JSON Schema. `record.ts` has the same as types, `spec/record.md` as prose; a
 * test holds types and schema together in both directions.
 */

const ENCODINGS = ['bytes', 'text', 'json', 'typed/1', 'items/1', 'args/1']

const blindedCommitment = closed(
  {
    alg: { const: 'blinded-sha256' },
    c: hex(64),
    enc: oneOf(ENCODINGS),
    kid: { anyOf: [hex(16), list(hex(16), LIST_CAPS.kids, 2)] },
  },
  { eq: hex(32), partial: set },
)
const plainCommitment = closed(
  { alg: { const: 'sha256' }, c: hex(64), enc: oneOf(ENCODINGS) },
  { partial: set },
)
const cutText = closed({ bytes: integer(0), commitment: ref('commitment'), cut: set })

const chain = closed({ epoch: epochId, log: logName, prev: hex(64), seq: integer(0) })
const recordTime = closed({ at: time, mono_ns: nanoseconds }, { event_at: time })
const trace = closed(
  { span_id: hex(16), trace_id: hex(32) },
  { parent_span_id: hex(16), synthetic: set },
)

const actor = closed(
  {
    agent: closed({ id }, { name, version: id }),
    user: closed({ ref: id }, { role: id }),
  },
  {
    client: closed({}, { address_ref: id, channel: id, user_agent: name }),
    conversation: id,
    model: closed({ name, provider: id }, { version: id }),
    on_behalf_of: list(id, LIST_CAPS.on_behalf_of),
    on_behalf_of_more: more,
    session: id,
    source: {
      type: 'string',
      pattern: '^(user|system|agent:[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]+)$',
      maxLength: TEXT_CAPS.id + 6,
      maxCanonicalBytes: TEXT_CAPS.id + 6,
    },
    trigger: oneOf(['user_request', 'proactive', 'retry', 'follow_up', 'system']),
    turn: integer(0),
  },
)

const context = closed(
  {
    data_classifications: list(id, LIST_CAPS.data_classifications),
    environment: id,
    task_id: id,
  },
  {
    data_classifications_more: more,
    purpose: name,
    subjects: closed(
      { count: integer(0), refs: list(id, LIST_CAPS.subjects) },
      { refs_more: more },
    ),
  },
)

const tool = closed(
  {
    name,
    publisher: name,
    trust_level: id,
    type: oneOf(['function', 'extension', 'datastore']),
    version: id,
  },
  { digest: name, registry_ref: name, server: name, verification_score: decimal },
)

const observed = closed(
  { flags: list(id, LIST_CAPS.flags), input_bytes: integer(0), input_shape: hex(16) },
  { flags_more: more, output_bytes: integer(0) },
)
const summary = closed({
  fields: open(TEXT_CAPS.text, { type: ['string', 'number', 'boolean', 'null'] }),
  truncated: flag,
})
const callError = closed(
  { fingerprint: hex(16), message: ref('freeText'), type: errorType },
  { code: id },
)
const invocationAtBoth = {
  attempt: integer(1),
  external_id: id,
  input: ref('commitment'),
  observed: ref('observed'),
  recovery: oneOf(['retry', 'circuit_open', 'fallback', 'escalate']),
  summary: ref('summary'),
}
const startInvocation = closed({ status: { const: 'started' } }, invocationAtBoth)
const endInvocation = closed(
  {
    duration_ns: nanoseconds,
    start: recordId,
    status: oneOf(CALL_STATUSES.filter((status) => status !== 'started')),
  },
  { ...invocationAtBoth, error: ref('callError'), output: ref('commitment') },
)

const authorization = closed(
  {
    decision: oneOf(['granted', 'denied', 'pending', 'not_required']),
    method: oneOf(['policy', 'human_approval', 'jit_elevation', 'break_glass', 'none']),
    permissions_denied: list(permission, LIST_CAPS.permissions),
    permissions_used: list(permission, LIST_CAPS.permissions),
  },
  {
    approver: id,
    expires: time,
    grant: id,
    permissions_denied_more: more,
    permissions_used_more: more,
    policy: closed({ id }, { digest: name, version: id }),
  },
)
const retention = closed({ policy: id }, { keep_until: time, policy_rev: integer(0) })

const observedEpochs = list(ref('observedEpoch'), LIST_CAPS.observed_epochs)
const observedEpoch = closed(
  {
    epoch: epochId,
    leaf: hex(64),
    size: integer(0),
    state: oneOf(['live', 'crashed', 'closed', 'lost']),
  },
  { expected_size: integer(0), torn: closed({ bytes: integer(1), sha256: hex(64) }) },
)
const epochOpenDetail = closed({
  audit: closed(
    {
      durability: oneOf(['none', 'interval', 'group', 'every']),
      fail_closed: list(id, LIST_CAPS.fail_closed),
      redaction: id,
      sdk: name,
    },
    { remote: list(id, LIST_CAPS.remote), sampler: name },
  ),
  deployment: closed({ environment: id }, { cluster: id, version: id }),
  key: closed({
    certs: list(text(TEXT_CAPS.certificate), LIST_CAPS.certs),
    vkey: line(TEXT_CAPS.name),
  }),
  observed: observedEpochs,
  service: closed({ name }, { instance: name, version: id }),
})
const epochCloseDetail = closed(
  {
    open: list(recordId, LIST_CAPS.open_calls),
    reason: oneOf(['shutdown', 'rolled']),
    records: integer(1),
  },
  { open_more: more },
)
const erasureDetail = closed(
  {
    closed: integer(0),
    kids: list(hex(16), LIST_CAPS.kids, 1),
    of: oneOf(['person', 'period']),
    openable: closed({ count: integer(0) }, { until: time }),
  },
  { reason: ref('freeText') },
)
const gapDetail = closed(
  {
    first_at: time,
    last_at: time,
    reason: oneOf(['write_failed', 'journal_full', 'sync_failed']),
    records: integer(0),
    types: closed({}, Object.fromEntries(EVENT_TYPES.map((type) => [type, integer(1)]))),
  },
  { refused: integer(1) },
)
const breakglassOpenDetail = closed(
  { id: hex(16), until: time },
  { by: id, reason: ref('freeText') },
)
const breakglassCloseDetail = closed({
  calls: integer(0),
  id: hex(16),
  reason: oneOf(['closed', 'expired', 'shutdown']),
})
const reasoningDetail = closed(
  { chars: integer(0), text: ref('freeText') },
  { confidence: decimal, plan: ref('freeText'), plan_steps: integer(0) },
)
const contentDetail = closed({ bytes: integer(0), content: ref('freeText') })
const handoffDetail = closed({ from: name, to: name }, { summary: ref('freeText') })

interface Blocks {
  readonly required: Readonly<Record<string, JsonSchema>>
  readonly optional?: Readonly<Record<string, JsonSchema>>
}

const startBlocks = { invocation: ref('startInvocation') }
const endBlocks = { invocation: ref('endInvocation') }
const callBlocks = { authorization: ref('authorization'), tool: ref('tool') }
const authzBlocks = {
  required: callBlocks,
  optional: { detail: closed({ reason: ref('freeText') }) },
}

/** What each type has beyond the envelope. The log's own types have a `detail` and nothing else. */
const ownTypes: Readonly<Record<string, JsonSchema>> = {
  'breakglass.close': breakglassCloseDetail,
  'breakglass.open': breakglassOpenDetail,
  'epoch.close': epochCloseDetail,
  'epoch.observed': closed({ observed: observedEpochs }),
  'epoch.open': epochOpenDetail,
  'erasure.done': erasureDetail,
  gap: gapDetail,
}
const attributedTypes: Readonly<Record<string, Blocks>> = {
  'agent.handoff': { required: { detail: handoffDetail } },
  'agent.output': { required: { detail: ref('contentDetail') } },
  'agent.reasoning': { required: { detail: reasoningDetail } },
  'authz.denied': authzBlocks,
  'authz.granted': authzBlocks,
  'task.end': { required: { ...endBlocks, detail: ref('taskDetail') } },
  'task.start': { required: { ...startBlocks, detail: ref('taskDetail') } },
  'tool.end': { required: { ...callBlocks, ...endBlocks } },
  'tool.start': { required: { ...callBlocks, ...startBlocks } },
  'user.input': { required: { detail: ref('contentDetail') } },
}

function recordOf(type: EventType): JsonSchema {
  const envelope = {
    chain: ref('chain'),
    rev: { const: RECORD_REV },
    severity: oneOf(SEVERITIES),
    time: ref('time'),
    type: { const: type },
    v: { const: RECORD_VERSION },
  }
  const detail = ownTypes[type]
  if (detail !== undefined) return closed({ ...envelope, detail })
  const { required, optional } = attributedTypes[type] as Blocks
  return closed(
    { ...envelope, actor: ref('actor'), context: ref('context'), trace: ref('trace'), ...required },
    { ext: ref('ext'), retention: ref('retention'), ...optional },
  )
}

/** Any JSON value whose keys need no escape. */
const userValue: JsonSchema = {
  type: ['object', 'array', 'string', 'number', 'boolean', 'null'],
  propertyNames: userKeys,
  additionalProperties: ref('userValue'),
  items: ref('userValue'),
}

const freeText: JsonSchema = {
  anyOf: [blindedCommitment, text(TEXT_CAPS.text), cutText, plainCommitment],
}

/**
 * The JSON Schema (2020-12) of record v1 rev 0; shipped as `schema/record-v1.schema.json`.
 *
 * `maxCanonicalBytes` is a keyword of our own (see {@link TEXT_CAPS}) that other validators may
 * ignore: they then accept some lines that are longer than we allow, and nothing else.
 */
export const recordSchema: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:spanseal:record:1:0',
  title: 'spanseal record, v 1, rev 0',
  type: 'object',
  required: ['type'],
  oneOf: EVENT_TYPES.map((type) => ref(type)),
  $defs: {
    ...Object.fromEntries(EVENT_TYPES.map((type) => [type, recordOf(type)])),
    actor,
    authorization,
    callError,
    chain,
    commitment: { anyOf: [blindedCommitment, plainCommitment] },
    contentDetail,
    context,
    endInvocation,
    ext: open(TEXT_CAPS.text, ref('userValue')),
    freeText,
    observed,
    observedEpoch,
    retention,
    startInvocation,
    summary,
    taskDetail: closed({ name }),
    time: recordTime,
    tool,
    trace,
    userValue,
  },
}
