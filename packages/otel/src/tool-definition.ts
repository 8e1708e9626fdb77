// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Authorization, Block, ToolRef } from '@spanseal/core'
import { block } from '@spanseal/core'
import { notRequired } from './authorize.ts'
import {
  assertBoolean,
  assertFunction,
  assertId,
  assertKnownKeys,
  assertName,
  assertOneOf,
  assertTexts,
  decimalText,
  refuse,
} from './guards.ts'
import type { OutsideNames } from './outside-names.ts'
import { isPermission } from './permission.ts'
import type { RiskClass } from './risk-policies.ts'
import { RISK_CLASSES } from './risk-policies.ts'

/**
 * What a tool is, said once where it is registered and never by the caller of a single call.
 *
 * @typeParam A the tool's arguments
 */
export interface ToolDefinition<A extends readonly unknown[] = readonly unknown[]> {
  /** 1 to 256 bytes, no control characters. */
  readonly name: string
  /** Default `unspecified`. */
  readonly version?: string
  /** Who made it; default `unattributed`. */
  readonly publisher?: string
  /** For instance `gold`; default `unverified`. */
  readonly trustLevel?: string
  /** 0 to 100, up to nine decimals. */
  readonly verificationScore?: number
  /** Default `function`. */
  readonly type?: 'function' | 'extension' | 'datastore'
  /** The server that hosts it, for instance an MCP server's name. */
  readonly server?: string
  /** Where the registry describes it. */
  readonly registryRef?: string
  /** Of its definition or package, for instance `sha256:…`. */
  readonly digest?: string
  /**
   * `write`: the call has side effects; `critical`: they cannot be taken back. By default the intent
   * is then on disk (`fdatasync`) before it runs, and a call whose intent cannot be put there is not
   * made. `read` (default): the intent is written before it runs, which survives the process's death,
   * and the call is made even where that fails. The audit's option `risks` decides otherwise.
   */
  readonly risk?: RiskClass
  /** What it needs: `network`, `filesystem`, `code_execution` or `data_access`, each with `:<what>`. */
  readonly permissions?: readonly string[]
  /** Adds to the task's data classifications. */
  readonly classifications?: readonly string[]
  /** Fields of an object result whose scalars stand in the record in clear (redacted). */
  readonly summary?: readonly string[]
  /** The data subjects that a call concerns; their keys then blind its commitments. */
  readonly subjects?: (...args: A) => readonly string[]
  /**
   * Whether the function returns a promise though it is no `async` function. Say so where it does: what
   * cannot be known otherwise is that the caller of a refused call expects a rejection, not an
   * exception. Unsaid, refusals are thrown until the tool has returned a promise (one of the class
   * `Promise` itself) for the first time, and are rejections from then on; and its intents are synced
   * while the caller is held up.
   */
  readonly async?: boolean
}

/** A definition checked and ready for records. */
export interface RegisteredTool {
  readonly definition: ToolDefinition
  readonly tool: Block<ToolRef>
  readonly permissions: readonly string[]
  /** Where no authorize hook is asked. */
  readonly unasked: Authorization
  readonly risk: RiskClass
}

const KEYS = [
  'name',
  'version',
  'publisher',
  'trustLevel',
  'verificationScore',
  'type',
  'server',
  'registryRef',
  'digest',
  'risk',
  'permissions',
  'classifications',
  'summary',
  'subjects',
  'async',
] as const satisfies readonly (keyof ToolDefinition)[]
const PERMISSIONS_MAX = 16
const SUMMARY_FIELDS_MAX = 32

/**
 * Checks a definition.
 *
 * @throws AuditError `INVALID_OPTION` for an unknown field or an unusable value
 */
export function registerTool(definition: ToolDefinition): RegisteredTool {
  assertKnownKeys('tool', definition, KEYS)
  assertName('tool.name', definition.name)
  assertOneOf('tool.type', definition.type ?? 'function', ['function', 'extension', 'datastore'])
  assertOneOf('tool.risk', definition.risk ?? 'read', RISK_CLASSES)
  if (definition.async !== undefined) assertBoolean('tool.async', definition.async)
  if (definition.subjects !== undefined) assertFunction('tool.subjects', definition.subjects)
  const permissions = permissionsOf(definition)
  const tool: ToolRef = {
    ...optionalNames(definition),
    name: definition.name,
    publisher: named('tool.publisher', definition.publisher, 'unattributed'),
    trust_level: named('tool.trustLevel', definition.trustLevel, 'unverified'),
    type: definition.type ?? 'function',
    version: named('tool.version', definition.version, 'unspecified'),
  }
  return {
    definition: { ...definition, ...listsOf(definition) },
    tool: block(tool),
    permissions,
    unasked: notRequired(permissions),
    risk: definition.risk ?? 'read',
  }
}

function permissionsOf({ permissions = [] }: ToolDefinition): readonly string[] {
  const expected =
    'at most 16 of network, filesystem, code_execution or data_access, each alone or with ":<what>"'
  if (!Array.isArray(permissions)) refuse('tool.permissions', permissions, expected)
  const list = permissions as readonly string[]
  const wrong = list.find((permission) => !isPermission(permission))
  if (wrong !== undefined || list.length > PERMISSIONS_MAX) {
    refuse('tool.permissions', wrong ?? list.length, expected)
  }
  return [...list]
}

/** Copies: who changes a definition later does not change what records say. */
function listsOf({ classifications, summary }: ToolDefinition): Partial<ToolDefinition> {
  if (summary !== undefined && summary.length > SUMMARY_FIELDS_MAX) {
    refuse('tool.summary', `${summary.length} fields`, `at most ${SUMMARY_FIELDS_MAX}`)
  }
  return {
    ...(classifications && {
      classifications: assertTexts('tool.classifications', classifications),
    }),
    ...(summary && { summary: assertTexts('tool.summary', summary, assertField) }),
  }
}

/** Names that JSON must escape are refused: V8 misreads such keys (nodejs/node#63785). */
function assertField(option: string, field: string): string {
  if (/["\\]/.test(field)) refuse(option, field, 'a name without quotes and backslashes')
  return assertId(option, field)
}

function optionalNames(definition: ToolDefinition): Partial<ToolRef> {
  const { server, registryRef, digest, verificationScore: score } = definition
  return {
    ...(server === undefined ? {} : { server: assertName('tool.server', server) }),
    ...(registryRef === undefined
      ? {}
      : { registry_ref: assertName('tool.registryRef', registryRef) }),
    ...(digest === undefined ? {} : { digest: assertName('tool.digest', digest) }),
    ...(score === undefined
      ? {}
      : { verification_score: decimalText('tool.verificationScore', score, 100) }),
  }
}

function named(label: string, value: string | undefined, fallback: string): string {
  return value === undefined ? fallback : assertId(label, value)
}

/** A tool that this program does not define; see `Audit.outsideTool`. Never throws. */
export function outsideTool(definition: ToolDefinition, names: OutsideNames): RegisteredTool {
  let usable: ToolDefinition = { name: names.name(String(definition.name)) || 'unnamed' }
  for (const [key, value] of Object.entries(definition) as [string, unknown][]) {
    if (key === 'name') continue
    const field = { [key]: typeof value === 'string' ? names.name(value) : value }
    try {
      registerTool({ ...usable, ...field })
      usable = { ...usable, ...field }
    } catch {
      // What cannot be used is left out.
    }
  }
  return registerTool({ risk: 'write', type: 'extension', ...usable })
}
