// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { NeedName } from './needs.ts'

interface SuiteBase {
  readonly name: string
  /** One line for the table of CONTRIBUTING.md. */
  readonly what: string
  /** `check` runs in both loops, `test` in `npm test` only, `slow` only with SLOW=1. */
  readonly tier: 'check' | 'test' | 'slow'
  /** What the machine must have; where it is missing the suite is skipped, in CI it fails. */
  readonly need?: NeedName
  /** Why CI may skip it: privileges or kernel features that a container may lack. */
  readonly optionalInCi?: string
}

/** One command after the other, under the pinned Node; counts as one test. */
export interface StepSuite extends SuiteBase {
  /** Each a script under the repository's root and its arguments. */
  readonly steps: readonly (readonly string[])[]
}

/** A Vitest project of the same name; each of its tests counts. */
export interface FileSuite extends SuiteBase {
  readonly files: readonly string[]
  readonly without?: readonly string[]
  /** Steps that must pass before the tests can run. */
  readonly before?: readonly (readonly string[])[]
  /** Default: 10 s. Four times that in CI, ten times with SLOW=1. */
  readonly testTimeoutMillis?: number
  /** One file after the other, for suites whose servers or child processes fill the machine. */
  readonly serial?: boolean
  /**
   * Files share processes, which saves starting one and loading every module for each of them. They
   * must leave a process as they found it; `test/setup/shared-process.ts` sees to that.
   */
  readonly sharesProcesses?: boolean
}

export type Suite = StepSuite | FileSuite

const MINUTE_MILLIS = 60_000

