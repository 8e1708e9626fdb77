// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { anAudit, endOf, journalBytes } from './audit.fixture.ts'

const agent = { id: 'support-1', name: 'support', version: '1.4.0' }

describe('a task', () => {
  it('is a trace: its span is the root, its records come before and after, both point to each other', async () => {
    const test = anAudit({ agent })
    const value = { done: true }
    expect(await test.audit.task({ name: 'refund' }, () => value)).toBe(value)
    const span = test.span('invoke_agent support')
    const [start] = test.ofType('task.start')
    const [end] = test.ofType('task.end')
    expect(span.parentSpanContext).toBe(undefined)
    expect(start?.trace).toEqual({
      trace_id: span.spanContext().traceId,
      span_id: span.spanContext().spanId,
    })
    expect(end?.invocation).toMatchObject({
      start: `${start?.chain.epoch}/${start?.chain.seq}`,
      status: 'success',
    })
    expect(span.attributes).toMatchObject({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.id': 'support-1',
      'gen_ai.agent.name': 'support',
      'gen_ai.agent.version': '1.4.0',
      'agent.id': 'support-1',
      'task.id': start?.context.task_id,
      'spanseal.epoch': start?.chain.epoch,
      'spanseal.start.seq': start?.chain.seq,
      'spanseal.start.hash': test.records()[2]?.chain.prev,
      'spanseal.end.seq': end?.chain.seq,
      'invocation.status': 'success',
    })
  })

  it('passes its error on unchanged', async () => {
    const test = anAudit({ agent })
    const error = new RangeError('no')
    await expect(test.audit.task({ name: 'refund' }, () => Promise.reject(error))).rejects.toBe(
      error,
    )
    expect(test.ofType('task.end')[0]?.invocation).toMatchObject({
      status: 'error',
      error: { type: 'RangeError' },
    })
  })

  it('says who acts, for whom and with what, people as pseudonyms', async () => {
    const test = anAudit({ agent, deployment: { environment: 'prod' } })
    await test.audit.task(
      {
        name: 'refund',
        id: 'task-1',
        user: 'u-17',
        role: 'customer',
        session: 'session-of-u-17',
        conversation: 'conversation-9',
        turn: 3,
        model: { provider: 'acme', name: 'acme-large', version: '2026-10' },
        trigger: 'user_request',
        source: 'agent:planner',
        onBehalfOf: ['u-18'],
        client: { address: '192.0.2.17', userAgent: 'support-app/3', channel: 'chat' },
        purpose: 'refund',
        classifications: ['pii', 'pii', 'orders'],
        subjects: ['subject-5'],
      },
      () => undefined,
    )
    const [start] = test.ofType('task.start')
    expect(start?.actor).toEqual({
      agent,
      client: {
        address_ref: expect.stringMatching(/^p1:[0-9a-f]{16}:[0-9a-f]{16}$/) as string,
        channel: 'chat',
        user_agent: 'support-app/3',
      },
      conversation: expect.stringMatching(/^p1:/) as string,
      model: { provider: 'acme', name: 'acme-large', version: '2026-10' },
      on_behalf_of: [expect.stringMatching(/^p1:[0-9a-f]{16}$/)],
      session: expect.stringMatching(/^p1:/) as string,
      source: 'agent:planner',
      trigger: 'user_request',
      turn: 3,
      user: { ref: expect.stringMatching(/^p1:[0-9a-f]{16}$/) as string, role: 'customer' },
    })
    expect(start?.context).toEqual({
      data_classifications: ['pii', 'orders'],
      environment: 'prod',
      purpose: 'refund',
      subjects: { count: 1, refs: [expect.stringMatching(/^p1:[0-9a-f]{16}$/)] },
      task_id: 'task-1',
    })
    const bytes = journalBytes(test.journal)
    for (const id of ['u-17', 'u-18', 'session-of', 'conversation-9', '192.0.2.17', 'subject-5']) {
      expect(bytes).not.toContain(id)
    }
  })

  it('counts what does not fit the lists of a record', async () => {
    const test = anAudit()
    const ids = Array.from({ length: 20 }, (_, i) => `id-${i}`)
    await test.audit.task(
      { name: 't', onBehalfOf: ids, classifications: ids, subjects: ids },
      () => undefined,
    )
    const [start] = test.ofType('task.start')
    expect(start?.actor.on_behalf_of).toHaveLength(16)
    expect(start?.actor.on_behalf_of_more).toBe(4)
    expect(start?.context.data_classifications_more).toBe(4)
    expect(start?.context.subjects).toMatchObject({ count: 20, refs_more: 4 })
  })

  it('without a user is unattributed, and nobody can call themselves that', async () => {
    const test = anAudit()
    await test.audit.task({ name: 't' }, () => undefined)
    expect(test.ofType('task.start')[0]?.actor.user).toEqual({ ref: 'unattributed' })
    const refused = test.audit.task({ name: 't', user: 'unattributed' }, () => undefined)
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      details: { option: 'task.user' },
    })
  })

  it.each([
    ['an unknown option', { nam: 'x' }, 'task.nam'],
    ['a name with a line break', { name: 'a\nb' }, 'task.name'],
    ['an id that is too long', { id: 'i'.repeat(129) }, 'task.id'],
    ['half a character', { user: '\ud800' }, 'task.user'],
    ['a turn below zero', { turn: -1 }, 'task.turn'],
    ['an unknown trigger', { trigger: 'whim' }, 'task.trigger'],
    ['a source that is none', { source: 'somebody' }, 'task.source'],
    ['a model without a name', { model: { provider: 'acme' } }, 'task.model.name'],
    ['an agent without an id', { agent: { name: 'x' } }, 'task.agent.id'],
    ['subjects that are no list', { subjects: 'u-1' }, 'task.subjects'],
    ['a subject that is no text', { subjects: ['a', 7] }, 'task.subjects[1]'],
    ['a carrier that is none', { from: 'x' }, 'task.from'],
    ['a client with an unknown field', { client: { ip: 'x' } }, 'task.client.ip'],
  ])('refuses %s before anything runs', async (_, options, option) => {
    const test = anAudit()
    let ran = false
    const refused = test.audit.task({ name: 't', ...options } as { name: string }, () => {
      ran = true
    })
    await expect(refused).rejects.toBeInstanceOf(AuditError)
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_OPTION', details: { option } })
    expect(ran).toBe(false)
    expect(test.ofType('task.start')).toEqual([])
  })
})

