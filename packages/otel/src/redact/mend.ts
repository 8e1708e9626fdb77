// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** What was changed about a text so that it could stand in a record. */
export type MendFlag = 'malformed_text' | 'control_characters' | 'cut'

export interface MendedText {
  /** Well-formed. */
  readonly text: string
  /** In the order above; empty where the text is as it was. */
  readonly flags: readonly MendFlag[]
}

/** Names in a record have at most 256 canonical bytes, ids 128. */
const NAME_BYTES_MAX = 256

const REPLACEMENT = '\ufffd'
// Controls of ASCII and Latin-1, line and paragraph separator, and the marks that turn the direction
// of writing (Unicode TR 36, "bidirectional text spoofing").
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/
const ALL_CONTROLS = new RegExp(CONTROLS.source, 'g')
const UNCHANGED: readonly MendFlag[] = []

/**
 * The text as a record may hold it: lone surrogates become U+FFFD, and what is longer than
 * `bytesMax` canonical bytes (UTF-8, with JSON's escapes counted; default: no cap) is cut between
 * code points. Never throws; mended twice it is the same.
 */
export function mendText(text: string, bytesMax: number = Number.POSITIVE_INFINITY): MendedText {
  const flags: MendFlag[] = []
  const whole = wellFormed(text, flags)
  return finish(whole, bytesMax, flags)
}

/**
 * As {@link mendText}, with U+FFFD in place of control characters as well: a name stands in lines
 * of its own, on terminals and in reports. `bytesMax` defaults to 256.
 */
export function mendName(name: string, bytesMax: number = NAME_BYTES_MAX): MendedText {
  const flags: MendFlag[] = []
  const whole = wellFormed(name, flags)
  const cleaned = CONTROLS.test(whole) ? whole.replace(ALL_CONTROLS, REPLACEMENT) : whole
  if (cleaned !== whole) flags.push('control_characters')
  return finish(cleaned, bytesMax, flags)
}

function wellFormed(text: string, flags: MendFlag[]): string {
  if (text.isWellFormed()) return text
  flags.push('malformed_text')
  return text.toWellFormed()
}

function finish(text: string, bytesMax: number, flags: MendFlag[]): MendedText {
  const end = endWithin(text, bytesMax)
  if (end === text.length) return { text, flags: flags.length === 0 ? UNCHANGED : flags }
  return { text: text.slice(0, end), flags: [...flags, 'cut'] }
}

/** Where to cut so that at most `bytesMax` canonical bytes stand before. */
function endWithin(text: string, bytesMax: number): number {
  // No character takes more than six bytes.
  if (text.length * 6 <= bytesMax) return text.length
  let bytes = 0
  for (let i = 0; i < text.length; ) {
    const code = text.codePointAt(i) as number
    bytes += canonicalBytes(code)
    if (bytes > bytesMax) return i
    i += code > 0xffff ? 2 : 1
  }
  return text.length
}

/** What a code point takes between the quotes of RFC 8785 JSON. */
function canonicalBytes(code: number): number {
  if (code >= 0x80) return code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  if (code >= 0x20) return code === 0x22 || code === 0x5c ? 2 : 1
  // \b \t \n \f \r have short escapes, the others \u00xx.
  return (code >= 8 && code <= 10) || code === 12 || code === 13 ? 2 : 6
}
