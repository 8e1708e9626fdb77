// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { block, keyedTag } from '@spanseal/core'
import type { Authorization, GapDetail, RecordDraft, ToolRef } from '@spanseal/core'
import { EpochFiles } from './epoch-files.ts'
import type { EpochSettings } from './epoch-files.ts'
import { blindingKeysJson, eq, issuer, LOG, period, subjects, tenant } from './keys.ts'
import { jsonFile } from './text-files.ts'
import type { Files } from './text-files.ts'

/** The golden journal: two epochs, the first of which ends in a crash that the second finds. */

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

const actor = block({
  agent: { id: 'support-1', name: 'support', version: '1.4.0' },
  client: { address_ref: 'p1:0011223344556677:00112233aabbccdd', channel: 'web' },
  conversation: `p1:${period.kid}:1111111111111111`,
  model: { name: 'example-large', provider: 'example', version: '2026-10' },
  session: `p1:${period.kid}:2222222222222222`,
  source: 'user',
  trigger: 'user_request' as const,
  turn: 1,
  user: { ref: `p1:${subjects.jane.kid}`, role: 'customer' },
})
const context = block({
  data_classifications: ['internal', 'pii'],
  environment: 'production',
  purpose: 'support',
  task_id: 'task-refund-1',
})
const retention = block({ keep_until: '2033-11-21T00:00:00.000Z', policy: 'financial', policy_rev: 3 })

function tool(name: string, more: Partial<ToolRef> = {}): RecordDraft['tool'] & object {
  return block({
    name,
    publisher: 'example.com',
    trust_level: 'verified',
    type: 'function' as const,
    version: '2.1.0',
    ...more,
  })
}

const refund = tool('refund_order', { digest: `sha256:${'5'.repeat(64)}`, verification_score: '0.97' })
const tracking = tool('**track** `shipment`', { server: 'shipping', type: 'extension' })
const removal = tool('delete_customer', { trust_level: 'unverified' })

function authorization(decision: Authorization['decision']): RecordDraft['authorization'] & object {
  const denied = decision === 'denied'
  return block({
    decision,
    method: decision === 'not_required' ? ('none' as const) : ('policy' as const),
    permissions_denied: denied ? ['data_access:delete'] : [],
    permissions_used: decision === 'granted' ? ['data_access:orders', 'network'] : [],
    ...(decision !== 'not_required' && { policy: { id: 'refunds', version: '4' } }),
  })
}

const granted = authorization('granted')
const denied = authorization('denied')
const notRequired = authorization('not_required')

function span(id: number, parent?: number): NonNullable<RecordDraft['trace']> {
  const spanId = (n: number): string => n.toString(16).padStart(16, '0')
  return {
    span_id: spanId(0xa000 + id),
    trace_id: TRACE,
    ...(parent !== undefined && { parent_span_id: spanId(0xa000 + parent) }),
  }
}

const attributed = { severity: 'info', actor, context, retention } as const
const observed = {
  flags: [],
  input_bytes: 64,
  input_shape: keyedTag('shape', '{amount:n,order:s}', eq),
  output_bytes: 256,
}

/** How an epoch may depart from the golden one, for journals that are at fault. */
export interface Departures {
  readonly first?: Pick<EpochSettings, 'alter' | 'certs'>
  readonly second?: Pick<EpochSettings, 'alter' | 'certs'>
  /** Leaves the second epoch without the end of this call. */
  readonly withoutEnd?: boolean
  /** Writes the end of this call twice. */
  readonly endTwice?: boolean
  /** Writes this gap into the second epoch. */
  readonly gap?: GapDetail
}

export function goldenEpochs(departures: Departures = {}): readonly [EpochFiles, EpochFiles] {
  const first = firstEpoch(departures)
  return [first, secondEpoch(first, departures)]
}

function firstEpoch({ first: changes }: Departures): EpochFiles {
  const epoch = new EpochFiles({ words: 'epoch 1', openedAt: '2026-11-21T09:00:00.000Z', ...changes })
  const thought = 'The order is eleven days late; policy 4 allows a full refund.'
  const task = epoch.append({
    ...attributed,
    type: 'task.start',
    detail: { name: 'refund' },
    invocation: { status: 'started' },
    trace: span(1),
  })
  const said = 'My order A-1 never came. I want my money back.'
  epoch.append({
    ...attributed,
    type: 'user.input',
    detail: { bytes: said.length, content: epoch.commit('/detail/content', said) },
    trace: span(1),
  })
  epoch.append({
    ...attributed,
    type: 'agent.reasoning',
    detail: {
      chars: thought.length,
      confidence: '0.9',
      plan_steps: 2,
      text: epoch.commit('/detail/text', thought),
    },
    trace: span(2, 1),
  })
  refundCall(epoch)
  failingCall(epoch)
  deniedCall(epoch)
  epoch.checkpoint()
  epoch.newSegment()
  epoch.append({
    ...attributed,
    type: 'agent.handoff',
    detail: {
      from: 'support',
      summary: epoch.commit('/detail/summary', 'Refunded A-1; customer asks for deletion.'),
      to: 'privacy',
    },
    trace: span(7, 1),
  })
  const answer = 'Your refund is on its way. A colleague will answer the rest.'
  epoch.append({
    ...attributed,
    type: 'agent.output',
    detail: { bytes: answer.length, content: epoch.commit('/detail/content', answer) },
    trace: span(1),
  })
  epoch.append({
    ...attributed,
    type: 'task.end',
    detail: { name: 'refund' },
    invocation: { duration_ns: '3500000000', start: task, status: 'success' },
    trace: span(1),
  })
  epoch.wait(10_000)
  epoch.checkpoint()
  crash(epoch)
  return epoch
}

