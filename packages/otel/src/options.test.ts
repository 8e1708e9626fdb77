// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { aFolder } from './audit.fixture.ts'
import { createAudit } from './audit.ts'
import { optionsFromEnv } from './env.ts'
import type { AuditOptions } from './options.ts'
import { resolveOptions } from './resolve-options.ts'

const usable = { service: { name: 's' }, journal: './audit' }

function refusal(options: object): AuditError {
  try {
    resolveOptions({ ...usable, ...options } as AuditOptions)
  } catch (error) {
    if (error instanceof AuditError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

const sink = { name: 'a', deliver: async () => {}, close: async () => {} }

describe('an unusable option is refused by its name, with the value and what to give', () => {
  it.each([
    ['service.name', { service: { name: '' } }],
    ['service.name', { service: {} }],
    ['service', { service: null }],
    ['service.nam', { service: { name: 's', nam: 'x' } }],
    ['service.version', { service: { name: 's', version: 7 } }],
    ['service.instance', { service: { name: 's', instance: 'a\nb' } }],
    ['agent.id', { agent: {} }],
    ['agent.id', { agent: { id: 'unattributed' } }],
    ['agent.name', { agent: { id: 'a', name: '' } }],
    ['journal', { journal: '' }],
    ['journal', { journal: undefined }],
    ['keys', { keys: '' }],
    ['log', { log: 'Not A Log' }],
    ['durability', { durability: 'fsync' }],
    ['risks.writ', { risks: { writ: {} } }],
    ['risks.write', { risks: { write: null } }],
    ['risks.write.mode', { risks: { write: { mode: 'open' } } }],
    ['risks.write.failMode', { risks: { write: { failMode: 'shut' } } }],
    ['risks.read.durability', { risks: { read: { durability: 'every' } } }],
    ['risks.write.durability', { durability: 'none', risks: { write: { durability: 'group' } } }],
    ['risks.critical.durability', { risks: { critical: { durability: 'remote' } } }],
    ['remoteSink', { remoteSink: 'b', sinks: [sink] }],
    ['remoteSink', { remoteSink: 'b' }],
    ['remoteTimeoutMillis', { remoteTimeoutMillis: 0 }],
    ['budget', { budget: 5 }],
    ['budget.bytes', { budget: { bytes: 5 } }],
    ['budget.bytesMax', { budget: { bytesMax: 1_000 } }],
    ['budget.freeBytesMin', { budget: { freeBytesMin: -1 } }],
    ['budget.policy', { budget: { policy: 'delete' } }],
    ['budget.policy', { budget: { policy: 'make-room' } }],
    ['budget.sinks', { budget: { policy: 'make-room', sinks: ['A b'] } }],
    ['deployment.environment', { deployment: { environment: 'x'.repeat(129) } }],
    ['deployment.region', { deployment: { region: 'eu' } }],
    ['otlp', { otlp: 'localhost:4318' }],
    ['otlp', { otlp: ['http://a', 'ftp://b'] }],
    ['otlp', { otlp: 7 }],
    ['otlp.header', { otlp: { url: 'http://a', header: {} } }],
    ['otlp.exact', { otlp: { url: 'http://a', exact: 'yes' } }],
    ['otlp.headers.x', { otlp: { url: 'http://a', headers: { x: 7 } } }],
    ['sinks', { sinks: sink }],
    ['sinks', { sinks: [null] }],
    ['sinks', { sinks: [{ ...sink, name: 'Not Usable' }] }],
    ['sinks', { sinks: [{ ...sink, close: undefined }] }],
    ['sinks', { sinks: [sink, sink] }],
    ['authorize', { authorize: true }],
    ['errors', { errors: 'clear' }],
    ['identities', { identities: 'hashed' }],
    ['commitments', { commitments: 'md5' }],
    ['spanName', { spanName: 'short' }],
    ['foreign.scope', { foreign: { scope: [] } }],
    ['foreign.genAi', { foreign: { genAi: 1 } }],
    ['foreign.scopes', { foreign: { scopes: 'x' } }],
    ['toolFolders', { toolFolders: './work' }],
    ['retention.policy', { retention: {} }],
    ['retention.policyRev', { retention: { policy: 'p', policyRev: 1.5 } }],
    ['shutdownTimeoutMillis', { shutdownTimeoutMillis: 0 }],
    ['shutdownTimeoutMillis', { shutdownTimeoutMillis: Number.NaN }],
    ['shutdownTimeoutMillis', { shutdownTimeoutMillis: 2 ** 31 }],
    ['shutdownTimeoutMillis', { shutdownTimeoutMillis: '5' }],
    ['now', { now: 7 }],
    ['now', { now: () => Number.NaN }],
    ['monoNanos', { monoNanos: 7 }],
    [
      'now',
      {
        now: () => {
          throw new Error('no clock')
        },
      },
    ],
    ['options.jurnal', { jurnal: './audit' }],
  ])('%s: %j', (option, options) => {
    const error = refusal(options)
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.details.option ?? '').toBe(option)
    expect(error.message).toContain(option)
    expect(error.message.length).toBeGreaterThan(option.length + 20)
  })

  it('redaction options are refused before anything is made', () => {
    const journal = join(aFolder(), 'audit')
    const redaction = { keyWord: ['x'] } as object
    expect(() => createAudit({ service: { name: 's' }, journal, redaction })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        details: { option: 'redaction.keyWord' },
      }) as Error,
    )
    expect(existsSync(journal)).toBe(false)
  })

  it('an address or header that may hold a password is not repeated', () => {
    expect(refusal({ otlp: 'user:hunter2@host' }).message).not.toContain('hunter2')
    expect(
      refusal({ otlp: { url: 'http://a', headers: { a: ['hunter2'] } } }).message,
    ).not.toContain('hunter2')
  })
})

