// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Chain } from '../record.ts'
import { NO_PREV } from '../record.ts'

/**
 * Blocks that are the same in many records: the writer serialises them once, and here they are
 * checked once.
 *
 * A line is shortened by putting `0` where a block stands that was checked before, character by
 * character the same; where the shortened line parses, the record gets a small valid stand-in for
 * that block. The shortened line holds (JSON, canonical, schema) exactly if the whole one does:
 *
 * - `},"tool":` outside a string is followed by a value, so one complete canonical value takes the
 *   place of another; inside a string its quote ends the string, and both lines are no JSON.
 * - Only places are looked at that belong to the record itself, never to a block in it, if the rest
 *   of the line keeps to the schema: its first block, those that follow an object directly, and those
 *   in front of its last object (`trace`) and the one before that (`time`).
 * - In the schema each of these blocks has one definition, whatever type it stands in.
 *
 * The `chain` block is different in every record, and known beforehand in every honest one.
 *
 * A property test holds both ways together. This halves the time of a verification.
 */

/** The blocks that are looked for. */
export interface Blocks {
  actor?: string | undefined
  authorization?: string | undefined
  context?: string | undefined
  retention?: string | undefined
  tool?: string | undefined
}
type BlockName = keyof Blocks

/** A line with `0` for blocks that are known. */
export interface Shortened {
  readonly text: string
  /** The canonical texts of the blocks that were taken out. */
  readonly taken: Blocks
  /** What the chain block says, where that was taken out too. */
  readonly place?: Chain | undefined
}

// In the order of the line: JSON objects in their canonical form, so keys are quoted and sorted.
const ACTOR = '{"actor":'
const AUTHORIZATION = '},"authorization":'
const CHAIN = '},"chain":'
const CONTEXT = '},"context":'
const RETENTION = '},"retention":'
const TOOL = '},"tool":'
const TRACE = ',"trace":'

const STAND_INS = {
  chain: { epoch: '00000000-0000-7000-8000-000000000000', log: 'a', prev: NO_PREV, seq: 0 },
  actor: { agent: { id: '-' }, user: { ref: '-' } },
  authorization: {
    decision: 'denied',
    method: 'none',
    permissions_denied: [],
    permissions_used: [],
  },
  context: { data_classifications: [], environment: '-', task_id: '-' },
  retention: { policy: '-' },
  tool: { name: '-', publisher: '-', trust_level: '-', type: 'function', version: '-' },
} as const

/** How many texts of each block are remembered. */
const KNOWN_MAX = 32
const KNOWN_LENGTH_MAX = 4096

/**
 * Texts of one block. Slices are compared because V8 compares strings as memory, but `startsWith`
 * character by character (46 ns against 203 to 439 ns for 245 characters).
 */
class KnownTexts {
  readonly #texts: string[] = []
  /** Where the last one was found: a call's end has its start's blocks, and tasks take turns. */
  #last = 0
  #oldest = 0

  /** The known text that stands at `start`. */
  startingAt(text: string, start: number): string | undefined {
    const count = this.#texts.length
    for (let i = 0, at = this.#last; i < count; i++, at = at + 1 < count ? at + 1 : 0) {
      const known = this.#texts[at] as string
      if (text.slice(start, start + known.length) !== known) continue
      this.#last = at
      return known
    }
    return undefined
  }

  /** The known text that stands between `marker` and `end`. */
  endingAt(text: string, end: number, marker: string): string | undefined {
    const count = this.#texts.length
    for (let i = 0, at = this.#last; i < count; i++, at = at + 1 < count ? at + 1 : 0) {
      const known = this.#texts[at] as string
      const start = end - known.length
      if (start < marker.length || text.slice(start, end) !== known) continue
      this.#last = at
      return text.startsWith(marker, start - marker.length) ? known : undefined
    }
    return undefined
  }

  /** In the place of the oldest, once there are many. */
  add(text: string): void {
    if (text.length > KNOWN_LENGTH_MAX) return
    this.#last = this.#oldest
    this.#texts[this.#oldest] = text
    this.#oldest = (this.#oldest + 1) % KNOWN_MAX
  }
}

