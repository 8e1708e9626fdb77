// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { schemaFile, validatorModule } from '../generate/validator.ts'
import { canonicalByteLength } from './canonical.ts'
import type { EventType } from './record.ts'
import { EVENT_TYPES, RECORD_BYTES_MAX } from './record.ts'
import { completeRecords, minimalRecords } from './record-samples.fixture.ts'
import { recordSchema } from './record-schema.ts'
import { validateRecord } from './validate.generated.ts'
import { schemaViolation } from './validate-record.ts'

interface Node {
  readonly $ref?: string
  readonly anyOf?: readonly Node[]
  readonly const?: unknown
  readonly enum?: readonly string[]
  readonly items?: Node
  readonly maxCanonicalBytes?: number
  readonly maxItems?: number
  readonly maxLength?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, Node>>
  readonly required?: readonly string[]
  readonly type?: string | readonly string[]
}

const defs = recordSchema['$defs'] as Readonly<Record<string, Node>>

function resolve(node: Node): Node {
  return node.$ref === undefined ? node : resolve(defs[node.$ref.slice('#/$defs/'.length)] as Node)
}

/** All paths of keys that the schema allows (or requires) below a node. */
function schemaPaths(unresolved: Node, which: 'all' | 'required', at = ''): readonly string[] {
  const node = resolve(unresolved)
  if (node.anyOf !== undefined) {
    return which === 'all' ? node.anyOf.flatMap((one) => schemaPaths(one, which, at)) : []
  }
  if (node.properties === undefined && node.maxCanonicalBytes !== undefined) return []
  if (node.items !== undefined) {
    return which === 'all' ? schemaPaths(node.items, which, `${at}[]`) : []
  }
  return Object.entries(node.properties ?? {})
    .filter(([key]) => which === 'all' || node.required?.includes(key))
    .flatMap(([key, inner]) => [`${at}/${key}`, ...schemaPaths(inner, which, `${at}/${key}`)])
}

/** All paths of keys in a value; the user's own keys are none of ours. */
function valuePaths(value: unknown, at = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  if (at === '/ext' || at.endsWith('/summary/fields')) return []
  if (Array.isArray(value)) return value.flatMap((item) => valuePaths(item, `${at}[]`))
  return Object.entries(value).flatMap(([key, inner]) => [
    `${at}/${key}`,
    ...valuePaths(inner, `${at}/${key}`),
  ])
}

function sorted(paths: readonly string[]): readonly string[] {
  return [...new Set(paths)].sort()
}

/** The most bytes that a value of a schema can take in a line. */
function maxBytes(unresolved: Node): number {
  const node = resolve(unresolved)
  if (node.anyOf !== undefined) return Math.max(...node.anyOf.map(maxBytes))
  if (node.const !== undefined) return JSON.stringify(node.const).length
  if (node.enum !== undefined) return Math.max(...node.enum.map((v) => JSON.stringify(v).length))
  switch (node.type) {
    case 'string':
      return 2 + (node.maxCanonicalBytes ?? need(node.maxLength))
    case 'boolean':
      return 'false'.length
    case 'integer':
      return String(need(node.maximum)).length
    case 'array':
      return 2 + need(node.maxItems) * (1 + maxBytes(node.items as Node))
    case 'object':
      if (node.maxCanonicalBytes !== undefined) return node.maxCanonicalBytes
      return Object.entries(node.properties ?? {}).reduce(
        (sum, [key, inner]) => sum + `"${key}":,`.length + maxBytes(inner),
        2,
      )
    default:
      throw new Error(`no bound for ${JSON.stringify(node)}`)
  }
}

function need(bound: number | undefined): number {
  if (bound === undefined) throw new Error('a text, number or list without a bound')
  return bound
}