/** Granted by a hook, runs, succeeds. */
function refundCall(epoch: EpochFiles): void {
  const call = { ...attributed, authorization: granted, tool: refund, trace: span(3, 2) }
  epoch.append({ ...call, type: 'authz.granted' })
  const input = epoch.commit('/invocation/input', { amount: 49.9, order: 'A-1' })
  const start = epoch.append({ ...call, type: 'tool.start', invocation: { input, status: 'started' } })
  epoch.append({
    ...call,
    type: 'tool.end',
    invocation: {
      duration_ns: '250000000',
      input,
      observed,
      output: epoch.commit('/invocation/output', { id: 'R-77', note: 'Refund booked, two days', status: 'booked' }),
      start,
      status: 'success',
      summary: { fields: { id: 'R-77', status: 'booked' }, truncated: false },
    },
  })
}

/** Fails, is tried again, and succeeds. */
function failingCall(epoch: EpochFiles): void {
  const call = { ...attributed, authorization: notRequired, tool: tracking }
  for (const attempt of [1, 2]) {
    const trace = span(3 + attempt, 2)
    const again = attempt === 1 ? {} : { attempt, recovery: 'retry' as const }
    const input = epoch.commit('/invocation/input', { carrier: 'example-post', shipment: 'S-9' })
    const begun = { ...again, external_id: `call_${attempt}`, input }
    const start = epoch.append({ ...call, type: 'tool.start', invocation: { ...begun, status: 'started' }, trace })
    const common = { ...begun, duration_ns: '125000000', observed, start }
    if (attempt === 1) {
      const error = {
        code: 'E_UPSTREAM',
        fingerprint: keyedTag('fingerprint', 'ShipmentError: carrier # is not reachable', eq),
        message: epoch.commit('/invocation/error/message', 'carrier 17 is not reachable'),
        type: 'ShipmentError',
      }
      const invocation = { ...common, error, status: 'error' } as const
      epoch.append({ ...call, type: 'tool.end', severity: 'error', invocation, trace })
    } else {
      const output = epoch.commit('/invocation/output', { state: 'lost', shipment: 'S-9', days: 11 })
      epoch.append({ ...call, type: 'tool.end', invocation: { ...common, output, status: 'success' }, trace })
    }
  }
}

/** Refused by a hook: the intent is written, the tool does not run. */
function deniedCall(epoch: EpochFiles): void {
  const call = { ...attributed, severity: 'warning', authorization: denied, tool: removal, trace: span(6, 2) } as const
  const reason = epoch.commit('/detail/reason', 'Deletion needs a person of the privacy team.')
  epoch.append({ ...call, type: 'authz.denied', detail: { reason } })
  const input = epoch.commit('/invocation/input', 'customer-17')
  const start = epoch.append({ ...call, type: 'tool.start', invocation: { input, status: 'started' } })
  epoch.append({
    ...call,
    type: 'tool.end',
    invocation: { duration_ns: '0', input, start, status: 'denied' },
  })
}

/** A second task begins, calls a tool, and the process dies while it writes. */
function crash(epoch: EpochFiles): void {
  const nightly = block({ ...context.value, task_id: 'task-nightly-2' })
  const unattended = block({
    agent: actor.value.agent,
    source: 'system',
    trigger: 'system' as const,
    user: { ref: 'unattributed' },
  })
  const common = { ...attributed, actor: unattended, context: nightly }
  epoch.append({
    ...common,
    type: 'task.start',
    detail: { name: 'nightly report' },
    invocation: { status: 'started' },
    trace: { ...span(8), synthetic: true },
  })
  const input = epoch.commit('/invocation/input', { day: '2026-11-20' })
  const call = { ...common, authorization: notRequired, tool: tool('export_report'), trace: span(9, 8) }
  epoch.append({ ...call, type: 'tool.start', invocation: { input, status: 'started' } })
  const next = epoch.line({ ...call, type: 'tool.start', invocation: { status: 'started' } })
  epoch.torn = next.slice(0, 200)
}

