// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import type { TestAudit } from './audit.fixture.ts'
import { anAudit, endOf, journalBytes } from './audit.fixture.ts'
import type { AuthorizationDecision, AuthorizeHook } from './authorize.ts'

function guarded(
  authorize: AuthorizeHook,
): TestAudit & { call: (n: number) => number; ran: () => number } {
  const test = anAudit({ authorize, agent: { id: 'support-1' } })
  let count = 0
  const call = test.audit.tool(
    { name: 'refund', risk: 'write', permissions: ['network', 'data_access:orders'] },
    (n: number) => {
      count++
      return n
    },
  )
  return { ...test, call, ran: () => count }
}

const types = (test: TestAudit): string[] =>
  test
    .records()
    .map((record) => record.type)
    .filter((type) => !type.startsWith('epoch.'))

describe('a granted call', () => {
  it('runs, and what was granted stands before it and in both its records', () => {
    const decision: AuthorizationDecision = {
      decision: 'granted',
      method: 'human_approval',
      policy: { id: 'refunds', version: '4', digest: 'sha256:d1' },
      grant: 'grant-9',
      expires: '2026-12-01T00:00:00.000Z',
      approver: 'boss@example.com',
      permissionsUsed: ['network'],
      reason: 'below 50 EUR',
    }
    const test = guarded(() => decision)
    expect(test.call(7)).toBe(7)
    expect(types(test)).toEqual(['authz.granted', 'tool.start', 'tool.end'])
    const [granted] = test.ofType('authz.granted')
    expect(granted?.authorization).toEqual({
      approver: expect.stringMatching(/^p1:[0-9a-f]{16}:[0-9a-f]{16}$/) as string,
      decision: 'granted',
      expires: '2026-12-01T00:00:00.000Z',
      grant: 'grant-9',
      method: 'human_approval',
      permissions_denied: [],
      permissions_used: ['network'],
      policy: { digest: 'sha256:d1', id: 'refunds', version: '4' },
    })
    expect(granted?.detail?.reason).toMatchObject({ alg: 'blinded-sha256', enc: 'text' })
    expect(endOf(test.records(), 'refund').authorization).toEqual(granted?.authorization)
    expect(granted?.trace).toEqual(test.ofType('tool.start')[0]?.trace)
    expect(test.span('execute_tool refund').attributes['spanseal.authorization.decision']).toBe(
      'granted',
    )
    expect(journalBytes(test.journal)).not.toMatch(/boss@|below 50/)
  })

  it('is asked with who, what and for whom', async () => {
    const asked: unknown[] = []
    const test = guarded((request) => {
      asked.push(request)
      return { decision: 'granted' }
    })
    await test.audit.task({ name: 't', id: 'task-1', user: 'u-17' }, () => test.call(7))
    expect(asked).toEqual([
      {
        tool: expect.objectContaining({ name: 'refund' }) as object,
        risk: 'write',
        args: [7],
        agentId: 'support-1',
        user: 'u-17',
        taskId: 'task-1',
        permissions: ['network', 'data_access:orders'],
      },
    ])
  })
})