describe.each(EVENT_TYPES)('%s', (type: EventType) => {
  const complete = completeRecords().map((records) => records[type])
  const minimal = minimalRecords()[type]
  const schema = defs[type] as Node

  test('complete records validate and have exactly the keys of the schema', () => {
    for (const record of complete) expect(schemaViolation(record)).toBeUndefined()
    expect(sorted(complete.flatMap((record) => valuePaths(record)))).toEqual(
      sorted(schemaPaths(schema, 'all')),
    )
  })

  test('the minimal record validates and has exactly the required keys', () => {
    expect(schemaViolation(minimal)).toBeUndefined()
    expect(sorted(valuePaths(minimal))).toEqual(sorted(schemaPaths(schema, 'required')))
  })

  test('the longest record fits into a line', () => {
    const most = maxBytes(schema)
    expect(most).toBeLessThanOrEqual(RECORD_BYTES_MAX)
    for (const record of complete) expect(canonicalByteLength(record)).toBeLessThan(most)
  })

  test('no required key may be missing, at any depth', () => {
    for (const path of schemaPaths(schema, 'required')) {
      expect(schemaViolation(without(minimal, path))).toEqual({
        path: path.slice(0, path.lastIndexOf('/')),
        rule: `lacks "${path.slice(path.lastIndexOf('/') + 1)}"`,
      })
    }
  })

  test('no key of a commitment may be missing', () => {
    for (const record of complete) {
      const keys = valuePaths(record).filter((path) => COMMITMENT_KEY.test(path))
      expect(keys.filter((path) => validateRecord(without(record, path)))).toEqual([])
    }
  })

  test('no unknown key may be present, at any depth', () => {
    for (const record of complete) {
      const objects = ['', ...valuePaths(record)].filter((path) => isClosedObject(record, path))
      expect(objects.filter((path) => validateRecord(withKey(record, path, 'more')))).toEqual([])
    }
  })
})

const COMMITMENT_KEY = /\/(alg|c|enc|kid|commitment|cut)$/

function steps(path: string): readonly string[] {
  return path.replaceAll('[]', '/0').split('/').slice(1)
}

function at(value: unknown, path: string): unknown {
  return steps(path).reduce((inner, key) => (inner as Record<string, unknown>)[key], value)
}