it('defaults: the agent is the service, the log is named after it', () => {
  expect(resolveOptions({ service: { name: 'Support Agent' }, journal: './audit' })).toMatchObject({
    agent: { id: 'Support Agent' },
    log: 'localhost/support-agent',
    durability: 'interval',
    environment: 'unspecified',
    endpoints: [],
    sinks: [],
    shutdownTimeoutMillis: 10_000,
  })
})

describe('policies of risk classes', () => {
  const policies = (options: object) =>
    resolveOptions({ ...usable, ...options } as AuditOptions).policies

  it('default: what reads is open, what has effects is closed and on disk', () => {
    expect(policies({})).toEqual({
      read: {
        failMode: 'open',
        durability: 'interval',
        waitsForDisk: false,
        waitsForSink: false,
      },
      write: { failMode: 'closed', durability: 'group', waitsForDisk: true, waitsForSink: false },
      critical: {
        failMode: 'closed',
        durability: 'group',
        waitsForDisk: true,
        waitsForSink: false,
      },
    })
  })

  it.each([
    // The audit's durability, the class's, and what the tool waits for.
    ['none', 'interval', false, false],
    ['none', 'remote', false, true],
    ['interval', 'interval', false, false],
    ['interval', 'group', true, false],
    ['interval', 'remote', true, true],
    ['group', 'interval', true, false],
    ['group', 'group', true, false],
    ['group', 'remote', true, true],
    ['every', 'interval', false, false],
    ['every', 'group', false, false],
    ['every', 'remote', false, true],
  ])('%s and %s', (general, durability, waitsForDisk, waitsForSink) => {
    const options = { durability: general, risks: { write: { durability } }, sinks: [sink] }
    expect(policies(options).write).toMatchObject({ waitsForDisk, waitsForSink })
  })

  it('under none every class is only written, and stays closed or open', () => {
    expect(policies({ durability: 'none' }).write).toMatchObject({
      failMode: 'closed',
      durability: 'interval',
      waitsForDisk: false,
    })
  })

  it('remote waits for the first sink, or the one that is named', () => {
    const sinks = [sink, { ...sink, name: 'b' }]
    expect(resolveOptions({ ...usable, sinks }).remoteSink).toBe('a')
    expect(resolveOptions({ ...usable, sinks, remoteSink: 'b' }).remoteSink).toBe('b')
  })
})

