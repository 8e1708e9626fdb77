// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import { describe, expect, it } from 'vitest'

import { contentOf } from './content-attributes.ts'
import { PLANTED_SECRETS } from './planted-secrets.fixture.ts'
import { CONTENT_WITHHELD, createRedactor, REDACTION_REVISION } from './redact.ts'
import type { RedactionOptions } from './redaction-options.ts'

const redactor = createRedactor()

describe('text', () => {
  it('writes what was found by its kind and leaves the rest', () => {
    expect(redactor.text('Mail ann@example.com or call (555) 123-4567.')).toBe(
      'Mail [REDACTED:email] or call [REDACTED:phone].',
    )
    expect(redactor.text('postgres://app:hunter2@db:5432/x?ssl=1')).toBe(
      'postgres://[REDACTED:userinfo]@db:5432/x?ssl=1',
    )
  })

  it('keeps the JSON around a secret', () => {
    const text = redactor.text('{"user":"ann","password":"hu\\"nter2","n":[1,2]}')
    expect(JSON.parse(text)).toEqual({ user: 'ann', password: '[REDACTED:secret]', n: [1, 2] })
  })

  it('names overlapping finds after the longest', () => {
    expect(redactor.text('Authorization: Basic YW5uOmh1bnRlcjI=')).toBe(
      'Authorization: [REDACTED:authorization]',
    )
  })

  it('cuts an endless text, and no secret in half', () => {
    const key = `ghp_${'aB3dE5fG7h'.repeat(4)}`
    for (let at = 65_536 - 60; at < 65_536 + 20; at += 3) {
      const text = redactor.text(`${'x '.repeat(at / 2)} ${key} ${'y '.repeat(40_000)}`)
      expect(text.length).toBeLessThanOrEqual(65_536)
      expect(text.endsWith('[cut]')).toBe(true)
      expect(text).not.toContain('ghp_')
    }
  })

  it('takes patterns of the user, and runs them over stretches', () => {
    const own = createRedactor({
      patterns: [{ name: 'badge', pattern: /\bB-\d{4}\b/ }, /x{3}/y],
    })
    expect(own.text('B-1234 xxx')).toBe('[REDACTED:badge] [REDACTED:custom]')
    const far = `${'a '.repeat(5_000)}B-1234 ${'b '.repeat(5_000)}B-9876`
    expect(own.text(far)).not.toMatch(/B-\d/)
    expect(own.revision).toBe(`${REDACTION_REVISION}+custom`)
    expect(redactor.revision).toBe(REDACTION_REVISION)
  })

  it('masks no mark, whatever a pattern of the user matches', () => {
    const greedy = createRedactor({ patterns: [/\w+/, /E/] })
    const once = greedy.text('a ann@example.com REDACTED b')
    expect(greedy.text(once)).toBe(once)
  })
})

describe('value', () => {
  it('masks what stands under secret names, at any depth, in lists too', () => {
    const value = {
      DB_Password: 'a',
      list: [{ apiKey: 'b', deep: { token: { any: 'thing' }, token_count: 5 } }],
      flag: { password: true, secret: null, pin: 1234 },
    }
    expect(redactor.value(value)).toEqual({
      DB_Password: '[REDACTED:secret]',
      list: [{ apiKey: '[REDACTED:secret]', deep: { token: '[REDACTED:secret]', token_count: 5 } }],
      flag: { password: true, secret: null, pin: '[REDACTED:secret]' },
    })
  })

  it('looks into texts, names, numbers, maps, sets and errors', () => {
    const error = new TypeError('mail ann@example.com')
    const value = redactor.value({
      'ann@example.com': 1,
      card: 4111111111111111,
      big: 4111111111111111n,
      phoneNumber: '5551234567',
      order: '5551234567',
      map: new Map([['password', 'x']]),
      set: new Set(['ann@example.com']),
      error,
      url: new URL('https://u:p@example.com/'),
    }) as Record<string, unknown>
    expect(value).toMatchObject({
      '[REDACTED:email]': 1,
      card: '[REDACTED:card]',
      big: '[REDACTED:card]',
      phoneNumber: '[REDACTED:phone]',
      order: '5551234567',
      map: new Map([['password', '[REDACTED:secret]']]),
      set: new Set(['[REDACTED:email]']),
      error: { name: 'TypeError', message: 'mail [REDACTED:email]' },
      url: 'https://[REDACTED:userinfo]@example.com/',
    })
    expect(JSON.stringify(value['error'])).not.toContain('ann@example.com')
  })

  it('masks values whose name stands beside them', () => {
    expect(redactor.value({ name: 'Authorization', value: 'x y' })).toEqual({
      name: 'Authorization',
      value: '[REDACTED:secret]',
    })
    expect(redactor.value({ value: 'x y', name: 'Authorization' })).toEqual({
      name: 'Authorization',
      value: '[REDACTED:secret]',
    })
    expect(redactor.value(['psql', '--password', 'x y', '-v'])).toEqual([
      'psql',
      '--password',
      '[REDACTED:secret]',
      '-v',
    ])
    expect(redactor.value([['x-api-key', 'abc']])).toEqual([['x-api-key', '[REDACTED:secret]']])
    expect(redactor.value(['Host', 'a', 'Cookie', 'b=c'])).toEqual([
      'Host',
      'a',
      'Cookie',
      '[REDACTED:secret]',
    ])
  })

  it('loses nothing where masked names become the same', () => {
    expect(redactor.value({ 'a@example.com': 1, 'b@example.com': 2 })).toEqual({
      '[REDACTED:email]': 1,
      '[REDACTED:email]#2': 2,
    })
  })

  it('says what it cannot copy', () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    cycle['fn'] = () => 1
    cycle['bytes'] = Buffer.alloc(7)
    cycle['hostile'] = new Proxy({}, { ownKeys: () => fail() })
    Object.defineProperty(cycle, 'bad', { enumerable: true, get: () => fail() })
    expect(redactor.value(cycle)).toEqual({
      self: '[circular]',
      fn: '[function]',
      bytes: '[bytes 7]',
      hostile: '[unreadable]',
      bad: '[unreadable]',
    })
  })

  it('reads every property once and pollutes no prototype', () => {
    let runs = 0
    const value = JSON.parse('{"__proto__":{"polluted":1}}') as object
    Object.defineProperty(value, 'lazy', { enumerable: true, get: () => ++runs })
    const copy = redactor.value(value) as Record<string, unknown>
    expect(runs).toBe(1)
    expect(Object.hasOwn(copy, '__proto__')).toBe(true)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
  })

  it('ends', () => {
    let deep: unknown = 'x'
    for (let i = 0; i < 100_000; i++) deep = { deep }
    expect(JSON.stringify(redactor.value(deep))).toContain('[cut]')
    const wide = redactor.value(Array.from({ length: 1_000_000 }, () => 'x')) as unknown[]
    expect(wide.length).toBeLessThanOrEqual(10_001)
    expect(wide.at(-1)).toBe('[cut]')
  })
})

