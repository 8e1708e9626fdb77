// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { bundleVectors } from './make/bundles.ts'
import { canonicalVectors } from './make/canonical.ts'
import { commitmentVectors } from './make/commitments.ts'
import { gapsVectors } from './make/gaps.ts'
import { headVectors } from './make/heads.ts'
import { journalVectors } from './make/journal.ts'
import { lineVectors } from './make/lines.ts'
import { noteVectors } from './make/notes.ts'
import { outsideVectors } from './make/outside.ts'
import { secretVectors } from './make/secrets.ts'
import { tamperedVectors } from './make/tampered.ts'
import type { Files } from './make/text-files.ts'
import { vaultVectors } from './make/vault.ts'

/** Every file of `vectors/`, by path; the same bytes at every run. */
export function vectorFiles(): Files {
  return new Map([
    ...canonicalVectors(),
    ...commitmentVectors(),
    ...lineVectors(),
    ...noteVectors(),
    ...journalVectors(),
    ...gapsVectors(),
    ...tamperedVectors(),
    ...outsideVectors(),
    ...headVectors(),
    ...secretVectors(),
    ...bundleVectors(),
    ...vaultVectors(),
  ])
}

/** Writes them: `node --conditions=spanseal-source vectors/generate.ts` */
if (import.meta.main) {
  const here = import.meta.dirname
  for (const { name } of readdirSync(here, { withFileTypes: true }).filter((one) => one.isDirectory())) {
    if (name !== 'make') rmSync(join(here, name), { recursive: true })
  }
  for (const [path, content] of vectorFiles()) {
    mkdirSync(dirname(join(here, path)), { recursive: true })
    writeFileSync(join(here, path), content)
  }
}
