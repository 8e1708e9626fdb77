// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Under `identities: 'clear'` ids stand in these fields of records as they are, and nowhere else;
 * the last one is an attribute of spans.
 */
export const CLEAR_IDENTITIES: readonly string[] = [
  '/actor/client/address_ref',
  '/actor/conversation',
  '/actor/on_behalf_of',
  '/actor/session',
  '/actor/user/ref',
  '/authorization/approver',
  '/context/subjects/refs',
  '/detail/by',
  'gen_ai.conversation.id',
]

/** Takes ids that were planted out of those places, and notes where it found any. */
export class ClearIdentities {
  readonly found = new Set<string>()
  readonly #ids: ReadonlySet<string>

  constructor(ids: readonly string[]) {
    this.#ids = new Set(ids)
  }

  /** A record's line without them; other lines are as they were. */
  line(line: string): string {
    const record = recordOf(line)
    return record === undefined ? line : JSON.stringify(this.#without(record, ''))
  }

  /** OTLP's JSON without the conversations. */
  request(body: string): string {
    return JSON.stringify(JSON.parse(body), (_key, value: unknown) => {
      const { key, value: held } = (value ?? {}) as {
        key?: unknown
        value?: { stringValue: string }
      }
      if (typeof key !== 'string' || held === undefined) return value
      return this.#isClear(key, held.stringValue) ? { key } : value
    })
  }

  /** What OpenTelemetry's own debug output shows of spans. */
  diag(text: string): string {
    return text.replace(
      /'(gen_ai\.conversation\.id)': (?:'([^']*)'|"([^"]*)")/g,
      (all, key, a, b) => (this.#isClear(String(key), String(a ?? b)) ? '' : String(all)),
    )
  }

  #without(value: unknown, pointer: string): unknown {
    if (typeof value === 'string') return this.#isClear(pointer, value) ? undefined : value
    if (Array.isArray(value)) return value.map((item) => this.#without(item, pointer))
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value)
    return Object.fromEntries(entries.map(([k, v]) => [k, this.#without(v, `${pointer}/${k}`)]))
  }

  #isClear(place: string, value: string): boolean {
    const clear = CLEAR_IDENTITIES.includes(place) && this.#ids.has(value)
    if (clear) this.found.add(place)
    return clear
  }
}

function recordOf(line: string): object | undefined {
  if (!line.startsWith('{"')) return undefined
  try {
    return JSON.parse(line) as object
  } catch {
    return undefined
  }
}
