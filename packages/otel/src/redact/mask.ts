// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Hit } from './characters.ts'
import type { SecretKeyTest } from './key-names.ts'
import { findSensitive, MARKER_START } from './patterns.ts'
import type { NamedPattern } from './redaction-options.ts'

/** What a redactor looks for. */
export interface Masker {
  readonly isSecret: SecretKeyTest
  readonly ipAddresses: boolean
  readonly patterns: readonly NamedPattern[]
}

/** Masks the value under a secret name. */
export const SECRET_MASK = '[REDACTED:secret]'
export const CUT_MARK = '[cut]'
/** A text is scanned and kept up to here; what is behind is neither looked at nor shown. */
export const TEXT_CHARS_MAX = 65_536
/** Looked at beyond the cut, so that no half of a secret stands before it. */
const MARGIN_CHARS = 2_048
/** A user's pattern sees this much at once, so that a slow one stays bearable. */
const WINDOW_CHARS = 4_096
/** Windows overlap by this much: a user's pattern finds what is not longer. */
const OVERLAP_CHARS = 512
/** One pass finds nothing new behind another, but for texts made to be cut up; tested. */
const PASSES_MAX = 8

/**
 * The text with everything masked that is found, until nothing more is found: applied again it
 * gives the same. `before` is what stands in front of it, such as the key that it is the value of.
 */
export function maskText(text: string, masker: Masker, before = ''): string {
  let masked = text
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const next = maskOnce(masked, masker, before)
    if (next === masked) break
    masked = next
  }
  return masked
}

function maskOnce(text: string, masker: Masker, before: string): string {
  const long = text.length > TEXT_CHARS_MAX
  const scanned = long ? text.slice(0, TEXT_CHARS_MAX + MARGIN_CHARS) : text
  const { isSecret, ipAddresses } = masker
  const found = findSensitive(scanned, { isSecret, ipAddresses, before })
  const hits = masker.patterns.length === 0 ? found : [...found, ...customHits(scanned, masker)]
  if (hits.length === 0 && !long) return text
  return replace(scanned, merged(hits))
}

function customHits(text: string, { patterns }: Masker): readonly Hit[] {
  const hits: Hit[] = []
  for (const { start, end } of unmarked(text)) {
    for (let at = start; at < end; at += WINDOW_CHARS - OVERLAP_CHARS) {
      const window = text.slice(at, Math.min(end, at + WINDOW_CHARS))
      for (const pattern of patterns) addMatches(window, pattern, { at, hits })
      if (at + WINDOW_CHARS >= end) break
    }
  }
  return hits
}

function addMatches(
  window: string,
  { name, pattern }: NamedPattern,
  { at, hits }: { readonly at: number; readonly hits: Hit[] },
): void {
  for (const { 0: match, index } of window.matchAll(pattern)) {
    if (match === '') continue
    hits.push({ start: at + index, end: at + index + match.length, kind: name })
  }
}

/** The stretches between marks of an earlier pass: no pattern may match a mark and grow it. */
function unmarked(text: string): readonly { readonly start: number; readonly end: number }[] {
  if (!text.includes(MARKER_START)) return [{ start: 0, end: text.length }]
  const stretches = []
  let start = 0
  for (const mark of text.matchAll(/\[REDACTED:[a-z][a-z0-9_]{0,31}\]/g)) {
    if (mark.index > start) stretches.push({ start, end: mark.index })
    start = mark.index + mark[0].length
  }
  if (start < text.length) stretches.push({ start, end: text.length })
  return stretches
}

/** Hits in order, overlapping ones as one that is named after the longest. */
function merged(hits: readonly Hit[]): readonly Hit[] {
  if (hits.length < 2) return hits
  const sorted = hits.toSorted((a, b) => a.start - b.start || b.end - a.end)
  const out: Hit[] = []
  let longest = 0
  for (const hit of sorted) {
    const last = out.at(-1)
    if (last === undefined || hit.start >= last.end) {
      out.push(hit)
      longest = hit.end - hit.start
      continue
    }
    const wider = hit.end - hit.start > longest
    longest = Math.max(longest, hit.end - hit.start)
    out[out.length - 1] = {
      start: last.start,
      end: Math.max(last.end, hit.end),
      kind: wider ? hit.kind : last.kind,
    }
  }
  return out
}

/** Writes marks over the hits and keeps the result within {@link TEXT_CHARS_MAX} characters. */
function replace(text: string, hits: readonly Hit[]): string {
  let out = ''
  let at = 0
  for (const { start, end, kind } of hits) {
    out += text.slice(at, start)
    const mark = `${MARKER_START}${kind}]`
    if (out.length + mark.length > TEXT_CHARS_MAX) return cut(out)
    out += mark
    at = end
  }
  out += text.slice(at)
  return out.length > TEXT_CHARS_MAX ? cut(out) : out
}

function cut(text: string): string {
  let end = Math.min(text.length, TEXT_CHARS_MAX - CUT_MARK.length)
  // Neither half a surrogate pair nor half a mark stays.
  if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--
  const mark = text.lastIndexOf(MARKER_START, end)
  if (mark >= 0 && text.indexOf(']', mark) >= end) end = mark
  return text.slice(0, end) + CUT_MARK
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}