describe('reasoning', () => {
  it('is the parent span of the calls that it led to, and its text is committed', async () => {
    const test = anAudit({ agent })
    const look = test.audit.tool({ name: 'look' }, async () => 'found')
    await test.audit.task({ name: 't' }, async (task) => {
      const result = await task.reasoning(
        { thought: 'the order is late', plan: ['look', 'refund'], confidence: 0.85 },
        () => look(),
      )
      expect(result).toBe('found')
      await task.reasoning({ thought: 'nothing to do' })
    })
    const [first, second] = test.ofType('agent.reasoning')
    expect(first?.detail).toEqual({
      chars: 17,
      confidence: '0.85',
      plan: expect.objectContaining({ alg: 'blinded-sha256', enc: 'text' }) as object,
      plan_steps: 2,
      text: expect.objectContaining({ alg: 'blinded-sha256', enc: 'text' }) as object,
    })
    expect(second?.detail).toMatchObject({ chars: 13 })
    const [reasoning] = test.spans().filter((span) => span.name === 'reasoning')
    expect(test.span('execute_tool look').parentSpanContext?.spanId).toBe(
      reasoning?.spanContext().spanId,
    )
    expect(first?.trace.span_id).toBe(reasoning?.spanContext().spanId)
    expect(endOf(test.records(), 'look').trace.parent_span_id).toBe(first?.trace.span_id)
    expect(reasoning?.attributes).toMatchObject({
      'spanseal.reasoning.confidence': 0.85,
      'spanseal.start.seq': first?.chain.seq,
    })
    expect(journalBytes(test.journal)).not.toContain('order is late')
  })

  it.each([
    ['a confidence above 1', { thought: 'x', confidence: 1.1 }, 'reasoning.confidence'],
    ['no thought', {}, 'reasoning.thought'],
    ['a plan that is no list', { thought: 'x', plan: 'y' }, 'reasoning.plan'],
    ['an unknown field', { thought: 'x', certainty: 1 }, 'reasoning.certainty'],
  ])('refuses %s', async (_, step, option) => {
    const test = anAudit()
    await test.audit.task({ name: 't' }, async (task) => {
      const refused = task.reasoning(step as { thought: string })
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_OPTION', details: { option } })
    })
  })

  it('passes the error of what it runs on unchanged, and its span ends', async () => {
    const test = anAudit()
    const error = new Error('no')
    await test.audit.task({ name: 't' }, async (task) => {
      await expect(task.reasoning({ thought: 'x' }, () => Promise.reject(error))).rejects.toBe(
        error,
      )
    })
    expect(test.span('reasoning').ended).toBe(true)
  })
})