describe('attributes', () => {
  it('keeps what traces are read by', () => {
    const attributes = {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'refund_order',
      'gen_ai.usage.input_tokens': 512,
      'gen_ai.token.type': 'input',
      'llm.model_name': 'm-1',
      'llm.token_count.total': 700,
      'input.hash': `blinded-sha256:4111111111111111:${'0'.repeat(64)}`,
      'output.hash': `sha256:${'1'.repeat(64)}`,
      'input.mime_type': 'application/json',
      'spanseal.epoch': '0192f0c1-7e4a-7b60-8000-0123456789ab',
      'http.request.method': 'GET',
      'server.address': '10.0.0.1',
      'tool.name': 'refund_order',
      'invocation.duration_ms': 12.5,
      'invocation.status': 'success',
      list: ['a', 'b'],
      flag: true,
    }
    expect(redactor.attributes(attributes)).toEqual(attributes)
  })

  it.each([
    'gen_ai.input.messages',
    'gen_ai.output.messages',
    'gen_ai.system_instructions',
    'gen_ai.tool.call.arguments',
    'gen_ai.tool.call.result',
    'gen_ai.prompt.0.content',
    'gen_ai.completion.0.content',
    'exception.message',
    'exception.stacktrace',
    'db.statement',
    'db.query.text',
    'db.query.parameter.0',
    'http.request.body',
    'http.response.body',
    'url.query',
    'input.value',
    'output.value',
    'llm.input_messages.0.message.content',
    'llm.output_messages.0.message.content',
    'llm.prompts',
    'llm.invocation_parameters',
    'retrieval.documents.0.document.content',
    'traceloop.entity.input',
    'traceloop.entity.output',
    'langfuse.observation.input',
    'langfuse.observation.output',
    'langfuse.trace.metadata.plan',
    'ai.prompt.messages',
    'ai.toolCall.args',
    'ai.toolCall.result',
    'ai.response.text',
    'lmnr.span.input',
    'braintrust.output_json',
    'mcp.request.argument.path',
    'vendor.of.tomorrow.prompt',
  ])('withholds %s', (name) => {
    expect(redactor.attributes({ [name]: 'what somebody wrote' })).toEqual({
      [name]: CONTENT_WITHHELD,
    })
    expect(createRedactor({ contentAttributes: 'drop' }).attributes({ [name]: 'x' })).toEqual({})
    expect(
      createRedactor({ contentAttributes: 'redact' }).attributes({ [name]: 'to ann@example.com' }),
    ).toEqual({ [name]: 'to [REDACTED:email]' })
  })

  it('keeps a URL without its query', () => {
    const { attributes } = redactor
    expect(attributes({ 'url.full': 'https://u:p@example.com/x?q=ann' })).toEqual({
      'url.full': `https://[REDACTED:userinfo]@example.com/x?${CONTENT_WITHHELD}`,
    })
    expect(attributes({ 'http.url': 'https://example.com/x' })).toEqual({
      'http.url': 'https://example.com/x',
    })
  })

  it('judges names by their last two parts', () => {
    expect(
      redactor.attributes({
        'http.request.header.authorization': ['Bearer x'],
        'db.user.password': 'x',
        'vendor.api_key': 'x',
        'aws.secretsmanager.secret.arn': 'arn:aws:x',
        'session.token.count': 5,
      }),
    ).toEqual({
      'http.request.header.authorization': '[REDACTED:secret]',
      'db.user.password': '[REDACTED:secret]',
      'vendor.api_key': '[REDACTED:secret]',
      'aws.secretsmanager.secret.arn': 'arn:aws:x',
      'session.token.count': 5,
    })
  })

  it('looks into lists and odd values', () => {
    expect(
      redactor.attributes({
        to: ['ann@example.com', 'x'],
        log: { password: 'x' },
        none: undefined,
      }),
    ).toEqual({ to: ['[REDACTED:email]', 'x'], log: { password: '[REDACTED:secret]' } })
  })

  it('knows metadata under content prefixes', () => {
    expect(contentOf('gen_ai.prompt.0.role')).toBeUndefined()
    expect(contentOf('gen_ai.prompt.name')).toBeUndefined()
    expect(contentOf('gen_ai.output.type')).toBeUndefined()
    expect(contentOf('llm.usage.total_tokens')).toBeUndefined()
  })
})

