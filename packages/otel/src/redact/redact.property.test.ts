// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { attackFlags } from './attack-patterns.ts'
import { isSecretKey, splitName } from './key-names.ts'
import { mendName, mendText } from './mend.ts'
import { OBSERVED_FLAGS, observeValue } from './observe.ts'
import { findSensitive } from './patterns.ts'
import { PLANTED_SECRETS } from './planted-secrets.fixture.ts'
import type { Redactor } from './redact.ts'
import { createRedactor } from './redact.ts'
import { shapeText } from './shape.ts'

const REDACTORS = [
  createRedactor(),
  createRedactor({ contentAttributes: 'drop', ipAddresses: true }),
  createRedactor({
    contentAttributes: 'redact',
    keyWords: ['badge'],
    keyNames: ['a'],
    patterns: [/\d\d/, { name: 'vowels', pattern: /[aeiou]{2,}/ }],
  }),
]

/** What secrets are made of, so that random texts come near to them. */
const FRAGMENTS = [
  ...PLANTED_SECRETS.map(({ carrier }) => carrier),
  ...['@', 'a@', '@b.co', '1', '12', '555', '-', '+', '(', ')', ' ', '  ', '\n', '.', ':', '://'],
  ...['password', 'token=', '"apiKey":', '"', "'", '`', '\\', '\\"', '%22', '%3D', '%40', '='],
  ...[
    'is ',
    ' was ',
    'Bearer ',
    'Basic ',
    'Authorization: ',
    'Cookie: ',
    '--token ',
    '-----BEGIN ',
  ],
  ...[
    'PRIVATE KEY-----',
    '-----END ',
    'eyJ',
    'sk-',
    'AKIA',
    '{',
    '}',
    '[',
    ']',
    ',',
    ';',
    '&',
    '?',
  ],
  ...[
    '[REDACTED:',
    '[REDACTED:email]',
    '[cut]',
    'card ',
    'phone ',
    'ssn',
    'CVV ',
    'DE89',
    '\ud800',
  ],
]
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ maxLength: 6 })), { maxLength: 12 })
    .map((parts) => parts.join('')),
)
const value = fc.oneof(
  fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  }),
  fc.anything({ key: text, values: [text, fc.constantFrom(4111111111111111, 1, null)] }),
)
const redactor = fc.nat({ max: REDACTORS.length - 1 })

function at(index: number): Redactor {
  return REDACTORS[index] as Redactor
}

/** Not a letter, a digit, or a sign that goes on with a number: what stands alone is found. */
const boundary = fc.constantFrom(
  ' ',
  '\n',
  '\t',
  '"',
  "'",
  '<',
  '>',
  '|',
  ', ',
  '; ',
  '(',
  ') ',
  '* ',
  '\u3000',
)

describe('whatever comes in', () => {
  it('nothing throws', () => {
    fc.assert(
      fc.property(redactor, value, text, (one, any, s) => {
        const { text: redact, value: copy, attributes, error } = at(one)
        copy(any)
        redact(any as string)
        attributes(any as Record<string, unknown>)
        error(any as object)
        observeValue(any, s.length)
        shapeText(any)
        findSensitive(s, { ipAddresses: true, before: s })
        attackFlags(s)
        mendName(s)
        mendText(s, 10)
        isSecretKey(s)
        expect(splitName(s).join('')).not.toMatch(/[A-Z]/)
      }),
    )
  })

  it('nothing throws on proxies whose traps do', () => {
    const traps = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor'] as const
    fc.assert(
      fc.property(redactor, fc.subarray([...traps]), value, (one, throwing, any) => {
        const handler = Object.fromEntries(throwing.map((trap) => [trap, () => fail()]))
        const target = typeof any === 'object' && any !== null ? any : { any }
        const hostile = new Proxy(target, handler)
        for (const whole of [hostile, { deep: [hostile] }]) {
          at(one).value(whole)
          at(one).attributes(whole as Record<string, unknown>)
          at(one).error(whole)
          expect(observeValue(whole, 1).shape).toBeTypeOf('string')
        }
      }),
    )
  })

  it('nothing is changed', () => {
    fc.assert(
      fc.property(redactor, fc.jsonValue(), (one, any) => {
        const before = structuredClone(any)
        at(one).value(any)
        at(one).attributes({ any } as Record<string, unknown>)
        observeValue(any, 1)
        expect(any).toEqual(before)
      }),
    )
  })

  it('frozen values and values full of getters come through', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (any) => {
        const frozen = deepFrozen({ any })
        expect(at(0).value(frozen)).toBeDefined()
      }),
    )
  })

  it('redacted twice is redacted once', () => {
    fc.assert(
      fc.property(redactor, text, (one, s) => {
        const once = at(one).text(s)
        expect(at(one).text(once)).toBe(once)
      }),
    )
    fc.assert(
      fc.property(redactor, value, (one, any) => {
        const once = at(one).value(any)
        expect(at(one).value(once)).toEqual(once)
      }),
    )
    fc.assert(
      fc.property(
        redactor,
        fc.dictionary(text, fc.oneof(text, fc.array(text))),
        (one, attributes) => {
          const once = at(one).attributes(attributes)
          expect(at(one).attributes(once)).toEqual(once)
        },
      ),
    )
  })

  it('mended twice is mended once, well-formed and within its cap', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 80 }), (s, cap) => {
        for (const mend of [mendName, mendText]) {
          const { text: once } = mend(s, cap)
          expect(mend(once, cap)).toEqual({ text: once, flags: [] })
          expect(once.isWellFormed()).toBe(true)
          expect(Buffer.byteLength(JSON.stringify(once)) - 2).toBeLessThanOrEqual(cap)
        }
      }),
    )
  })

  it('the shape is the same for keys in any order, and carries no content', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ minLength: 9 })),
        (object) => {
          const turned = Object.fromEntries(Object.entries(object).reverse())
          const shape = shapeText(object)
          expect(shapeText(turned)).toBe(shape)
          for (const content of Object.values(object)) expect(shape).not.toContain(content)
        },
      ),
    )
  })

  it('flags are known ones, ascending', () => {
    fc.assert(
      fc.property(value, (any) => {
        const { flags } = observeValue(any, 3)
        expect(OBSERVED_FLAGS).toEqual(expect.arrayContaining([...flags]))
        expect(flags).toEqual([...new Set(flags)].sort())
      }),
    )
  })
})