export class KnownBlocks {
  readonly #known: Readonly<Record<BlockName, KnownTexts>> = {
    actor: new KnownTexts(),
    authorization: new KnownTexts(),
    context: new KnownTexts(),
    retention: new KnownTexts(),
    tool: new KnownTexts(),
  }

  /**
   * The line without the blocks that are known, or undefined where it has none.
   *
   * @param next what the chain block should say, of a well-formed epoch id and log name
   */
  shorten(text: string, next: Chain | undefined): Shortened | undefined {
    if (!text.startsWith(ACTOR)) return undefined
    const known = this.#known
    const actor = known.actor.startingAt(text, ACTOR.length)
    if (actor === undefined) return undefined
    const taken: Blocks = { actor }
    let short = `${ACTOR}0`
    // From here on `at` is the first character behind the last block that was taken out.
    let at = ACTOR.length + actor.length
    if (text.startsWith(AUTHORIZATION, at - 1)) {
      const start = at - 1 + AUTHORIZATION.length
      taken.authorization = known.authorization.startingAt(text, start)
      if (taken.authorization === undefined) return { text: short + text.slice(at), taken }
      short += `${AUTHORIZATION.slice(1)}0`
      at = start + taken.authorization.length
    }
    let place: Chain | undefined
    if (text.startsWith(CHAIN, at - 1)) {
      const chainStart = at - 1 + CHAIN.length
      const chainEnd = text.indexOf('}', chainStart)
      if (next !== undefined && text.slice(chainStart, chainEnd + 1) === chainText(next)) {
        place = next
        short += `${CHAIN.slice(1)}0`
        at = chainEnd + 1
      }
      const start = chainEnd + CONTEXT.length
      taken.context = text.startsWith(CONTEXT, chainEnd)
        ? known.context.startingAt(text, start)
        : undefined
      if (taken.context !== undefined) {
        short += `${text.slice(at, start)}0`
        at = start + taken.context.length
      }
    }
    return this.#shortenEnd(text, at, { text: short, taken, place })
  }

  /** Takes out what stands before `trace` and before `time`; up to `at` the line is `short`. */
  #shortenEnd(text: string, at: number, { text: short, taken, place }: Shortened): Shortened {
    const traceStart = text.lastIndexOf('{') - TRACE.length
    if (traceStart < at || !text.startsWith(TRACE, traceStart)) {
      return { text: short + text.slice(at), taken, place }
    }
    const tool = this.#known.tool.endingAt(text, traceStart, TOOL)
    const toolStart = tool === undefined ? traceStart : traceStart - tool.length
    const timeStart = text.lastIndexOf('{', toolStart - 1)
    const before = text.lastIndexOf('}', timeStart) + 1
    const retention = this.#known.retention.endingAt(text, before, RETENTION)
    const retentionStart = retention === undefined ? before : before - retention.length
    if (retentionStart < at) return { text: short + text.slice(at), taken, place }
    taken.tool = tool
    taken.retention = retention
    const head = text.slice(at, retentionStart) + (retention === undefined ? '' : '0')
    const middle = text.slice(before, toolStart) + (tool === undefined ? '' : '0')
    return { text: short + head + middle + text.slice(traceStart), taken, place }
  }

  /** Puts stand-ins where a shortened line has `0`. */
  restore(record: Record<string, unknown>, { taken, place }: Shortened): void {
    if (place !== undefined) record['chain'] = STAND_INS.chain
    if (taken.actor !== undefined) record['actor'] = STAND_INS.actor
    if (taken.authorization !== undefined) record['authorization'] = STAND_INS.authorization
    if (taken.context !== undefined) record['context'] = STAND_INS.context
    if (taken.retention !== undefined) record['retention'] = STAND_INS.retention
    if (taken.tool !== undefined) record['tool'] = STAND_INS.tool
  }

  /**
   * Remembers the blocks of a record that holds in every respect.
   *
   * @param texts the blocks that were known; gets those that were not
   */
  learn(record: Record<string, unknown>, texts: Blocks): void {
    texts.actor ??= this.#add('actor', record['actor'])
    texts.authorization ??= this.#add('authorization', record['authorization'])
    texts.context ??= this.#add('context', record['context'])
    texts.retention ??= this.#add('retention', record['retention'])
    texts.tool ??= this.#add('tool', record['tool'])
  }

  #add(name: BlockName, value: unknown): string | undefined {
    if (value === undefined) return undefined
    const text = JSON.stringify(value)
    this.#known[name].add(text)
    return text
  }
}

function chainText({ epoch, log, prev, seq }: Chain): string {
  return `{"epoch":"${epoch}","log":"${log}","prev":"${prev}","seq":${seq}}`
}
