// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { cached } from './cache.ts'
import { runCommand } from './run-command.ts'

/** What the tests look at of a Compose file, after interpolation and merging. */
export type ComposeProject = Readonly<Record<string, ComposeService>>

export interface ComposeService {
  readonly image: string
  readonly ports: readonly ComposePort[]
  readonly mounts: readonly ComposeMount[]
  readonly environment: Readonly<Record<string, string>>
  /** The command that tells whether the service is well. */
  readonly healthTest?: readonly string[]
  /** `x-no-healthcheck`: why there is none. */
  readonly noHealthcheck?: string
  /** Memory that the service may take. */
  readonly memoryBytesMax: number
}

export interface ComposePort {
  readonly hostIp: string
  readonly published: number
  readonly target: number
}

export interface ComposeMount {
  readonly type: 'bind' | 'volume'
  /** An absolute path, or the name of a volume. */
  readonly source: string
  readonly target: string
}

const PROGRAM = join(import.meta.dirname, 'compose-check')
const PROGRAM_FILES = ['main.go', 'go.mod', 'go.sum'].map((name) => join(PROGRAM, name))

/**
 * Reads the file with compose-go, the library in Docker's own command; needs Go.
 * @throws Error with compose-go's words when the file does not hold.
 */
export async function readComposeWithGo(file: string): Promise<ComposeProject> {
  const folder = await cached({
    name: 'compose-check',
    inputs: [process.platform, process.arch, ...PROGRAM_FILES.map((f) => readFileSync(f, 'utf8'))],
    build: buildProgram,
  })
  const { stdout } = await runCommand(join(folder, 'compose-check'), [file])
  const { project, extensions } = JSON.parse(stdout) as GoResult
  return mapServices(project.services, (service, name) => ({
    image: service.image,
    ports: (service.ports ?? []).map((port) => ({
      hostIp: port.host_ip ?? '',
      published: Number(port.published),
      target: port.target,
    })),
    mounts: (service.volumes ?? []).map(({ type, source, target }) => ({ type, source, target })),
    environment: service.environment ?? {},
    ...(service.healthcheck && { healthTest: service.healthcheck.test }),
    ...noHealthcheck(extensions[name]),
    memoryBytesMax: Number(service.deploy?.resources?.limits?.memory ?? 0),
  }))
}

/** The same without Go and without the schema: enough for files as plain as ours. */
export function readComposeWithYaml(file: string): ComposeProject {
  const text = readFileSync(file, 'utf8')
  // ${NAME:-default}, the only form that our file uses.
  const interpolated = text.replaceAll(
    /\$\{(\w+):-([^}]*)\}/g,
    (_, name: string, otherwise: string) => process.env[name] || otherwise,
  )
  const { services } = parse(interpolated, { merge: true }) as { services: Services<YamlService> }
  return mapServices(services, (service) => ({
    image: service.image,
    ports: (service.ports ?? []).map(readPort),
    mounts: (service.volumes ?? []).map((mount) => readMount(mount, dirname(file))),
    environment: service.environment ?? {},
    ...(service.healthcheck && { healthTest: service.healthcheck.test }),
    ...noHealthcheck(service),
    memoryBytesMax: readBytes(service.deploy?.resources?.limits?.memory ?? '0'),
  }))
}

type Services<Service> = Readonly<Record<string, Service>>

interface GoResult {
  readonly project: { readonly services: Services<GoService> }
  readonly extensions: Readonly<Record<string, Extensions | null>>
}

interface ServiceBase {
  readonly image: string
  readonly environment?: Readonly<Record<string, string>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly deploy?: { readonly resources?: { readonly limits?: { readonly memory?: string } } }
}

interface GoService extends ServiceBase {
  readonly ports?: readonly {
    readonly host_ip?: string
    readonly published: string
    readonly target: number
  }[]
  readonly volumes?: readonly ComposeMount[]
}

interface Extensions {
  readonly 'x-no-healthcheck'?: string
}

interface YamlService extends ServiceBase, Extensions {
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
}

function mapServices<From>(
  services: Services<From>,
  map: (service: From, name: string) => ComposeService,
): ComposeProject {
  const entries = Object.entries(services).map(([name, s]) => [name, map(s, name)] as const)
  return Object.fromEntries(entries)
}

function noHealthcheck(extensions: Extensions | null | undefined): { noHealthcheck?: string } {
  const reason = extensions?.['x-no-healthcheck']
  return reason === undefined ? {} : { noHealthcheck: reason.trim() }
}

function readPort(text: string): ComposePort {
  const parts = text.split(':')
  const [target, published] = parts.toReversed()
  return {
    hostIp: parts.length > 2 ? parts[0]! : '',
    published: Number(published),
    target: Number(target),
  }
}

function readMount(text: string, folder: string): ComposeMount {
  const [source, target] = text.split(':') as [string, string]
  return source.startsWith('.')
    ? { type: 'bind', source: resolve(folder, source), target }
    : { type: 'volume', source, target }
}

function readBytes(text: string): number {
  const factor = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }[text.at(-1) as string] ?? 1
  return Number.parseFloat(text) * factor
}

async function buildProgram(folder: string): Promise<void> {
  for (const file of PROGRAM_FILES) await copyFile(file, join(folder, file.split('/').at(-1)!))
  const options = { cwd: folder, timeoutMillis: 0 }
  await runCommand('go', ['build', '-trimpath', '-o', 'compose-check', '.'], options)
}
