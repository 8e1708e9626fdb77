// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { cpSync, existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Verdict } from '@spanseal/core'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../command.fixture.ts'
import { emptyFolder } from '../journal.fixture.ts'

const VECTORS = fileURLToPath(new URL('../../../../vectors', import.meta.url))
const TAMPERED = join(VECTORS, 'tampered')

interface Golden {
  readonly pinned: readonly string[]
}
interface TamperCase {
  readonly about: string
  readonly faults: readonly string[]
  readonly removed: readonly string[]
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'))
}

const { pinned } = readJson(join(VECTORS, 'journal.json')) as Golden
const keys = pinned.flatMap((key) => ['--key', key])

/** The golden journal with the case's files laid over it. */
function tampered(name: string, { removed }: TamperCase): string {
  const folder = join(emptyFolder(), 'journal')
  cpSync(join(VECTORS, 'journal'), folder, { recursive: true })
  cpSync(join(TAMPERED, name), folder, { recursive: true })
  rmSync(join(folder, 'case.json'))
  for (const file of removed) rmSync(join(folder, file))
  for (const epoch of readdirSync(folder)) {
    if (readdirSync(join(folder, epoch)).length === 0) rmdirSync(join(folder, epoch))
  }
  return folder
}

describe('spanseal over the golden journals', () => {
  it('verifies the journal that every release must hold', async () => {
    const { status, stdout } = await runCommand(['verify', join(VECTORS, 'journal'), ...keys])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^HOLDS at level 2 of 5: signed by a pinned key\n/)
  })

  it('prints its newest task and its newest records', async () => {
    const folder = join(VECTORS, 'journal')
    const timeline = await runCommand(['timeline', '--last', '--journal', folder])
    expect(timeline).toMatchObject({ status: 0, stderr: '' })
    expect(timeline.stdout).toMatch(/^Trace [0-9a-f]{32}\n/)
    const tail = await runCommand(['tail', folder])
    expect(tail).toMatchObject({ status: 0, stderr: '' })
    expect(tail.stdout).toContain(' epoch.close ')
  })

  it.each(readdirSync(TAMPERED).sort())('tells how it was tampered with: %s', async (name) => {
    const file = join(TAMPERED, name, 'case.json')
    expect(existsSync(file)).toBe(true)
    const sought = readJson(file) as TamperCase
    const folder = tampered(name, sought)
    const { status, stdout } = await runCommand(['verify', folder, ...keys])
    expect(status).toBe(sought.faults.length === 0 ? 0 : 1)
    for (const code of sought.faults) expect(stdout).toContain(`FAULT ${code}`)
    for (const line of stdout.split('\n')) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
    const { stdout: json } = await runCommand(['verify', folder, ...keys, '--json'])
    const verdict = JSON.parse(json) as Verdict
    expect(verdict.ok).toBe(status === 0)
    // Whatever was done to the journal, these read it or say why not.
    for (const args of [
      ['tail', folder],
      ['timeline', '--last', '--journal', folder],
    ]) {
      const { status: read, stderr } = await runCommand(args)
      expect([0, 2]).toContain(read)
      expect(stderr).not.toContain('UNEXPECTED')
    }
  })
})