function isClosedObject(record: unknown, path: string): boolean {
  const value = at(record, path)
  if (path === '/ext' || path.endsWith('/summary/fields')) return false
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function without(record: unknown, path: string): unknown {
  const copy: unknown = structuredClone(record)
  const last = path.lastIndexOf('/')
  delete (at(copy, path.slice(0, last)) as Record<string, unknown>)[path.slice(last + 1)]
  return copy
}

function withKey(record: unknown, path: string, key: string): unknown {
  const copy: unknown = structuredClone(record)
  ;(at(copy, path) as Record<string, unknown>)[key] = 'x'
  return copy
}

describe('caps and forms', () => {
  const toolEnd = completeRecords()[0]?.['tool.end']

  function change(path: string, value: unknown): unknown {
    const copy: unknown = structuredClone(toolEnd)
    const last = path.lastIndexOf('/')
    ;(at(copy, path.slice(0, last)) as Record<string, unknown>)[path.slice(last + 1)] = value
    return copy
  }

  test.each([
    ['/actor/agent/id', 'a'.repeat(128), 'a'.repeat(129)],
    ['/actor/agent/id', 'é'.repeat(64), 'é'.repeat(65)],
    ['/actor/agent/name', '𝛼'.repeat(64), `${'𝛼'.repeat(64)}a`],
    ['/tool/name', '"'.repeat(128), '"'.repeat(129)],
    ['/tool/name', '\\'.repeat(128), '\\'.repeat(129)],
    ['/tool/name', '**bold** `x` <b>', ''],
    ['/tool/name', 'integer-like 7', 'two\nlines'],
    ['/tool/name', '7', 'tab\t'],
    ['/tool/name', 'é', 'delete\u007f'],
    ['/tool/name', '\u00a0', 'next line\u0085'],
    ['/tool/name', '\u2027', 'separator\u2028'],
    ['/tool/name', '\u202a', 'paragraph\u2029'],
    ['/actor/source', 'agent:a', 'agent:'],
    ['/actor/source', 'user', 'users'],
    ['/time/at', '2026-12-31T23:59:59.999Z', '2026-13-01T00:00:00.000Z'],
    ['/time/at', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00Z'],
    ['/time/mono_ns', '0', '01'],
    ['/time/mono_ns', '9'.repeat(19), '9'.repeat(20)],
    ['/time/mono_ns', '1', 1],
    ['/tool/verification_score', '-0.123456789', '1.'],
    ['/tool/verification_score', '999999999999999', '1e3'],
    ['/chain/seq', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER + 1],
    ['/chain/seq', 0, -1],
    ['/chain/seq', 1, 1.5],
    ['/chain/seq', 1, '1'],
    [
      '/chain/epoch',
      '019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00',
      '019A5F3C-8e2b-7c41-9d3a-5b6c7d8e9f00',
    ],
    ['/chain/log', 'example.com/a', 'Example.com'],
    ['/chain/prev', '0'.repeat(64), '0'.repeat(63)],
    [
      '/invocation/start',
      '019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00/0',
      '019a5f3c-8e2b-7c41-9d3a-5b6c7d8e9f00/00',
    ],
    ['/invocation/status', 'unknown', 'started'],
    ['/invocation/error/type', 'a.B_$9', 'a b'],
    ['/invocation/input/kid', ['0'.repeat(16), '1'.repeat(16)], ['0'.repeat(16)]],
    ['/invocation/input/kid', '0'.repeat(16), []],
    ['/invocation/input/partial', true, false],
    ['/invocation/summary/fields', { a: 'x'.repeat(4088) }, { a: 'x'.repeat(4089) }],
    ['/invocation/summary/fields', { a: null }, { a: {} }],
    ['/authorization/permissions_used', ['network'], ['network:']],
    ['/authorization/permissions_used', ['filesystem:read'], ['disk']],
    ['/context/data_classifications', Array(16).fill('a'), Array(17).fill('a')],
    ['/context/data_classifications_more', 1, 0],
    ['/ext', { a: 'x'.repeat(4088) }, { a: 'x'.repeat(4089) }],
    ['/ext', { a: '\n'.repeat(2044) }, { a: '\n'.repeat(2045) }],
    ['/ext', {}, []],
    ['/ext', { 'a/b': [{ 'é ~': [1.5, null] }] }, { a: [{ 'a"b': 1 }] }],
    ['/ext', { '': 1 }, { 'a\\b': 1 }],
    ['/ext', { '\u007f': 1 }, { a: { '\u001f': 1 } }],
    ['/invocation/summary/fields', { 'a.b': 1 }, { 'a\nb': 1 }],
    ['/v', 1, 2],
    ['/rev', 0, 1],
    ['/severity', 'critical', 'fatal'],
    ['/type', 'tool.end', 'tool.start'],
  ])('%s: %j is accepted and %j refused', (path, good, bad) => {
    expect(schemaViolation(change(path, good))).toBeUndefined()
    expect(validateRecord(change(path, bad))).toBe(false)
  })

  test.each([
    [undefined, '', 'is of another kind'],
    [null, '', 'is of another kind'],
    [[], '', 'is of another kind'],
    ['{}', '', 'is of another kind'],
    [{}, '', 'lacks "type"'],
    [{ type: 'tool.nothing' }, '', 'is of an unknown type'],
    [{ type: 'toString' }, '', 'is of an unknown type'],
  ])('%j is refused with its path and rule', (record, path, rule) => {
    expect(schemaViolation(record)).toEqual({ path, rule })
  })

  test('what is nested deeper than the stack is refused', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)
    expect(validateRecord(change('/ext', { deep }))).toBe(false)
    expect(schemaViolation(change('/ext', { deep }))).toEqual({
      path: '/ext',
      rule: 'is nested too deep',
    })
  })

  test('the violation names the place', () => {
    expect(schemaViolation(change('/invocation/input/enc', 'xml'))?.path).toBe('/invocation/input')
    expect(schemaViolation(change('/tool/name', 'a'.repeat(300)))).toEqual({
      path: '/tool/name',
      rule: 'is too long',
    })
    expect(schemaViolation(change('/tool/sürplus', 1))).toEqual({
      path: '/tool',
      rule: 'has an unknown key "sürplus"',
    })
  })
})

describe('generated files', () => {
  function committed(path: string): string {
    return readFileSync(new URL(path, import.meta.url), 'utf8')
  }

  test('are what the generator makes of the schema now', () => {
    expect(committed('../schema/record-v1.schema.json')).toBe(schemaFile())
    expect(committed('./validate.generated.ts')).toBe(validatorModule())
  })

  test('import nothing but the canonical length', () => {
    const imports = committed('./validate.generated.ts').match(/^import .*|\brequire\(.*/gm)
    expect(imports).toEqual([
      "import { canonicalByteLength } from './canonical.ts'",
      "import type { AuditRecord } from './record.ts'",
    ])
  })

  test('the shipped file holds as JSON Schema 2020-12 in a validator that ignores our keyword', () => {
    const ajv = new Ajv2020({ strict: false })
    const validate = ajv.compile(JSON.parse(committed('../schema/record-v1.schema.json')) as object)
    for (const records of completeRecords()) {
      for (const record of Object.values(records)) expect(validate(record)).toBe(true)
    }
    for (const record of Object.values(minimalRecords())) expect(validate(record)).toBe(true)
    expect(validate({ ...completeRecords()[0]?.['tool.end'], surplus: 1 })).toBe(false)
  })
})
