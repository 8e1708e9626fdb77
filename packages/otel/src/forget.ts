// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readRecords } from '@spanseal/core'
import { readJournal } from '@spanseal/journal'
import type { Erased, ErasureParts, Vault } from '@spanseal/keys'
import { completeErasures, forgetPerson, knownVaults, openVault } from '@spanseal/keys'
import type { Runtime } from './runtime.ts'

/** Forgets a person; see `Audit.forget`. */
export async function forget(
  runtime: Runtime,
  person: string,
  reason: string | undefined,
): Promise<Erased | undefined> {
  const { keyring, options, writer } = runtime
  const parts: ErasureParts = {
    keyring,
    vaults: vaultsOf(runtime),
    now: options.now,
    records: (mentioning) => readRecords(readJournal(writer.journal), { mentioning }),
    record: async (detail) => {
      const { epoch, seq } = writer.append((at) => ({
        type: 'erasure.done',
        severity: 'info',
        detail: detail(at),
      }))
      await writer.synced({ epoch, seq })
      return `${epoch}/${seq}`
    },
  }
  await completeErasures(parts)
  return forgetPerson(person, reason, parts)
}

/** Every vault that was ever written to with this keyring, not this audit's alone. */
function vaultsOf({ keyring, vault: own, writer: { journal } }: Runtime): Vault[] {
  const others = knownVaults(keyring)
    .map((folder) => openVault({ keyring, folder, journal, create: false }))
    .filter(({ folder }) => folder !== own?.vault.folder)
  return own === undefined ? others : [own.vault, ...others]
}
