// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { freePorts } from './free-ports.ts'
import { litewitnessBinary, needsGo } from './go-binaries.ts'
import { runCommand, succeeds } from './run-command.ts'
import { ServerProcess } from './server-process.ts'

/** Undefined when litewitness can run here, else a sentence how to get it. */
export async function needsLitewitness(): Promise<string | undefined> {
  // litewitness signs through an ssh-agent and in no other way.
  if (!(await succeeds('ssh', ['-V']))) return 'litewitness needs ssh-agent: install openssh-client'
  return needsGo('litewitness')
}

/** litewitness (C2SP tlog-witness) with a key of its own, in a folder that is the caller's. */
export class Litewitness {
  readonly #agent: ServerProcess
  readonly #witness: ServerProcess
  readonly #database: string
  readonly url: string

  private constructor(parts: {
    readonly agent: ServerProcess
    readonly witness: ServerProcess
    readonly database: string
    readonly url: string
  }) {
    this.#agent = parts.agent
    this.#witness = parts.witness
    this.#database = parts.database
    this.url = parts.url
  }

  /** @param folder empty and with a short path: a socket's has 107 bytes at most */
  static async start(folder: string, name: string): Promise<Litewitness> {
    const [port] = await freePorts(1)
    const socket = join(folder, 'agent')
    const key = join(folder, 'key')
    const database = join(folder, 'witness.db')
    const agent = new ServerProcess({
      command: 'ssh-agent',
      args: ['-D', '-a', socket],
      logFile: join(folder, 'agent.log'),
      ready: async () => existsSync(socket),
    })
    await agent.start()
    await runCommand('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    await runCommand('ssh-add', ['-q', key], { env: { SSH_AUTH_SOCK: socket } })
    const { stdout } = await runCommand('ssh-keygen', ['-l', '-f', key])
    const url = `http://127.0.0.1:${port}`
    const witness = new ServerProcess({
      command: await litewitnessBinary(),
      args: [
        ...['-name', name, '-db', database, '-ssh-agent', socket],
        ...['-listen', `127.0.0.1:${port}`, '-key', stdout.split(' ')[1] ?? ''],
      ],
      logFile: join(folder, 'witness.log'),
      ready: () =>
        fetch(url).then(
          async (r) => (await r.body?.cancel(), r.ok),
          () => false,
        ),
    })
    const started = new Litewitness({ agent, witness, database, url })
    try {
      await witness.start()
    } catch (error) {
      await agent.stop()
      throw error
    }
    return started
  }

  /** Its verifier key, as it says itself at its start. */
  get vkey(): string {
    const [, vkey] = /vkey=(\S+)/.exec(this.#witness.log().replaceAll('"', '')) ?? []
    if (vkey === undefined)
      throw new Error(`litewitness does not say its key:\n${this.#witness.log()}`)
    return vkey
  }

  /** Makes it know a log, as its `witnessctl add-log` and `add-key` do. */
  addLog(origin: string, vkey: string): void {
    // The witness may be writing to it just now.
    const database = new DatabaseSync(this.#database, { timeout: 60_000 })
    const emptyTree = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    database
      .prepare('INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)')
      .run(origin, emptyTree)
    database.prepare('INSERT INTO key (origin, key) VALUES (?, ?)').run(origin, vkey)
    database.close()
  }

  async restart(): Promise<void> {
    await this.#witness.kill('SIGKILL')
    await this.#witness.start()
  }

  async kill(): Promise<void> {
    await this.#witness.kill('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#witness.stop()
    await this.#agent.stop()
  }
}
