// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { aJournal, emptyFolder, LOG, TestAgent } from '../journal.fixture.ts'

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
}

describe('spanseal keys show', () => {
  it('prints the issuer key that verifiers pin, its log and its validity', async () => {
    const journal = aJournal()
    const { status, stdout, stderr } = await runCommand([
      'keys',
      'show',
      '--journal',
      journal.folder,
    ])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const { vkey, notBefore, notAfter } = journal.keyring.issuer
    expect(stdout).toBe(
      `${vkey}\n  issuer of ${LOG}, in force\n  from ${notBefore} until ${notAfter}\n`,
    )
  })

  it('prints the bare key for scripts', async () => {
    const journal = aJournal()
    const { stdout } = await runCommand(['keys', 'show', '--vkey', '--journal', journal.folder])
    expect(stdout).toBe(`${journal.vkey}\n`)
  })

  it('finds every log of a keyring, without a journal', async () => {
    const journal = aJournal()
    const { folder, issuer } = journal.keyring
    const { stdout } = await runCommand(['keys', 'show', '--keys', folder, '--json'])
    expect(JSON.parse(stdout)).toEqual({
      keyring: folder,
      keys: [
        {
          log: LOG,
          vkey: issuer.vkey,
          notBefore: issuer.notBefore,
          notAfter: issuer.notAfter,
          state: 'in force',
          certified: false,
        },
      ],
    })
  })

  it('prints no secret, whatever is asked', async () => {
    const journal = aJournal()
    new TestAgent(journal).task()
    journal.keyring.personRef('u-17')
    const secrets = filesIn(journal.keyring.folder)
      .map((name) => join(journal.keyring.folder, name))
      .filter((file) => statSync(file).isFile() && !file.includes('/heads/'))
      .flatMap((file) => readFileSync(file, 'utf8').split(/\s+/))
      .filter((word) => word.length >= 16 && !journal.vkey.includes(word))
      .filter((word) => !/^\d{4}-\d\d-\d\dT/.test(word))
    expect(secrets.length).toBeGreaterThan(2)
    for (const json of [[], ['--json']]) {
      const { stdout, stderr } = await runCommand([
        'keys',
        'show',
        '--journal',
        journal.folder,
        ...json,
      ])
      for (const secret of secrets) expect(stdout + stderr).not.toContain(secret)
    }
  })

  it('makes nothing where there is nothing', async () => {
    const folder = emptyFolder()
    const { status, stderr } = await runCommand([
      'keys',
      'show',
      '--journal',
      join(folder, 'audit'),
    ])
    expect(status).toBe(2)
    expect(stderr).toContain('NOT_FOUND: keyring: ')
    expect(readdirSync(folder)).toEqual([])
  })

  it('asks for a journal or a keyring', async () => {
    const { status, stderr } = await runCommand(['keys', 'show'])
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr:
        'spanseal: INVALID_OPTION: name the journal with --journal <folder>, or the keyring with --keys <folder>\n',
    })
  })
})