describe('options from the environment', () => {
  it('without any variable: the journal in ./audit, an unknown service', () => {
    expect(optionsFromEnv({})).toEqual({
      service: { name: 'unknown_service:node' },
      journal: './audit',
      deployment: {},
    })
  })

  it('reads OpenTelemetry’s variables where it has them', () => {
    expect(
      optionsFromEnv({
        OTEL_SERVICE_NAME: 'svc',
        OTEL_RESOURCE_ATTRIBUTES:
          'service.name=other,service.version=1.2%2C3,service.instance.id=i-1,deployment.environment=prod,k8s.cluster.name=c',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x, tenant = t ',
      }),
    ).toEqual({
      service: { name: 'svc', version: '1.2,3', instance: 'i-1' },
      journal: './audit',
      deployment: { environment: 'prod', cluster: 'c' },
      otlp: { url: 'http://collector:4318', headers: { authorization: 'Bearer x', tenant: 't' } },
    })
  })

  it('the variables for traces alone win, and their address is the whole one', () => {
    expect(
      optionsFromEnv({
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all:4318',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:4318/in',
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=1',
        OTEL_EXPORTER_OTLP_HEADERS: 'a=2',
      }).otlp,
    ).toEqual({ url: 'http://traces:4318/in', headers: { a: '1' }, exact: true })
  })

  it('OTEL_TRACES_EXPORTER=none sends no spans', () => {
    const env = { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all:4318' }
    expect(optionsFromEnv(env)).not.toHaveProperty('otlp')
  })

  it('reads SPANSEAL_* for the rest', () => {
    const options = optionsFromEnv({
      SPANSEAL_JOURNAL: '/var/audit',
      SPANSEAL_KEYS: '/etc/keys',
      SPANSEAL_LOG: 'example.com/agents',
      SPANSEAL_DURABILITY: 'group',
      SPANSEAL_ERRORS: 'redacted',
      SPANSEAL_IDENTITIES: 'clear',
      SPANSEAL_COMMITMENTS: 'sha256',
      SPANSEAL_SPAN_NAME: 'tool',
      SPANSEAL_SHUTDOWN_TIMEOUT_MILLIS: '500',
      SPANSEAL_AGENT_ID: 'agent-1',
      SPANSEAL_AGENT_NAME: 'Agent',
      SPANSEAL_FAIL_MODE_READ: 'closed',
      SPANSEAL_FAIL_MODE_WRITE: 'open',
      SPANSEAL_DURABILITY_WRITE: 'interval',
      SPANSEAL_BUDGET_BYTES_MAX: '2000000',
      SPANSEAL_BUDGET_FREE_BYTES_MIN: '0',
      SPANSEAL_BUDGET_POLICY: 'make-room',
      SPANSEAL_BUDGET_SINKS: 'kafka, archive',
    })
    expect(options).toEqual({
      risks: { read: { failMode: 'closed' }, write: { failMode: 'open', durability: 'interval' } },
      budget: {
        bytesMax: 2_000_000,
        freeBytesMin: 0,
        policy: 'make-room',
        sinks: ['kafka', 'archive'],
      },
      service: { name: 'unknown_service:node' },
      agent: { id: 'agent-1', name: 'Agent' },
      journal: '/var/audit',
      deployment: {},
      keys: '/etc/keys',
      log: 'example.com/agents',
      durability: 'group',
      errors: 'redacted',
      identities: 'clear',
      commitments: 'sha256',
      spanName: 'tool',
      shutdownTimeoutMillis: 500,
    })
    expect(resolveOptions(options).log).toBe('example.com/agents')
  })

  it('what is unusable is refused, naming variable or option and no secret', () => {
    const error = (env: Record<string, string>): AuditError => {
      try {
        resolveOptions(optionsFromEnv(env))
      } catch (thrown) {
        return thrown as AuditError
      }
      throw new Error('nothing was refused')
    }
    expect(error({ OTEL_RESOURCE_ATTRIBUTES: 'novalue' }).message).toContain(
      'OTEL_RESOURCE_ATTRIBUTES',
    )
    expect(error({ SPANSEAL_DURABILITY: 'all' }).details.option).toBe('durability')
    expect(error({ SPANSEAL_FAIL_MODE_WRITE: 'no' }).details.option).toBe('risks.write.failMode')
    expect(error({ SPANSEAL_BUDGET_BYTES_MAX: 'x' }).details.option).toBe('budget.bytesMax')
    expect(error({ SPANSEAL_SHUTDOWN_TIMEOUT_MILLIS: 'soon' }).details.option).toBe(
      'shutdownTimeoutMillis',
    )
    const headers = error({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a',
      OTEL_EXPORTER_OTLP_HEADERS: 'hunter%2',
    })
    expect(headers.message).not.toContain('hunter')
  })
})