function secondEpoch(first: EpochFiles, { second, withoutEnd, endTwice, gap }: Departures): EpochFiles {
  const epoch = new EpochFiles({
    words: 'epoch 2',
    openedAt: '2026-11-21T09:05:00.000Z',
    observed: [first.observedAs('crashed')],
    ...second,
  })
  const both = [subjects.jane, subjects.john]
  const about = {
    ...attributed,
    context: block({
      ...context.value,
      subjects: { count: 2, refs: both.map(({ kid }) => `p1:${kid}`) },
      task_id: 'task-merge-3',
    }),
  }
  const task = epoch.append({
    ...about,
    type: 'task.start',
    detail: { name: 'merge accounts' },
    invocation: { status: 'started' },
    trace: span(20),
  })
  const said = 'Please merge my account with the one of my husband.'
  epoch.append(
    {
      ...about,
      type: 'user.input',
      detail: { bytes: said.length, content: epoch.commit('/detail/content', said, both) },
      ext: block({ 'acme.ticket': 4711, 2: 'integer-like', 10: ['keys'] }),
      trace: span(20),
    },
    125,
    '2026-11-21T09:04:58.500Z',
  )
  const call = { ...about, authorization: granted, tool: tool('merge_accounts', { type: 'datastore' }) }
  const input = epoch.commit('/invocation/input', { keep: 'c-1', drop: 'c-2', since: new Date(1700000000000) }, both)
  const merge = epoch.append({ ...call, type: 'tool.start', invocation: { input, status: 'started' }, trace: span(21, 20) })
  const lookup = { ...about, authorization: notRequired, tool: tool('find_customer'), trace: span(22, 20) }
  const found = epoch.append({ ...lookup, type: 'tool.start', invocation: { status: 'started' } })
  const timeout = {
    duration_ns: '1000000000',
    error: {
      fingerprint: keyedTag('fingerprint', 'TimeoutError', eq),
      message: 'no answer after 1 s',
      type: 'TimeoutError',
    },
    start: found,
    status: 'timeout' as const,
  }
  epoch.append({ ...lookup, type: 'tool.end', severity: 'warning', invocation: timeout }, 1000)
  if (withoutEnd !== true) {
    const output = epoch.commit('/invocation/output', { merged: 'c-1' }, both)
    const invocation = { duration_ns: '2000000000', input, observed, output, start: merge, status: 'success' } as const
    epoch.append({ ...call, type: 'tool.end', invocation, trace: span(21, 20) })
    if (endTwice === true) epoch.append({ ...call, type: 'tool.end', invocation, trace: span(21, 20) })
  }
  if (gap !== undefined) epoch.append({ type: 'gap', severity: 'error', detail: gap })
  const plan = '1. Keep c-1.\n2. Tell both people.\n'.repeat(200)
  const cut = epoch.commit('/detail/plan', plan, both)
  epoch.append({
    ...about,
    type: 'agent.reasoning',
    detail: {
      chars: 20,
      plan: { bytes: plan.length, commitment: cut, cut: true },
      text: 'Both people agreed.\n',
    },
    trace: span(23, 20),
  })
  epoch.append({
    ...about,
    type: 'task.end',
    detail: { name: 'merge accounts' },
    invocation: { duration_ns: '4000000000', start: task, status: 'cancelled' },
    trace: span(20),
  })
  epoch.append({
    type: 'epoch.close',
    severity: 'info',
    detail: { open: [], reason: 'shutdown', records: epoch.size + 1 },
  })
  epoch.checkpoint()
  return epoch
}

export function journalFiles(epochs: readonly EpochFiles[], folder: string): Files {
  return new Map(epochs.flatMap((epoch) => [...epoch.files()].map(([path, content]) => [`${folder}/${path}`, content] as const)))
}

/** What the golden journal's verdict holds, besides no faults. */
export const EXPECTED = {
  ok: true,
  level: 2,
  selfConsistent: true,
  signed: true,
  ends: { closed: 1, headed: 0, crashed: 1, open: 0 },
  checked: 29,
  epochs: 2,
  counts: { torn: 1, unanswered: 2 },
}

/** `journal/`, and beside it `journal.json`: keys, what to expect, and openings of what it commits to. */
export function journalVectors(): Files {
  const epochs = goldenEpochs()
  return new Map([
    ...journalFiles(epochs, 'journal'),
    jsonFile('journal.json', {
      about:
        'journal/ is a whole journal. With pinned as the only key it verifies at the time now; ' +
        'expect is part of the verdict. With heads it reaches level 3. Each opening gives c.',
      log: LOG,
      now: '2026-11-21T10:00:00.000Z',
      pinned: [tenant.vkey],
      issuer: issuer.vkey,
      seeds: Object.fromEntries(
        [tenant, issuer, ...epochs.map(({ key }) => key)].map(({ name, seed }) => [name, seed]),
      ),
      blinding: blindingKeysJson(),
      expect: EXPECTED,
      heads: epochs.map(({ notes }) => notes.at(-1)),
      trace: TRACE,
      openings: epochs.flatMap(({ openings }) => openings),
    }),
  ])
}
