// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { appendFileSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { isEpochId } from '@spanseal/core'
import {
  errnoOf,
  makePrivateFolder,
  namesIn,
  readSecret,
  replaceFile,
  unusable,
} from './secret-file.ts'

/**
 * What the keyring remembers of a journal's epochs, outside the journal: who can write there can
 * cut or remove an epoch, but not make the next opener forget that there was more.
 */
export class Heads {
  readonly #folder: string

  /** @param scope separates the journals that share a keyring; a file name */
  constructor(logFolder: string, scope: string) {
    this.#folder = `${logFolder}/heads/${scope}`
  }

  /** The epochs of which a checkpoint is known. */
  epochs(): string[] {
    return namesIn(this.#folder).filter(isEpochId)
  }

  /** The newest checkpoint note of an epoch. */
  read(epoch: string): string | undefined {
    return readSecret(`${this.#folder}/${epoch}`)
  }

  /** Keeps the newest checkpoint note of an epoch; atomic, not synced. */
  save(epoch: string, note: string): void {
    replaceFile(`${this.#folder}/${epoch}`, note)
  }

  /** Epochs that a durable observation names in a state that cannot change any more. */
  settled(): Set<string> {
    const text = readLarge(`${this.#folder}/settled`)
    return new Set(text.split('\n').filter(isEpochId))
  }

  /** Notes that an observation of these epochs is durable. */
  settle(epochs: readonly string[]): void {
    if (epochs.length === 0) return
    const path = `${this.#folder}/settled`
    makePrivateFolder(dirname(path))
    try {
      // The LF in front ends what a crash may have left torn.
      appendFileSync(path, `\n${epochs.join('\n')}\n`, { mode: 0o600 })
    } catch (error) {
      throw unusable(path, error)
    }
  }
}

/** 37 bytes an epoch: this file may outgrow what {@link readSecret} takes. */
function readLarge(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return ''
    throw unusable(path, error)
  }
}
