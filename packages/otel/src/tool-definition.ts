// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Authorization, Block, ToolRef } from '@spanseal/core'
import { block } from '@spanseal/core'
import { notRequired } from './authorize.ts'
import { assertId, assertKnownKeys, assertName, assertOneOf, refuse } from './guards.ts'
import { mendedName } from './mended-names.ts'

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
   * `write`: the call has side effects, so its intent is on disk (`fdatasync`) before it runs;
   * `read` (default): the intent is written before it runs, which survives the process's death.
   */
  readonly risk?: 'read' | 'write'
  /** What it needs: `network`, `filesystem`, `code_execution` or `data_access`, each with `:<what>`. */
  readonly permissions?: readonly string[]
  /** Adds to the task's data classifications. */
  readonly classifications?: readonly string[]
  /** Fields of an object result whose scalars stand in the record in clear (redacted). */
  readonly summary?: readonly string[]
  /** The data subjects that a call concerns; their keys then blind its commitments. */
  readonly subjects?: (...args: A) => readonly string[]
  /** Whether the function returns a promise though it is no `async` function. */
  readonly async?: boolean
}

/** A definition checked and ready for records. */
export interface RegisteredTool {
  readonly definition: ToolDefinition
  readonly tool: Block<ToolRef>
  readonly permissions: readonly string[]
  /** Where no authorize hook is asked. */
  readonly unasked: Authorization
  /** The intent has to be on disk before the tool runs. */
  readonly durable: boolean
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
const PERMISSION = /^(network|filesystem|code_execution|data_access)(:[a-z_]{1,32})?$/
const PERMISSIONS_MAX = 16

/**
 * Checks a definition.
 *
 * @throws AuditError `INVALID_OPTION` for an unknown field or an unusable value
 */
export function registerTool(definition: ToolDefinition): RegisteredTool {
  assertKnownKeys('tool', definition, KEYS)
  assertName('tool.name', definition.name)
  assertOneOf('tool.type', definition.type ?? 'function', ['function', 'extension', 'datastore'])
  assertOneOf('tool.risk', definition.risk ?? 'read', ['read', 'write'])
  const permissions = definition.permissions ?? []
  const wrong = permissions.find((p) => typeof p !== 'string' || !PERMISSION.test(p))
  if (wrong !== undefined || permissions.length > PERMISSIONS_MAX) {
    refuse(
      'tool.permissions',
      wrong ?? permissions.length,
      'at most 16 of network, filesystem, code_execution or data_access, each alone or with ":<what>"',
    )
  }
  const optional = optionalNames(definition)
  const tool: ToolRef = {
    ...optional,
    name: definition.name,
    publisher: named('tool.publisher', definition.publisher, 'unattributed'),
    trust_level: named('tool.trustLevel', definition.trustLevel, 'unverified'),
    type: definition.type ?? 'function',
    version: named('tool.version', definition.version, 'unspecified'),
  }
  return {
    definition,
    tool: block(tool),
    permissions,
    unasked: notRequired(permissions),
    durable: definition.risk === 'write',
  }
}

function optionalNames(definition: ToolDefinition): Partial<ToolRef> {
  const { server, registryRef, digest, verificationScore } = definition
  return {
    ...(server === undefined ? {} : { server: assertName('tool.server', server) }),
    ...(registryRef === undefined
      ? {}
      : { registry_ref: assertName('tool.registryRef', registryRef) }),
    ...(digest === undefined ? {} : { digest: assertId('tool.digest', digest) }),
    ...(verificationScore === undefined
      ? {}
      : { verification_score: decimalText('tool.verificationScore', verificationScore, 100) }),
  }
}

function named(label: string, value: string | undefined, fallback: string): string {
  return value === undefined ? fallback : assertId(label, value)
}

/**
 * A number as the record's decimal string: up to nine decimals, no exponent.
 *
 * @throws AuditError `INVALID_OPTION` outside 0 to `max`
 */
export function decimalText(label: string, value: number, max: number): string {
  if (typeof value !== 'number' || !(value >= 0 && value <= max)) {
    refuse(label, value, `a number from 0 to ${max}`)
  }
  const text = value.toFixed(9).replace(/\.?0+$/, '')
  return text === '' ? '0' : text
}

/** A tool that this program does not define; see `Audit.outsideTool`. Never throws. */
export function outsideTool(definition: ToolDefinition): RegisteredTool {
  const name = mendedName(definition.name) || 'unnamed'
  const { risk = 'write', type = 'extension', server } = definition
  const attempts: ToolDefinition[] = [
    { ...definition, name },
    { name, risk, type, ...(server === undefined ? {} : { server: mendedName(server) }) },
  ]
  for (const attempt of attempts) {
    try {
      return registerTool(attempt)
    } catch {
      // The next attempt says less.
    }
  }
  return registerTool({ name: 'unnamed', risk, type })
}