describe('a planted secret never survives', () => {
  const surroundings = fc.tuple(text, boundary, fc.constantFrom(...PLANTED_SECRETS), boundary, text)

  /** Text around it may hold the secret by itself; that one need not be alone. */
  function survives(out: string, secret: string, around: readonly string[]): boolean {
    const escaped = (part: string): string => JSON.stringify(part).slice(1, -1)
    return (
      out.includes(secret) &&
      !around.some((part) => part.includes(secret) || escaped(part).includes(secret))
    )
  }

  it('in texts', () => {
    fc.assert(
      fc.property(
        redactor,
        surroundings,
        (one, [before, left, { secret, carrier }, right, behind]) => {
          expect(
            survives(at(one).text(before + left + carrier + right + behind), secret, [
              before,
              behind,
            ]),
          ).toBe(false)
        },
      ),
    )
  })

  it('in values at any depth', () => {
    const path = fc.array(fc.oneof(fc.constant(undefined), fc.stringMatching(/^[a-z]{1,6}$/)), {
      maxLength: 8,
    })
    fc.assert(
      fc.property(
        redactor,
        surroundings,
        path,
        (one, [before, left, { secret, carrier }, right, behind], keys) => {
          let nested: unknown = before + left + carrier + right + behind
          for (const key of keys) nested = key === undefined ? [nested, nested] : { [key]: nested }
          const out = at(one).value(nested)
          expect(
            survives(JSON.stringify(out), JSON.stringify(secret).slice(1, -1), [before, behind]),
          ).toBe(false)
        },
      ),
    )
  })

  it('as a value under a secret name, or as a name', () => {
    const names = fc.constantFrom(
      'password',
      'apiKey',
      'X-Auth-Token',
      'db.secret',
      'user_password',
    )
    fc.assert(
      fc.property(redactor, names, fc.string({ minLength: 12 }), (one, name, secret) => {
        const escaped = JSON.stringify(`§${secret}§`).slice(1, -1)
        const value = { list: [{ [name]: `§${secret}§` }], [name]: [`§${secret}§`] }
        expect(JSON.stringify(at(one).value(value))).not.toContain(escaped)
        expect(JSON.stringify(at(one).attributes({ [`a.${name}`]: `§${secret}§` }))).not.toContain(
          escaped,
        )
      }),
    )
    fc.assert(
      fc.property(redactor, fc.constantFrom(...PLANTED_SECRETS), (one, { secret, carrier }) => {
        const escaped = JSON.stringify(secret).slice(1, -1)
        expect(JSON.stringify(at(one).value({ [carrier]: 1 }))).not.toContain(escaped)
      }),
    )
  })

  it('in attributes of any name', () => {
    const names = fc.oneof(
      fc.constantFrom(
        'note',
        'url.full',
        'http.url',
        'exception.message',
        'gen_ai.input.messages',
        'x.y',
      ),
      text,
    )
    fc.assert(
      fc.property(
        redactor,
        names,
        surroundings,
        (one, name, [before, left, planted, right, behind]) => {
          const carrier = before + left + planted.carrier + right + behind
          const out = at(one).attributes({ [name]: carrier, list: [carrier, 'x'] })
          expect(
            survives(JSON.stringify(out), JSON.stringify(planted.secret).slice(1, -1), [
              before,
              behind,
              name,
            ]),
          ).toBe(false)
        },
      ),
    )
  })

  it('in errors', () => {
    fc.assert(
      fc.property(
        redactor,
        surroundings,
        (one, [before, left, { secret, carrier }, right, behind]) => {
          const message = before + left + carrier + right + behind
          const out = at(one).error({ type: message, message, code: message, stack: message })
          expect(
            survives(JSON.stringify(out), JSON.stringify(secret).slice(1, -1), [before, behind]),
          ).toBe(false)
        },
      ),
    )
  })
})

