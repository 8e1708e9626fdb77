// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** What is said of a verdict or a level: its name, what it means, what it does not prove. */
export interface LevelText {
  readonly name: string
  readonly means: string
  readonly notProved: string
}

/** Findings of one code: what the code means, and where it was found. */
export interface FindingGroup {
  readonly kind: 'fault' | 'notice'
  readonly code: string
  /** The check that found them, where each check has a group of its own. */
  readonly check?: string
  readonly means: string
  /** All of them, of which `items` are the first. */
  readonly count: number
  readonly items: readonly FindingItem[]
}

export interface FindingItem {
  readonly message: string
  /** `file:line` first, then byte, seq or epoch, as far as they are known. */
  readonly place: readonly string[]
}

/**
 * A verdict in words, for whoever lays it out as text or as a page. All of it is printable, but that
 * LF parts lines.
 */
export interface Statement {
  readonly holds: boolean
  readonly title: string
  /** A label of at most ten characters, and what it says. */
  readonly rows: readonly (readonly [label: string, text: string])[]
  /** Faults first. */
  readonly groups: readonly FindingGroup[]
  /** Head lines to be kept elsewhere, to be copied as they are; empty where nothing holds. */
  readonly heads: readonly string[]
  /** Heads that were reached besides. */
  readonly moreHeads: number
  /** What to do next: at least one thing. */
  readonly next: readonly string[]
}

/** Says why heads are shown. */
export const KEEP_HEADS = 'Keep elsewhere: with these heads it shows what goes missing later'

export function titleOf(ok: boolean, level: number, { name }: LevelText): string {
  return ok ? `HOLDS at level ${level} of 5: ${name}` : `DOES NOT HOLD: ${name}`
}

/** `1 record`, `1,204 records`. */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}
