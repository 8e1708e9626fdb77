// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')

/** Rules of the house that no linter knows. They hold for what git tracks or would track. */
const files = listFiles()
const sources = files.filter((file) => /\.(ts|mjs|js)$/.test(file) && !file.includes('.generated.'))

function listFiles(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard']
  const { stdout, status } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) return []
  return stdout.split('\n').filter((file) => file !== '' && existsSync(join(root, file)))
}

function text(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

describe.skipIf(files.length === 0)('every source file', () => {
  it('opens with the two-line licence header', () => {
    const header =
      /^(#!.*\n)?\/\/ SPDX-FileCopyrightText: .+\n\/\/ SPDX-License-Identifier: Apache-2\.0\n/
    expect(sources.filter((file) => !header.test(text(file)))).toEqual([])
  })

  it('is named after what it holds, not after a drawer', () => {
    const drawer = /^(utils?|helpers?|common|shared|types|misc)$/
    const named = files.filter((file) =>
      file.split('/').some((part) => drawer.test(basename(part).replace(/\..*$/, ''))),
    )
    expect(named).toEqual([])
  })

  it('names each of its exports', () => {
    const wildcard = /^export \*/m
    expect(sources.filter((file) => wildcard.test(text(file)))).toEqual([])
  })
})