/** Beginnings that a scanner could look at over and over. */
const HOSTILE = [
  ...[
    '@',
    'a@',
    'a@b.',
    '1',
    '1 ',
    '1-',
    '12-34',
    '4111 ',
    '+1',
    '(',
    '-',
    '--',
    '- ',
    'a',
    'a.',
    'A1',
  ],
  ...[
    'AB12 ',
    'DE89',
    ':',
    '=',
    '::',
    '://',
    '://a:',
    '://a:b/',
    '//',
    '\\',
    '"',
    '\\"',
    "'",
    '`',
    '%',
  ],
  ...[
    '%40',
    '%3D',
    '%22',
    '[',
    '[REDACTED:',
    '{',
    '{"a":',
    'password=',
    'password="',
    "password='",
  ],
  ...[
    'password=\\"',
    'password=[',
    'password={',
    'card=',
    'card="',
    'card=[',
    'token=a,',
    'token: ',
  ],
  ...['invalid token: ', 'Authorization:', 'Authorization: Basic ', 'cookie: a=b', 'cookie:x:'],
  ...[
    '?sig=',
    '&sig=a',
    '--token ',
    '--token',
    'is ',
    ' is ',
    "the password is '",
    'password is a ',
  ],
  ...['Bearer ', 'Bearer a', 'Basic YTpi', 'eyJaaaaaaaaaa.', 'eyJ', '-sk-', 'sk-aaaaaaaaaaaaaaaa'],
  ...[`AKIA${'A'.repeat(16)}`, `AKIA${'A'.repeat(16)}.`, 'A1b2C3d4E5f6G7h8I9j0/', '-----BEGIN '],
  ...[
    '-----BEGIN PRIVATE KEY-----',
    '-----END ',
    '../',
    '<a ',
    "' or ",
    '; ',
    '`curl a',
    '{{',
    '{{a',
  ],
  ...[
    'ignore all ',
    'ignore ',
    'do not tell ',
    '\n#',
    '\u0000',
    '\u{e0020}',
    'é',
    'phone 1',
    'ssn 1-',
  ],
]

/** Processor time of the quickest of some runs, in milliseconds. */
function cost(run: () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 2; i++) {
    const start = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(start)
    best = Math.min(best, (user + system) / 1_000)
  }
  return best
}

describe('cost grows with the length', () => {
  const SHORT = 8_192
  const LONG = 4 * SHORT
  /** Below this nothing is worth a doubt, and clocks are coarse. */
  const CHEAP_MILLIS = 60
  /** Linear is 4, quadratic 16. */
  const GROWTH_MAX = 9

  const scans: readonly (readonly [name: string, scan: (text: string) => unknown])[] = [
    ['text', (s) => at(0).text(s)],
    ['text with addresses', (s) => at(1).text(s)],
    ['value', (s) => at(0).value({ [s]: [s] })],
    ['observeValue', (s) => observeValue(s, s.length)],
    ['mendName', (s) => mendName(s)],
    ['isSecretKey', (s) => isSecretKey(s)],
  ]

  it.each(scans)('%s', (_, scan) => {
    for (const start of HOSTILE) {
      const long = start.repeat(LONG / start.length)
      let dear = cost(() => scan(long))
      if (dear < CHEAP_MILLIS) continue
      const short = start.repeat(SHORT / start.length)
      let cheap = cost(() => scan(short))
      // What looks dear on a busy machine is measured again: the quickest of more runs is nearer to it.
      for (let again = 0; again < 5 && dear >= GROWTH_MAX * cheap; again++) {
        dear = Math.min(
          dear,
          cost(() => scan(long)),
        )
        cheap = Math.min(
          cheap,
          cost(() => scan(short)),
        )
      }
      const growth = dear / cheap
      expect({ start, tooMuch: growth >= GROWTH_MAX && growth }).toEqual({ start, tooMuch: false })
    }
  })
})

function deepFrozen<T>(any: T): T {
  if (typeof any === 'object' && any !== null) {
    for (const inner of Object.values(any)) deepFrozen(inner)
    Object.freeze(any)
  }
  return any
}

function fail(): never {
  throw new Error('hostile')
}