describe('a handoff', () => {
  it('in this process: the other agent works in the same trace, on the same task, for the same user', async () => {
    const test = anAudit({ agent })
    const refund = test.audit.tool({ name: 'refund' }, async () => 'ok')
    await test.audit.task({ name: 'triage', user: 'u-17', session: 's-1' }, async (task) => {
      await task.handoff({ to: 'billing-1', summary: 'wants money back' }, async (from) => {
        await test.audit.task({ name: 'billing', agent: { id: 'billing-1' }, from }, () => refund())
      })
    })
    const [triage, billing] = test.ofType('task.start')
    const [handoff] = test.ofType('agent.handoff')
    expect(handoff?.detail).toEqual({
      from: 'support-1',
      summary: expect.objectContaining({ alg: 'blinded-sha256' }) as object,
      to: 'billing-1',
    })
    expect(billing?.trace.trace_id).toBe(triage?.trace.trace_id)
    expect(billing?.trace.parent_span_id).toBe(handoff?.trace.span_id)
    expect(billing?.context.task_id).toBe(triage?.context.task_id)
    expect(billing?.actor.user).toEqual(triage?.actor.user)
    expect(billing?.actor.session).toBe(triage?.actor.session)
    expect(billing?.actor.agent).toEqual({ id: 'billing-1' })
    const refunded = endOf(test.records(), 'refund')
    expect(refunded.actor.agent.id).toBe('billing-1')
    expect(refunded.trace.trace_id).toBe(triage?.trace.trace_id)
    expect(test.span('invoke_agent billing-1').spanContext().traceId).toBe(triage?.trace.trace_id)
    expect(test.span('handoff').attributes).toMatchObject({ 'spanseal.handoff.to': 'billing-1' })
  })

  it('through W3C headers: the task and its trace go on in another audit', async () => {
    const here = anAudit({ agent })
    const carrier = await here.audit.task({ name: 'triage', id: 'task-ä/1' }, (task) =>
      task.handoff({ to: 'billing-1' }, (from) => from),
    )
    expect(carrier).toEqual({
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/) as string,
      baggage: 'spanseal.task.id=task-%C3%A4%2F1',
    })
    const there = anAudit({ service: { name: 'billing' } })
    await there.audit.task({ name: 'billing', from: carrier }, () => undefined)
    const [triage] = here.ofType('agent.handoff')
    const [billing] = there.ofType('task.start')
    expect(billing?.trace).toMatchObject({
      trace_id: triage?.trace.trace_id,
      parent_span_id: triage?.trace.span_id,
    })
    expect(billing?.context.task_id).toBe('task-ä/1')
    expect(there.span('invoke_agent billing').parentSpanContext?.isRemote).toBe(true)
  })

  it('a single call can be part of a trace that came from outside', () => {
    const test = anAudit()
    const call = test.audit.tool({ name: 'probe' }, () => test.audit.carrier())
    const trace = 'a'.repeat(32)
    const inside = test.audit.below(
      {
        traceparent: `00-${trace}-${'b'.repeat(16)}-01`,
        baggage: 'x=y,spanseal.task.id=task-7;p=1',
      },
      () => call(),
    )
    const { trace: ids, context } = endOf(test.records(), 'probe')
    expect(ids).toMatchObject({ trace_id: trace, parent_span_id: 'b'.repeat(16) })
    expect(context.task_id).toBe('task-7')
    expect(inside.traceparent).toBe(`00-${trace}-${ids.span_id}-01`)
    expect(test.audit.carrier()).toEqual({})
  })

  it.each([
    ['no text', { traceparent: 7 }],
    ['too short', { traceparent: '00-abc' }],
    ['all zeros', { traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01` }],
    ['upper case', { traceparent: `00-${'A'.repeat(32)}-${'b'.repeat(16)}-01` }],
    ['baggage that is no percent-encoding', { baggage: 'spanseal.task.id=%E0%A4' }],
    ['baggage that is too long', { baggage: `spanseal.task.id=${'a'.repeat(9_000)}` }],
    ['a task id that is too long', { baggage: `spanseal.task.id=${'a'.repeat(200)}` }],
    ['the word for nobody', { baggage: 'spanseal.task.id=unattributed' }],
    ['a task id with a line break', { baggage: 'spanseal.task.id=a%0Ab' }],
  ])('ignores a carrier that is malformed: %s', (_, carrier) => {
    const test = anAudit()
    const call = test.audit.tool({ name: 'probe' }, () => 1)
    expect(test.audit.below(carrier as object, () => call())).toBe(1)
    const { trace, context } = endOf(test.records(), 'probe')
    expect(trace.parent_span_id).toBe(undefined)
    expect(context.task_id).toBe('unattributed')
  })
})

describe('what was said', () => {
  it('is committed: user.input and agent.output, with their sizes', async () => {
    const test = anAudit()
    await test.audit.task({ name: 't' }, async (task) => {
      await task.userInput('where is my order?')
      await task.output('on its way '.repeat(100))
    })
    expect(test.ofType('user.input')[0]?.detail).toMatchObject({
      bytes: 32,
      content: { enc: 'text' },
    })
    expect(test.ofType('agent.output')[0]?.detail).toMatchObject({
      bytes: 1_100,
      content: { enc: 'text' },
    })
    expect(journalBytes(test.journal)).not.toMatch(/my order|on its way/)
  })

  it('refuses what is no text', async () => {
    const test = anAudit()
    await test.audit.task({ name: 't' }, async (task) => {
      const refused = task.userInput({ text: 'x' } as unknown as string)
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    })
  })
})

it('two audits in one process do not see each other’s people', async () => {
  const one = anAudit({ service: { name: 'tenant-one' } })
  const two = anAudit({ service: { name: 'tenant-two' } })
  const call = two.audit.tool({ name: 'probe' }, () => 1)
  await one.audit.task({ name: 't', user: 'u-of-one' }, () => call())
  expect(endOf(two.records(), 'probe').actor).toEqual({
    agent: { id: 'tenant-two' },
    user: { ref: 'unattributed' },
  })
})

it('with identities in clear, people and sessions stand as they were named', async () => {
  const test = anAudit({ identities: 'clear' })
  await test.audit.task({ name: 't', user: 'u-17', session: 's-1' }, () => undefined)
  expect(test.ofType('task.start')[0]?.actor).toMatchObject({
    user: { ref: 'u-17' },
    session: 's-1',
  })
})
