// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../services/run-command.ts'

export const root = join(import.meta.dirname, '../..')
const PACK_TIMEOUT_MILLIS = 240_000

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, unknown>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

export interface PackedPackage {
  readonly manifest: Manifest
  /** The package's folder, absolute. */
  readonly folder: string
  /** The packed file, absolute. */
  readonly tarball: string
  /** Paths inside the package, sorted. */
  readonly files: readonly string[]
}

/** Every package that would be published, packed by npm into `destination`. */
export async function packAll(destination: string): Promise<PackedPackage[]> {
  const packed: PackedPackage[] = []
  for (const folder of publicFolders()) {
    const args = ['pack', '--json', '--pack-destination', destination]
    const { stdout } = await npm(args, folder)
    const result = packResult(stdout)
    packed.push({
      manifest: manifestOf(folder),
      folder,
      tarball: join(destination, result.filename),
      files: result.files.map(({ path }) => path).sort(),
    })
  }
  return packed
}

/** Folders of the packages that are not private. */
export function publicFolders(): string[] {
  const folders = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name))
  return folders.filter((folder) => !manifestOf(folder).private)
}

export function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** npm as the machine has it. Its own variables of the surrounding run would name other folders. */
export function npm(
  args: readonly string[],
  cwd: string,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const env = { npm_config_audit: 'false', npm_config_fund: 'false', npm_config_json: '' }
  return runCommand('npm', args, { cwd, env, timeoutMillis: PACK_TIMEOUT_MILLIS })
}

interface PackResult {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

/** npm 11 answers with a list, npm 12 with an object by package name. */
function packResult(stdout: string): PackResult {
  const parsed = JSON.parse(stdout) as PackResult[] | Record<string, PackResult>
  const [result] = Object.values(parsed)
  if (result === undefined) throw new Error(`npm pack said: ${stdout}`)
  return result
}
