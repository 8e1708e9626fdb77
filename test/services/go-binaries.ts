// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cached, cachedPath } from './cache.ts'
import { runCommand, succeeds } from './run-command.ts'

const COLLECTOR_VERSION = '0.155.0'
/** Jaeger's module kept the old numbering: tag v1.76.0 is the release 2.13.0. */
const JAEGER_TAG = 'v1.76.0'
/** Holds litewitness. The newest release whose module is to be had by its version alone. */
const TORCHWOOD_VERSION = 'v0.9.0'
const BUILDER_FILE = join(import.meta.dirname, 'collector', 'builder.yaml')
const PLATFORM = `${process.platform}-${process.arch}`
/** Symbols and paths left out: halves the binaries, and nothing here needs them. */
const LINK_FLAGS = '-s -w'

type Program = 'otelcol' | 'jaeger' | 'litewitness'

const inputs: Readonly<Record<Program, readonly string[]>> = {
  otelcol: [PLATFORM, COLLECTOR_VERSION, LINK_FLAGS, readFileSync(BUILDER_FILE, 'utf8')],
  jaeger: [PLATFORM, JAEGER_TAG, LINK_FLAGS],
  litewitness: [PLATFORM, TORCHWOOD_VERSION, LINK_FLAGS],
}

/** Undefined when the program is there or can be built, else a sentence how to get it. */
export async function needsGo(program: Program): Promise<string | undefined> {
  if (existsSync(await cachedPath({ name: program, inputs: inputs[program] }))) return undefined
  if (await succeeds('go', ['version'])) return undefined
  return `${program} is built from its Go modules: install Go 1.26 or later`
}

/** Path of the Collector; about 70 s of CPU the first time. */
export async function collectorBinary(): Promise<string> {
  const build = { name: 'otelcol', inputs: inputs.otelcol, build: buildCollector }
  return join(await cached(build), 'otelcol')
}

/** Path of litewitness; about 35 s of CPU the first time. */
export async function litewitnessBinary(): Promise<string> {
  const build = { name: 'litewitness', inputs: inputs.litewitness, build: buildLitewitness }
  return join(await cached(build), 'litewitness')
}

/** Path of Jaeger; about 6 minutes of CPU the first time. */
export async function jaegerBinary(): Promise<string> {
  const build = { name: 'jaeger', inputs: inputs.jaeger, build: buildJaeger }
  return join(await cached(build), 'jaeger')
}

async function go(args: readonly string[], cwd: string, env = {}): Promise<string> {
  return (await runCommand('go', args, { cwd, env, timeoutMillis: 0 })).stdout
}

async function buildCollector(folder: string): Promise<void> {
  const work = join(folder, 'work')
  await mkdir(work)
  await copyFile(BUILDER_FILE, join(work, 'builder.yaml'))
  const builder = `go.opentelemetry.io/collector/cmd/builder@v${COLLECTOR_VERSION}`
  await go(['install', builder], work, { GOBIN: work })
  await runCommand('./builder', ['--config', 'builder.yaml', '--ldflags', LINK_FLAGS], {
    cwd: work,
    timeoutMillis: 0,
  })
  await rename(join(work, 'build', 'otelcol'), join(folder, 'otelcol'))
  await rm(work, { recursive: true })
}

async function buildLitewitness(folder: string): Promise<void> {
  await buildInModule(`filippo.io/torchwood@${TORCHWOOD_VERSION}`, {
    program: './cmd/litewitness',
    out: join(folder, 'litewitness'),
  })
}

async function buildJaeger(folder: string): Promise<void> {
  await buildInModule(`github.com/jaegertracing/jaeger@${JAEGER_TAG}`, {
    program: './cmd/jaeger',
    out: join(folder, 'jaeger'),
  })
}

// Inside the module's own folder, where its replace lines and go.sum apply: `go install` of a module
// with a replace line is refused, and its versions are those that its authors tested.
async function buildInModule(
  module: string,
  { out, program }: { readonly out: string; readonly program: string },
): Promise<void> {
  const { Dir } = JSON.parse(await go(['mod', 'download', '-json', module], dirname(out))) as {
    Dir: string
  }
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags', LINK_FLAGS, '-o', out]
  await go(['build', ...flags, program], Dir)
}
