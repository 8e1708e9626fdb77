// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * The words that the record's JSON Schema is written in: kinds of text and number, closed objects,
 * capped lists. Every text has a `maxLength`, so that the longest record can be computed.
 */

/** A piece of JSON Schema 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * Caps in canonical bytes: the UTF-8 of a text as it stands between the quotes of the line, escapes
 * included; of an object its whole canonical JSON.
 */
export const TEXT_CAPS = {
  /** Ids, versions, pseudonyms, classifications. */
  id: 128,
  /** Names of tools, agents, models, services. */
  name: 256,
  /** Free text in clear, the fields of a `summary`, and `ext`. */
  text: 4096,
  /** One certificate: a signed note, with room for later signature types. */
  certificate: 8192,
} as const

/** How many items a list may have; `<name>_more` counts the rest. */
export const LIST_CAPS = {
  on_behalf_of: 16,
  data_classifications: 16,
  subjects: 16,
  permissions: 32,
  flags: 16,
  open_calls: 32,
  observed_epochs: 64,
  certs: 2,
  fail_closed: 16,
  remote: 16,
  kids: 16,
} as const

// No C0 or C1 control character, no DEL, no line or paragraph separator. Markdown and everything
// else is harmless inside JSON; whoever prints a record escapes for where it prints.
const SINGLE_LINE = '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]+$'

/** One line of text, not empty, up to a cap. */
export function line(bytesMax: number): JsonSchema {
  return { type: 'string', pattern: SINGLE_LINE, ...capped(bytesMax) }
}

/** Any well-formed text up to a cap. */
export function text(bytesMax: number): JsonSchema {
  return { type: 'string', ...capped(bytesMax) }
}

// `maxLength` counts code points and so never refuses what fits; it is there for validators that do
// not know the other keyword.
function capped(bytesMax: number): JsonSchema {
  return { maxLength: bytesMax, maxCanonicalBytes: bytesMax }
}

/** ASCII of one form; `lengthMax` is what the pattern allows at most. */
export function form(pattern: string, lengthMax: number): JsonSchema {
  return { type: 'string', pattern, maxLength: lengthMax }
}

export function oneOf(values: readonly string[]): JsonSchema {
  return { type: 'string', enum: values }
}

export function integer(minimum: number): JsonSchema {
  return { type: 'integer', minimum, maximum: Number.MAX_SAFE_INTEGER }
}

export function hex(digits: number): JsonSchema {
  return form(`^[0-9a-f]{${digits}}$`, digits)
}

/**
 * Keys of users that JSON writes without an escape. V8 reads a key with one as another key when an
 * object with a backslash in its key went before (https://github.com/nodejs/node/issues/63785, Node
 * 24 and 26), so such a line would be canonical in one process and not in the next.
 */
export const userKeys: JsonSchema = { pattern: '^[^"\\\\\\u0000-\\u001f]*$' }

/** An object of the user's keys. */
export function open(bytesMax: number, values: JsonSchema): JsonSchema {
  return {
    type: 'object',
    propertyNames: userKeys,
    additionalProperties: values,
    maxCanonicalBytes: bytesMax,
  }
}

/** An object with these keys and no others. */
export function closed(
  required: Readonly<Record<string, JsonSchema>>,
  optional: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  const properties = Object.entries({ ...required, ...optional }).sort(([a], [b]) =>
    a < b ? -1 : 1,
  )
  return {
    type: 'object',
    required: Object.keys(required).sort(),
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  }
}

export function list(items: JsonSchema, itemsMax: number, itemsMin = 0): JsonSchema {
  return { type: 'array', ...(itemsMin > 0 && { minItems: itemsMin }), maxItems: itemsMax, items }
}

export function ref(name: string): JsonSchema {
  return { $ref: `#/$defs/${name}` }
}

export const id: JsonSchema = line(TEXT_CAPS.id)
export const name: JsonSchema = line(TEXT_CAPS.name)
/** How many items of a list were left out. */
export const more: JsonSchema = integer(1)
export const flag: JsonSchema = { type: 'boolean' }
export const set: JsonSchema = { const: true }
export const decimal: JsonSchema = form('^-?(0|[1-9]\\d{0,14})(\\.\\d{1,9})?$', 26)
export const nanoseconds: JsonSchema = form('^(0|[1-9]\\d{0,18})$', 19)
export const time: JsonSchema = form(
  '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d\\.\\d{3}Z$',
  24,
)
export const epochId: JsonSchema = form(
  '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
  36,
)
/** `<epoch>/<seq>`. */
export const recordId: JsonSchema = form(
  '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/(0|[1-9]\\d{0,15})$',
  53,
)
export const logName: JsonSchema = form(
  '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(/[a-z0-9][a-z0-9._-]*)*$',
  128,
)
export const permission: JsonSchema = form(
  '^(network|filesystem|code_execution|data_access)(:[a-z_]{1,32})?$',
  47,
)
export const errorType: JsonSchema = form('^[A-Za-z0-9_.$]{1,128}$', 128)
