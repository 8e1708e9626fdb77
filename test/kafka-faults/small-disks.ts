// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { guardProcess, releaseProcess } from '../services/guard.ts'
import type { KafkaNode } from '../services/kafka.ts'
import { runCommand } from '../services/run-command.ts'
import { until } from './until.ts'

const DISK_BYTES = 160 * 1024 * 1024

/** Why this machine cannot mount a small file system of its own; undefined when it can. */
export async function needsNamespaces(): Promise<string | undefined> {
  const mount = ['-Urm', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/mnt']
  const reason = 'needs the right to mount a tmpfs in a user namespace'
  return runCommand('unshare', mount).then(
    () => undefined,
    () => reason,
  )
}

/** A small disk for each broker, which can be filled and emptied under it. */
export class SmallDisks {
  /** Of each broker: the process that keeps the mount, and the ballast. */
  readonly #disks = new Map<number, { readonly pid: number; readonly ballast: string }>()

  /** A command of a broker, run where its `data` folder is the small disk. */
  readonly launch = async (
    node: KafkaNode,
    command: readonly string[],
  ): Promise<readonly string[]> => {
    const { pid } = this.#disks.get(node.id) ?? (await this.#mount(node))
    return [...inside(pid), ...command]
  }

  /** Leaves no byte free. */
  async fill(broker: number): Promise<void> {
    const { pid, ballast } = this.#disk(broker)
    const [command = '', ...args] = inside(pid)
    await runCommand(command, [...args, 'sh', '-c', 'cat /dev/zero > "$0" || true', ballast])
  }

  async empty(broker: number): Promise<void> {
    const { pid, ballast } = this.#disk(broker)
    const [command = '', ...args] = inside(pid)
    await runCommand(command, [...args, 'rm', '-f', ballast])
  }

  /** The brokers must have ended. */
  close(): void {
    for (const { pid } of this.#disks.values()) {
      process.kill(pid, 'SIGKILL')
      releaseProcess(pid)
    }
    this.#disks.clear()
  }

  #disk(broker: number): { readonly pid: number; readonly ballast: string } {
    const disk = this.#disks.get(broker)
    if (disk === undefined) throw new Error(`broker ${broker} has no disk`)
    return disk
  }

  async #mount(node: KafkaNode): Promise<{ readonly pid: number; readonly ballast: string }> {
    const data = join(node.folder, 'data')
    const mounted = join(node.folder, 'mounted')
    mkdirSync(data)
    const script =
      `mount -t tmpfs -o size=${DISK_BYTES} tmpfs "$0" && ` + ': > "$1" && exec sleep infinity'
    const holder = spawn('unshare', ['-Urm', 'sh', '-c', script, data, mounted], {
      stdio: 'ignore',
      detached: true,
    })
    const pid = holder.pid as number
    guardProcess(pid)
    holder.unref()
    const disk = { pid, ballast: join(data, 'ballast') }
    this.#disks.set(node.id, disk)
    await until('a small disk is mounted', () => existsSync(mounted))
    return disk
  }
}

function inside(pid: number): string[] {
  return ['nsenter', '--target', `${pid}`, '--user', '--mount', '--preserve-credentials']
}
