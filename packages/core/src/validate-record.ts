// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { validate } from './validate.generated.ts'

export { validateRecord } from './validate.generated.ts'

/** Where a record departs from the schema, and how. */
export interface SchemaViolation {
  /** JSON Pointer (RFC 6901) into the record; empty for the record itself. */
  readonly path: string
  /** One phrase, without content of the record beyond names of keys. */
  readonly rule: string
}

/** The first violation of the schema, or undefined where the record holds. */
export function schemaViolation(record: unknown): SchemaViolation | undefined {
  try {
    if (validate(record)) return undefined
  } catch {
    return { path: '/ext', rule: 'is nested too deep' }
  }
  // Alternatives that were tried come first, the rule that failed over all of them last.
  const { instancePath: path = '', keyword = '', params = {} } = validate.errors?.at(-1) ?? {}
  return { path, rule: ruleText(keyword, params) }
}

function ruleText(keyword: string, params: Readonly<Record<string, string>>): string {
  switch (keyword) {
    case 'required':
      return `lacks ${JSON.stringify(params['missingProperty'])}`
    case 'additionalProperties':
      return `has an unknown key ${JSON.stringify(params['additionalProperty']?.slice(0, 100))}`
    case 'discriminator':
      return 'is of an unknown type'
    case 'maxCanonicalBytes':
      return 'is too long'
    case 'maxItems':
      return 'has too many items'
    case 'minItems':
      return 'has too few items'
    case 'pattern':
      return 'has another form'
    case 'enum':
    case 'const':
      return 'is none of the allowed values'
    default:
      return 'is of another kind'
  }
}
