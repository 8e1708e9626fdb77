// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type {
  CallError,
  CommitKeys,
  CommitPlace,
  FreeText,
  HmacKey,
  Invocation,
  Summary,
} from '@spanseal/core'
import { canonicalByteLength, keyedTag, TEXT_CAPS } from '@spanseal/core'
import type { CallIntent } from './call.ts'
import type { Committer } from './commitments.ts'
import type { CallOutcome, ErrorFacts } from './outcome.ts'
import { mendText } from './redact/mend.ts'
import type { Redactor } from './redact/redact.ts'

/** Where no key is there to make one. */
export const NO_TAG: string = '0'.repeat(16)

const SUMMARY_FIELDS_MAX = 32
const SUMMARY_TEXT_BYTES_MAX = 120

/** A block while it is put together: without spreads, since every call pays for them. */
export type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** What the caller says of a call beside its input, as a record can hold it. */
export function addCallFields(
  invocation: Writable<Invocation>,
  { attempt, externalId }: CallIntent,
): void {
  if (attempt !== undefined && Number.isSafeInteger(attempt) && attempt > 0) {
    invocation.attempt = attempt
  }
  if (externalId !== undefined && externalId !== '') invocation.external_id = externalId
}

/** Type and code of an error, without what patterns find in them. */
export function shownError(
  error: ErrorFacts,
  redactor: Redactor,
): Pick<ErrorFacts, 'type' | 'code'> {
  const { type, code } = error
  return {
    type: redactor.text(type) === type ? type : 'Error',
    ...(code === undefined || redactor.text(code) !== code ? {} : { code }),
  }
}

export interface ErrorBlockParts {
  readonly committer: Committer
  readonly redactor: Redactor
  readonly eq: HmacKey | undefined
  /** Messages stand in clear, redacted. */
  readonly clear: boolean
}

/** An error as it stands in a record. */
export function errorBlock(
  error: ErrorFacts,
  { place, keys }: { readonly place: CommitPlace; readonly keys: CommitKeys | undefined },
  { committer, redactor, eq, clear }: ErrorBlockParts,
): CallError {
  const alike = `${error.type}\0${error.code ?? ''}\0${error.message.replace(/\d+/g, '#')}\0${error.frame}`
  return {
    ...shownError(error, redactor),
    fingerprint: eq === undefined ? NO_TAG : keyedTag('fingerprint', alike, eq),
    message: messageOf(),
  }
  function messageOf(): FreeText {
    if (keys === undefined) return '' // no key to commit under, and nothing goes out without
    return clear
      ? committer.clearText(error.message, place, keys)
      : committer.freeText(error.message, place, keys)
  }
}

/** The scalars of the allow-listed fields of a result, redacted and capped. */
export function summaryOf(
  { tool }: CallIntent,
  { output }: CallOutcome,
  redactor: Redactor,
): Summary | undefined {
  const names = tool?.definition.summary
  if (names === undefined || output === undefined || !('value' in output)) return undefined
  const { value } = output
  if (typeof value !== 'object' || value === null) return undefined
  const picked = ownFields(value, names.slice(0, SUMMARY_FIELDS_MAX))
  // Redacted as an object: the name of a field says what it holds.
  const redacted = redactor.value(Object.fromEntries(picked)) as Record<string, unknown>
  return capped(
    picked.map(([name]) => [name, redacted[name]]),
    names.length,
  )
}

/** What the value has of these fields; one that throws when it is read is left out. */
function ownFields(value: object, names: readonly string[]): [string, unknown][] {
  const picked: [string, unknown][] = []
  for (const name of names) {
    try {
      if (Object.hasOwn(value, name)) picked.push([name, (value as Record<string, unknown>)[name]])
    } catch {
      picked.push([name, UNREADABLE])
    }
  }
  return picked
}

/** No scalar, so that the summary says that something is missing. */
const UNREADABLE = {}

function capped(entries: readonly (readonly [string, unknown])[], named: number): Summary {
  const fields: Record<string, string | number | boolean | null> = {}
  let truncated = named > SUMMARY_FIELDS_MAX
  let bytes = 2
  for (const [name, value] of entries) {
    const scalar = scalarOf(value)
    if (scalar === undefined || scalar !== value) truncated = true
    if (scalar === undefined) continue
    bytes += canonicalByteLength(name) + canonicalByteLength(scalar) + 6
    if (bytes > TEXT_CAPS.text) return { fields, truncated: true }
    fields[name] = scalar
  }
  return { fields, truncated }
}

/** Types never depend on magnitude: a number that is no safe integer is its text. */
function scalarOf(value: unknown): string | number | boolean | null | undefined {
  switch (typeof value) {
    case 'string':
      return mendText(value, SUMMARY_TEXT_BYTES_MAX).text
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : String(value)
    case 'bigint':
      return String(value).slice(0, SUMMARY_TEXT_BYTES_MAX)
    case 'boolean':
      return value
    default:
      return value === null ? null : undefined
  }
}
