// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RedactionOptions } from '@spanseal/otel'

/** A secret and the text that it comes in; `find` is what must be nowhere. */
export interface PlantedSecret {
  readonly kind: string
  readonly find: string
  readonly text: string
}

const SLACK_HOST = ['hooks', 'slack', 'com'].join('.')
const file = join(import.meta.dirname, '../../vectors/secrets.json')

/**
 * Every secret of the vectors. Their hook has a host reserved for examples, since scanners of
 * repositories would take it for a leaked one; it is known by Slack's own host.
 */
export const secrets: readonly PlantedSecret[] = (
  JSON.parse(readFileSync(file, 'utf8').replaceAll('hooks.slack.example', SLACK_HOST)) as {
    readonly secrets: readonly PlantedSecret[]
  }
).secrets

/**
 * Kinds that no pattern can know, with the reason. Where a text stands in clear by its nature or by
 * choice (and is only redacted), these are left to the words and patterns of a deployment:
 * {@link deploymentRedaction}. Everywhere else they must not show either. SECURITY.md says so.
 */
export const kindsWithoutForm: ReadonlyMap<string, string> = new Map([
  ['date of birth', 'a date like any other'],
  ['street address', 'words and a number'],
  ['name of a person', 'words'],
  ['IPv4 address', 'traces are read by addresses: masked with `ipAddresses`'],
  ['IPv6 address', 'traces are read by addresses: masked with `ipAddresses`'],
  ['plain sentence', 'words'],
])

/** What a deployment that has such data sets, so that nothing at all is left. */
export const deploymentRedaction: RedactionOptions = {
  ipAddresses: true,
  keyWords: ['date of birth', 'address', 'patient name'],
  patterns: [{ name: 'sentence', pattern: /the canary sang [a-z ]{1,64}/gi }],
}

export function hasForm({ kind }: PlantedSecret): boolean {
  return !kindsWithoutForm.has(kind)
}
