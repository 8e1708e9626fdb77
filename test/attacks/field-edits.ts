// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { canonicalize } from '@spanseal/core'

/** One record with one field changed, canonical as before. */
export interface FieldEdit {
  readonly seq: number
  /** The record's type and the field's JSON Pointer, with `*` for the places of a list. */
  readonly field: string
  readonly how: 'changed' | 'removed' | 'added'
  readonly line: string
}

/** Every way of changing, removing or adding one field; each field of each type once. */
export function editsOf(lines: readonly string[]): FieldEdit[] {
  const edits = new Map<string, FieldEdit>()
  for (const [seq, line] of lines.entries()) {
    const record = JSON.parse(line) as { readonly type: string }
    for (const { field, how, value } of changesOf(record, '')) {
      const edit = { seq, field: `${record.type} ${field}`, how, line: canonicalize(value) }
      const id = `${edit.how} ${edit.field}`
      if (!edits.has(id)) edits.set(id, edit)
    }
  }
  return [...edits.values()]
}

interface Change {
  readonly field: string
  readonly how: FieldEdit['how']
  /** The whole value with the change in it. */
  readonly value: unknown
}

function* changesOf(value: unknown, field: string): Generator<Change> {
  if (Array.isArray(value)) {
    yield { field: `${field}/*`, how: 'added', value: [...(value as unknown[]), 'added'] }
    for (const [i, item] of (value as unknown[]).entries()) {
      yield { field: `${field}/*`, how: 'removed', value: value.toSpliced(i, 1) }
      for (const change of changesOf(item, `${field}/*`)) {
        yield { ...change, value: value.with(i, change.value) }
      }
    }
  } else if (typeof value === 'object' && value !== null) {
    yield { field: `${field}/added`, how: 'added', value: { ...value, added: 1 } }
    for (const [key, item] of Object.entries(value)) {
      const { [key]: _, ...rest } = value as Record<string, unknown>
      yield { field: `${field}/${key}`, how: 'removed', value: rest }
      for (const change of changesOf(item, `${field}/${key}`)) {
        yield { ...change, value: { ...value, [key]: change.value } }
      }
    }
  } else {
    yield { field, how: 'changed', value: otherThan(value) }
  }
}

/** A value that looks as right in its place as can be. */
function otherThan(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  if (typeof value !== 'string') return 0
  const at = value.search(/[0-9a-zA-Z][^0-9a-zA-Z]*$/)
  if (at < 0) return `${value}x`
  const other = { '0': '1', '9': '8', a: 'b', z: 'y', A: 'B', Z: 'Y' }[value[at] as string]
  const near = String.fromCharCode(value.charCodeAt(at) - 1)
  return value.slice(0, at) + (other ?? near) + value.slice(at + 1)
}
