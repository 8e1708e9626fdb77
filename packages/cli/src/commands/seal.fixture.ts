// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { runCommand } from '../command.fixture.ts'
import { aJournal, emptyFolder, LOG, TestAgent } from '../journal.fixture.ts'

async function spanseal(...args: readonly string[]): Promise<string> {
  const { status, stderr, stdout } = await runCommand(args)
  if (status !== 0) throw new Error(stderr)
  return stdout.trim()
}

export interface Tenant {
  readonly home: string
  readonly journal: string
  readonly key: string
  readonly vkey: string
  readonly logDir: string
  /** One whole epoch more. */
  readonly epoch: () => void
  readonly seal: (...more: readonly string[]) => ReturnType<typeof runCommand>
}

/** A tenant with keys, a journal with one whole epoch, and no log so far. */
export async function aTenant(): Promise<Tenant> {
  const home = emptyFolder()
  const key = join(home, 'tenant.pem')
  const journal = join(home, 'audit')
  const logDir = join(home, 'log')
  const vkey = await spanseal('keys', 'new', '--tenant', '--log', LOG, '--out', key)
  await spanseal('keys', 'new', '--issuer', '--log', LOG, '--journal', journal)
  await spanseal('keys', 'certify', '--log', LOG, '--journal', journal, '--tenant-key', key)
  const epoch = (): void => {
    const at = aJournal({ journal })
    new TestAgent(at).task()
    at.writer.close()
  }
  epoch()
  const seal: Tenant['seal'] = (...more) =>
    runCommand(['seal', journal, '--log-dir', logDir, '--tenant-key', key, ...more])
  return { home, journal, key, vkey, logDir, epoch, seal }
}
