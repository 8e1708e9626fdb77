// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Summary } from '@spanseal/core'

const SUMMARY_FIELDS_MAX = 32
const SUMMARY_TEXT_LENGTH_MAX = 120

/** Scalars of the allow-listed fields, redacted and capped. */
export function summarize(
  value: object,
  fields: readonly string[],
  redact: (text: string) => string,
): Summary {
  const picked: Record<string, string | number | boolean | null> = {}
  let truncated = fields.length > SUMMARY_FIELDS_MAX
  for (const field of fields.slice(0, SUMMARY_FIELDS_MAX)) {
    if (!Object.hasOwn(value, field)) continue
    const scalar: unknown = (value as Record<string, unknown>)[field]
    if (typeof scalar === 'string') {
      const text = redact(scalar).toWellFormed()
      truncated ||= text.length > SUMMARY_TEXT_LENGTH_MAX
      picked[field] = text.slice(0, SUMMARY_TEXT_LENGTH_MAX).toWellFormed()
    } else if (typeof scalar === 'number') {
      picked[field] =
        Number.isSafeInteger(scalar) && !Object.is(scalar, -0) ? scalar : String(scalar)
    } else if (typeof scalar === 'boolean' || scalar === null) {
      picked[field] = scalar
    } else {
      truncated = true
    }
  }
  return { fields: picked, truncated }
}