/** All suites, in the order in which they run: what is quick to fail comes first. */
export const suites: readonly Suite[] = [
  {
    name: 'format',
    what: 'layout and order of imports (Biome)',
    tier: 'check',
    steps: [['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']],
  },
  {
    name: 'types',
    what: 'packages, tests, examples and measurements compile (`tsc -b`)',
    tier: 'check',
    steps: [['node_modules/typescript/bin/tsc', '-b']],
  },
  {
    name: 'lint',
    what: 'oxlint with type information; who may import whom',
    tier: 'check',
    steps: [['node_modules/oxlint/bin/oxlint']],
  },
  {
    name: 'unit',
    what: 'tests beside the source',
    tier: 'check',
    files: ['packages/*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts'],
    without: ['**/*.property.test.ts', '**/*.process.test.ts', '**/*.crash.test.ts'],
    sharesProcesses: true,
  },
  {
    name: 'dependencies',
    what: 'nothing imported undeclared, nothing declared unused (knip)',
    tier: 'test',
    steps: [['node_modules/knip/bin/knip.js', '--no-progress']],
  },
  {
    name: 'property',
    what: 'properties over generated input (200 runs each, 10,000 with SLOW=1)',
    tier: 'test',
    files: ['packages/*/src/**/*.property.test.ts'],
    testTimeoutMillis: MINUTE_MILLIS,
  },
  {
    name: 'processes',
    what: 'tests beside the source that start processes: the command, agents, rivals for a lock',
    tier: 'test',
    files: ['packages/*/src/**/*.process.test.ts'],
    testTimeoutMillis: MINUTE_MILLIS,
  },
  {
    name: 'vectors',
    what: 'vectors/ and the vectors written elsewhere',
    tier: 'test',
    files: ['test/vectors/**/*.test.ts'],
    testTimeoutMillis: MINUTE_MILLIS,
  },
  {
    name: 'attacks',
    what: 'attacks on real journals, each caught at the level that claims it (`spec/attacks.md`)',
    tier: 'test',
    files: ['test/attacks/**/*.test.ts'],
    testTimeoutMillis: 2 * MINUTE_MILLIS,
  },
  {
    name: 'fuzz',
    what: 'every parser on hostile input: a value or a coded error, in linear time',
    tier: 'test',
    files: ['test/fuzz/**/*.test.ts'],
    testTimeoutMillis: 2 * MINUTE_MILLIS,
  },
  {
    name: 'merkle',
    what: 'proofs and a log written elsewhere; inclusion and consistency from leaves and tiles',
    tier: 'test',
    files: ['test/merkle/**/*.test.ts'],
    testTimeoutMillis: MINUTE_MILLIS,
  },
  {
    name: 'imports',
    what: 'lint refuses each forbidden import between packages',
    tier: 'test',
    files: ['test/lint/**/*.test.ts'],
    testTimeoutMillis: MINUTE_MILLIS,
  },
  {
    name: 'readme',
    what: 'examples of the README run as they stand',
    tier: 'test',
    files: ['test/readme/**/*.test.ts'],
    testTimeoutMillis: MINUTE_MILLIS,
  },
  {
    name: 'privacy',
    what: 'planted secrets are in no journal byte, span, Kafka value or console line',
    tier: 'test',
    files: ['test/privacy/**/*.test.ts'],
    testTimeoutMillis: MINUTE_MILLIS,
  },
  {
    name: 'otel-3',
    what: 'processor and exporter in a provider of OpenTelemetry 3.x',
    tier: 'test',
    before: [['bootstrap.mjs', 'install', 'test/otel-3']],
    files: ['test/otel-3/**/*.test.ts'],
    testTimeoutMillis: MINUTE_MILLIS,
  },
  {
    name: 'crash',
    what: 'whoever writes killed at every write; reopen, verify, deliver',
    tier: 'test',
    files: ['test/crash/**/*.test.ts', 'packages/*/src/**/*.crash.test.ts'],
    testTimeoutMillis: 2 * MINUTE_MILLIS,
    serial: true,
  },
  {
    name: 'erasure',
    what: 'a person forgotten: no byte left, killed at every step, restored from a back-up',
    tier: 'test',
    files: ['test/erasure/**/*.test.ts'],
    testTimeoutMillis: 6 * MINUTE_MILLIS,
    serial: true,
  },
  {
    name: 'packaging',
    what: 'packed packages: contents, publint, attw, use by import and by require',
    tier: 'test',
    files: ['test/packaging/**/*.test.ts'],
    testTimeoutMillis: 5 * MINUTE_MILLIS,
    serial: true,
  },
  {
    name: 'e2e',
    what: 'example agent and command line tool as processes',
    tier: 'test',
    files: ['test/e2e/**/*.test.ts'],
    testTimeoutMillis: 2 * MINUTE_MILLIS,
    serial: true,
  },
  {
    name: 'services',
    what: 'the servers that tests start leave nothing behind',
    tier: 'test',
    files: ['test/services/**/*.test.ts'],
    testTimeoutMillis: 2 * MINUTE_MILLIS,
    serial: true,
  },
  {
    name: 'compose',
    what: 'docker-compose.yml and collector-config/ against parser, schema and code',
    tier: 'test',
    files: ['test/compose/**/*.test.ts'],
    testTimeoutMillis: 10 * MINUTE_MILLIS,
    serial: true,
  },
  {
    name: 'foreign',
    what: 'a verifier in Go, written from spec/ alone: vectors, journals, bundles, tenant logs',
    tier: 'test',
    need: 'go',
    files: ['test/foreign/**/*.test.ts'],
    testTimeoutMillis: 2 * MINUTE_MILLIS,
    serial: true,
  },
  {
    name: 'timestamp',
    what: 'RFC 3161 time-stamps: `openssl ts` as authority and as verifier, hostile tokens',
    tier: 'test',
    need: 'openssl',
    files: ['test/timestamp/**/*.test.ts'],
    testTimeoutMillis: MINUTE_MILLIS,
    serial: true,
  },
  {
    name: 'browser',
    what: 'the verifier to hand over: program and page (a real Chromium) agree on every vector',
    tier: 'test',
    need: 'browser',
    before: [['packages/verifier/generate/bundle.ts']],
    files: ['test/browser/**/*.test.ts'],
    testTimeoutMillis: MINUTE_MILLIS,
    serial: true,
  },
  {
    name: 'witness',
    what: 'litewitness cosigns the tenant log, and refuses what contradicts it',
    tier: 'test',
    need: 'litewitness',
    files: ['test/witness/**/*.test.ts'],
    testTimeoutMillis: MINUTE_MILLIS,
    serial: true,
  },
  {
    name: 'kafka',
    what: 'a real Kafka: 100,000 records byte for byte, broker faults, both consumers',
    tier: 'test',
    need: 'kafka',
    files: ['test/kafka/**/*.test.ts'],
    testTimeoutMillis: 5 * MINUTE_MILLIS,
    serial: true,
  },
  {
    name: 'kafka-faults',
    what: 'three brokers killed, frozen, cut off under load: nothing acknowledged is lost',
    tier: 'test',
    need: 'kafka',
    files: ['test/kafka-faults/**/*.test.ts'],
    testTimeoutMillis: 5 * MINUTE_MILLIS,
    serial: true,
  },
  {
    name: 'collector',
    what: 'a real OpenTelemetry Collector with our configuration, `kill -9` included',
    tier: 'test',
    need: 'collector',
    files: ['test/collector/**/*.test.ts'],
    testTimeoutMillis: 10 * MINUTE_MILLIS,
    serial: true,
  },
  {
    name: 'jaeger',
    what: 'a real Jaeger: the trace queried back',
    tier: 'slow',
    need: 'jaeger',
    files: ['test/jaeger/**/*.test.ts'],
    testTimeoutMillis: 15 * MINUTE_MILLIS,
    serial: true,
  },
]
