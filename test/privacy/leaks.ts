// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto'
import type { CanaryRun } from './canary-run.ts'
import type { ClearIdentities } from './clear-identities.ts'
import { secrets } from './planted-secrets.ts'
import type { Source } from './secret-scan.ts'
import { SecretScan } from './secret-scan.ts'

type CameOut = Pick<CanaryRun, 'lines' | 'requests' | 'others'>

const scan = new SecretScan(secrets)

/** Secrets in anything that came out of a run, beside the ids that its options show. */
export function leaksIn(run: CameOut, identities?: ClearIdentities): string[] {
  return scan.leaksIn(sourcesOf(run, identities))
}

function sourcesOf({ lines, requests, others }: CameOut, identities?: ClearIdentities): Source[] {
  const shown = ({ name, text }: Source): Source => ({
    name,
    text: identities === undefined ? text : identities.diag(identities.line(text)),
  })
  return [
    ...lines.map((text) => shown({ name: 'journal', text })),
    ...others.map(shown),
    ...requests.flatMap(({ path, headers, body }) => [
      { name: 'OTLP path and headers', text: JSON.stringify([path, headers]) },
      { name: 'OTLP body', text: identities?.request(body) ?? body },
    ]),
  ]
}

/** Where anything at all was found, by the names of the sources. */
export function leakingSources(run: CameOut): string[] {
  const leaking = sourcesOf(run).filter((source) => scan.leaksIn([source]).length > 0)
  return [...new Set(leaking.map(({ name }) => name))].sort()
}

const digests = new Set(secrets.flatMap(({ find, text }) => [sha256(find), sha256(text)]))

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Fields of records that hold a secret's plain digest, which a guess can be tested against. */
export function fieldsWithDigests({ lines }: CameOut): string[] {
  const fields = new Set<string>()
  const look = (value: unknown, pointer: string): void => {
    if (typeof value === 'string' && digests.has(value)) fields.add(pointer)
    if (typeof value !== 'object' || value === null) return
    for (const [key, inner] of Object.entries(value)) look(inner, `${pointer}/${key}`)
  }
  for (const line of lines) look(JSON.parse(line), '')
  return [...fields].sort()
}