describe('error', () => {
  it('redacts every part and keeps type and code to their alphabets', () => {
    expect(
      redactor.error({
        type: 'Error: ann@example.com',
        code: 'E BAD',
        message: 'login with password=hunter2 failed',
        stack: 'Error: password=hunter2\n    at x (file.js:1:2)',
      }),
    ).toEqual({
      type: 'Error_REDACTED_email_',
      code: 'E_BAD',
      message: 'login with password=[REDACTED:secret] failed',
      stack: 'Error: password=[REDACTED:secret]\n    at x (file.js:1:2)',
    })
  })

  it('takes what is missing or hostile', () => {
    expect(redactor.error({})).toEqual({ type: 'Error', message: '' })
    const hostile = new Proxy({}, { get: () => fail() })
    expect(redactor.error(hostile)).toEqual({ type: 'Error', message: '' })
    expect(redactor.error({ code: 42 })).toEqual({ type: 'Error', code: '42', message: '' })
  })

  it.each(PLANTED_SECRETS)('leaves no $kind of $carrier', ({ carrier, secret }) => {
    const shown = redactor.error({ type: carrier, message: carrier, code: carrier, stack: carrier })
    expect(JSON.stringify(shown)).not.toContain(secret)
  })
})

describe('options', () => {
  it('add names, and switch addresses of hosts on', () => {
    const own = createRedactor({ keyWords: ['badge'], keyNames: ['x7'], ipAddresses: true })
    expect(own.value({ badgeId: 'b', X7: 'c', from: '10.1.2.3' })).toEqual({
      badgeId: '[REDACTED:secret]',
      X7: '[REDACTED:secret]',
      from: '[REDACTED:ip_address]',
    })
    expect(own.text('badge: b7')).toBe('badge: [REDACTED:secret]')
  })

  it.each([
    ['redaction', null],
    ['redaction', []],
    ['redaction.keyWord', { keyWord: ['x'] }],
    ['redaction.keyWords', { keyWords: 'x' }],
    ['redaction.keyWords[1]', { keyWords: ['x', ''] }],
    ['redaction.keyWords[0]', { keyWords: ['123'] }],
    ['redaction.keyNames[0]', { keyNames: [7] }],
    ['redaction.patterns', { patterns: /x/ }],
    ['redaction.patterns[0]', { patterns: ['x'] }],
    ['redaction.patterns[0]', { patterns: [{ name: 'a', pattern: 'x' }] }],
    ['redaction.patterns[0]', { patterns: [{ name: 'a', pattern: /x/, more: 1 }] }],
    ['redaction.patterns[0].name', { patterns: [{ name: 'A b', pattern: /x/ }] }],
    ['redaction.patterns[0].name', { patterns: [{ name: 'email', pattern: /x/ }] }],
    ['redaction.ipAddresses', { ipAddresses: 'yes' }],
    ['redaction.contentAttributes', { contentAttributes: 'keep' }],
  ])('%s that is no such thing is refused', (option, options) => {
    const refusal = refusalOf(options as RedactionOptions)
    expect(refusal?.code).toBe('INVALID_OPTION')
    expect(refusal?.details.option).toBe(option)
    expect(refusal?.message).toContain(option)
  })
})

function refusalOf(options: RedactionOptions): AuditError | undefined {
  try {
    createRedactor(options)
    return undefined
  } catch (error) {
    return error instanceof AuditError ? error : undefined
  }
}

function fail(): never {
  throw new Error('hostile')
}