describe('a denied call', () => {
  it('of an asynchronous tool is a rejection, though the hook answers at once', async () => {
    const { audit } = anAudit({ authorize: () => ({ decision: 'denied' }) })
    const call = audit.tool({ name: 'x' }, async () => 1)
    await expect(call()).rejects.toMatchObject({ code: 'AUTHORIZATION_DENIED' })
  })

  it('is what an answer that throws when it is read gets', () => {
    const answer = {
      decision: 'granted' as const,
      get reason(): string {
        throw new Error('gone')
      },
    }
    const { audit } = anAudit({ authorize: () => answer })
    expect(() => audit.tool({ name: 'x' }, () => 1)()).toThrow(
      expect.objectContaining({ code: 'AUTHORIZATION_DENIED' }) as Error,
    )
  })

  it('does not run; the caller gets a coded error; records and span say so', () => {
    const test = guarded(() => ({ decision: 'denied', reason: 'too much' }))
    expect(() => test.call(7)).toThrow(
      expect.objectContaining({ name: 'AuditError', code: 'AUTHORIZATION_DENIED' }) as Error,
    )
    expect(test.ran()).toBe(0)
    expect(types(test)).toEqual(['authz.denied', 'tool.start', 'tool.end'])
    const end = endOf(test.records(), 'refund')
    expect(end.invocation).toMatchObject({
      status: 'denied',
      error: { type: 'AuditError', code: 'AUTHORIZATION_DENIED' },
    })
    expect(end.invocation.input).toBeDefined()
    expect(end.authorization).toMatchObject({
      decision: 'denied',
      method: 'policy',
      permissions_denied: ['network', 'data_access:orders'],
      permissions_used: [],
    })
    expect(test.span('execute_tool refund').attributes).toMatchObject({
      'invocation.status': 'denied',
    })
    expect(test.audit.health().calls).toMatchObject({ open: 0, denied: 1, refused: 0 })
  })

  it('has a signed checkpoint at once, without waiting for the next one due', async () => {
    const test = guarded(() => ({ decision: 'denied' }))
    expect(() => test.call(7)).toThrow(AuditError)
    await test.audit.forceFlush()
    const [end] = test.ofType('tool.end')
    expect(journalBytes(test.journal)).toContain(`\n${(end?.chain.seq ?? 0) + 1}\n`)
  })

  it('pending: the caller is told to come back once it is approved', () => {
    const test = guarded(() => ({ decision: 'pending' }))
    expect(() => test.call(7)).toThrow(
      expect.objectContaining({ code: 'AUTHORIZATION_PENDING' }) as Error,
    )
    expect(test.ran()).toBe(0)
    expect(test.ofType('authz.denied')[0]?.authorization.decision).toBe('pending')
    expect(endOf(test.records(), 'refund').invocation.status).toBe('denied')
  })

  it('is denied by a hook that throws, rejects, or answers what is no decision', async () => {
    const hooks: AuthorizeHook[] = [
      () => {
        throw new Error('policy server said: user u-17 has no ticket')
      },
      () => Promise.reject(new Error('policy server gone')),
      () => undefined as unknown as AuthorizationDecision,
      () => ({ decision: 'yes' }) as unknown as AuthorizationDecision,
      () => true as unknown as AuthorizationDecision,
    ]
    for (const hook of hooks) {
      const test = guarded(hook)
      const call = async () => test.call(7)
      await expect(call()).rejects.toMatchObject({ code: 'AUTHORIZATION_DENIED' })
      expect(test.ran()).toBe(0)
      expect(test.ofType('authz.denied')[0]?.authorization.policy).toEqual({
        id: 'authorize-hook-failed',
      })
      expect(test.audit.health()).toMatchObject({ ok: false, internalErrors: 1 })
      expect(journalBytes(test.journal)).not.toContain('policy server')
    }
  })
})

it('an asynchronous tool that is refused rejects, whatever the hook is', async () => {
  const test = anAudit({ authorize: () => ({ decision: 'denied' }) })
  const call = test.audit.tool({ name: 'x' }, async () => 1)
  const refused = call()
  await expect(refused).rejects.toMatchObject({ code: 'AUTHORIZATION_DENIED' })
})

describe('an asynchronous hook', () => {
  it('is awaited before the tool runs', async () => {
    let decide: (decision: AuthorizationDecision) => void = () => {}
    const test = guarded(() => new Promise((resolve) => (decide = resolve)))
    const promise = test.call(7)
    await new Promise((resolve) => setTimeout(resolve, 2))
    expect(test.ran()).toBe(0)
    expect(types(test)).toEqual([])
    decide({ decision: 'granted' })
    await expect(promise).resolves.toBe(7)
    expect(types(test)).toEqual(['authz.granted', 'tool.start', 'tool.end'])
  })

  it('denies as well', async () => {
    const test = guarded(async () => ({ decision: 'denied' }))
    await expect(test.call(7)).rejects.toMatchObject({ code: 'AUTHORIZATION_DENIED' })
    expect(test.ran()).toBe(0)
  })
})

it('a hook may call tools itself: they are children of the call that it is asked about', () => {
  let asking = false
  const test = anAudit({
    authorize: ({ tool }) => {
      if (tool.name === 'refund' && !asking) {
        asking = true
        lookUp()
      }
      return { decision: 'granted' }
    },
  })
  const lookUp = test.audit.tool({ name: 'look_up' }, () => 1)
  test.audit.tool({ name: 'refund' }, () => 2)()
  const refund = test.ofType('tool.start').find((start) => start.tool.name === 'refund')
  expect(endOf(test.records(), 'look_up').trace.parent_span_id).toBe(refund?.trace.span_id)
})

it('what a record cannot hold of a decision is mended or left out; the decision is recorded', () => {
  const test = guarded(
    () =>
      ({
        decision: 'granted',
        method: 'magic',
        policy: { id: 'p\n'.repeat(200), version: 7 },
        grant: 'g\u0000',
        expires: 'tomorrow',
        approver: 7,
        permissionsUsed: ['root', 'network', ...Array.from({ length: 40 }, () => 'filesystem')],
        permissionsDenied: 'none',
        reason: { a: 1 },
      }) as unknown as AuthorizationDecision,
  )
  expect(test.call(7)).toBe(7)
  const [granted] = test.ofType('authz.granted')
  expect(granted?.authorization).toMatchObject({
    decision: 'granted',
    grant: 'g\ufffd',
    method: 'policy',
    permissions_denied: [],
    permissions_used_more: 9,
  })
  expect(granted?.authorization.policy?.id).toMatch(/^(p\ufffd)+p?$/)
  expect(granted?.authorization).not.toHaveProperty('expires')
})
