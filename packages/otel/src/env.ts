// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { AuditBudget, AuditOptions, OtlpEndpoint } from './options.ts'
import type { RiskPolicy } from './risk-policies.ts'
import { RISK_CLASSES } from './risk-policies.ts'

type Env = Readonly<Record<string, string | undefined>>

/**
 * Options from environment variables alone: OpenTelemetry's where it has them
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/), `SPANSEAL_*`
 * for the rest.
 *
 * @throws AuditError `INVALID_OPTION` naming the variable
 */
export function optionsFromEnv(env: Env): AuditOptions {
  const resource = keyValues('OTEL_RESOURCE_ATTRIBUTES', env['OTEL_RESOURCE_ATTRIBUTES'])
  const name = env['OTEL_SERVICE_NAME'] || resource['service.name'] || 'unknown_service:node'
  const agentId = env['SPANSEAL_AGENT_ID']
  return {
    service: {
      name,
      ...optional('version', resource['service.version']),
      ...optional('instance', resource['service.instance.id']),
    },
    journal: env['SPANSEAL_JOURNAL'] || './audit',
    deployment: {
      ...optional(
        'environment',
        resource['deployment.environment.name'] ?? resource['deployment.environment'],
      ),
      ...optional('cluster', resource['k8s.cluster.name']),
    },
    ...(agentId ? { agent: { id: agentId, ...optional('name', env['SPANSEAL_AGENT_NAME']) } } : {}),
    ...optional('keys', env['SPANSEAL_KEYS']),
    ...optional('log', env['SPANSEAL_LOG']),
    ...optional('durability', env['SPANSEAL_DURABILITY'] as AuditOptions['durability']),
    ...optional('risks', risksFromEnv(env)),
    ...optional('budget', budgetFromEnv(env)),
    ...optional('errors', env['SPANSEAL_ERRORS'] as AuditOptions['errors']),
    ...optional('identities', env['SPANSEAL_IDENTITIES'] as AuditOptions['identities']),
    ...optional('commitments', env['SPANSEAL_COMMITMENTS'] as AuditOptions['commitments']),
    ...optional('vault', vaultFromEnv(env['SPANSEAL_VAULT'])),
    ...optional('spanName', env['SPANSEAL_SPAN_NAME'] as AuditOptions['spanName']),
    ...optional('otlp', endpointFromEnv(env)),
    ...optional('shutdownTimeoutMillis', numberOf(env['SPANSEAL_SHUTDOWN_TIMEOUT_MILLIS'])),
  }
}

function optional<K extends string, V>(key: K, value: V | undefined | ''): { [P in K]?: V } {
  return (value === undefined || value === '' ? {} : { [key]: value }) as { [P in K]?: V }
}

/** `on`, or the folder; `off` and nothing: none. */
function vaultFromEnv(text: string | undefined): AuditOptions['vault'] {
  if (!text || text === 'off') return undefined
  return text === 'on' ? true : { folder: text }
}

/** `SPANSEAL_FAIL_MODE_WRITE=open`, `SPANSEAL_DURABILITY_CRITICAL=group` and so on. */
function risksFromEnv(env: Env): AuditOptions['risks'] {
  const risks = RISK_CLASSES.flatMap((risk) => {
    const failMode = env[`SPANSEAL_FAIL_MODE_${risk.toUpperCase()}`]
    const durability = env[`SPANSEAL_DURABILITY_${risk.toUpperCase()}`]
    if (!failMode && !durability) return []
    return [
      [
        risk,
        {
          ...optional('failMode', failMode as RiskPolicy['failMode']),
          ...optional('durability', durability as RiskPolicy['durability']),
        },
      ],
    ]
  })
  return risks.length === 0 ? undefined : (Object.fromEntries(risks) as AuditOptions['risks'])
}

function budgetFromEnv(env: Env): AuditOptions['budget'] {
  const sinks = env['SPANSEAL_BUDGET_SINKS']
  const budget = {
    ...optional('bytesMax', numberOf(env['SPANSEAL_BUDGET_BYTES_MAX'])),
    ...optional('freeBytesMin', numberOf(env['SPANSEAL_BUDGET_FREE_BYTES_MIN'])),
    ...optional('policy', env['SPANSEAL_BUDGET_POLICY'] as AuditBudget['policy']),
    ...optional(
      'sinks',
      sinks?.split(',').map((name) => name.trim()),
    ),
  }
  return Object.keys(budget).length === 0 ? undefined : budget
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text)
}

function endpointFromEnv(env: Env): OtlpEndpoint | undefined {
  const own = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']
  const url = own || env['OTEL_EXPORTER_OTLP_ENDPOINT']
  if (!url || env['OTEL_TRACES_EXPORTER'] === 'none') return undefined
  const variable = env['OTEL_EXPORTER_OTLP_TRACES_HEADERS']
    ? 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'
    : 'OTEL_EXPORTER_OTLP_HEADERS'
  // The variable for traces alone names the whole address.
  return { url, headers: keyValues(variable, env[variable]), ...(own ? { exact: true } : {}) }
}

// A key that is no token is a value whose `=` is missing.
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/ // RFC 9110 §5.6.2

/** `a=1,b=2` with percent-encoded values, as W3C Baggage. */
function keyValues(variable: string, text: string | undefined): Record<string, string> {
  const pairs: Record<string, string> = {}
  for (const member of (text ?? '').split(',').filter((part) => part.trim() !== '')) {
    const at = member.indexOf('=')
    try {
      if (!TOKEN.test(member.slice(0, Math.max(at, 0)).trim())) throw new URIError()
      pairs[member.slice(0, at).trim()] = decodeURIComponent(member.slice(at + 1).trim())
    } catch {
      // The values may be secrets: the message names the variable only.
      throw new AuditError(
        'INVALID_OPTION',
        `${variable}: a part is not <key>=<percent-encoded value>`,
        {
          details: { option: variable },
        },
      )
    }
  }
  return pairs
}
