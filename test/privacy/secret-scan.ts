// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { PlantedSecret } from './planted-secrets.ts'

/** Something that came out, under the name of where it came out. */
export interface Source {
  readonly name: string
  readonly text: string
}

interface Needle {
  readonly kind: string
  readonly form: string
  /** In lower case: case is ignored, which also finds upper-case hexadecimals and lower-cased keys. */
  readonly text: string
}

const PIECE_CHARS = 16
const PIECES_FROM_CHARS = 32
/** Shorter rows of digits may stand in a time or a hash by chance. */
const DIGITS_MIN = 12
const AROUND_CHARS = 60
const BETWEEN = '\n\0\n'

/** The forms in which a secret may come out. */
function needlesOf({ kind, find }: PlantedSecret): Needle[] {
  const json = JSON.stringify(find).slice(1, -1)
  const url = encodeURIComponent(find)
  const bytes = Buffer.from(find)
  const forms: [string, string][] = [
    ['exact', find],
    ['JSON', json],
    ['JSON in JSON', JSON.stringify(json).slice(1, -1)],
    ['URL-encoded', url],
    ['URL-encoded twice', encodeURIComponent(url)],
    ['form-encoded', new URLSearchParams([['', find]]).toString().slice(1)],
    ['hexadecimal', bytes.toString('hex')],
    ...base64Forms(bytes),
    ...piecesOf(find).map((piece): [string, string] => ['piece', piece]),
    ...separated(find).map((digits): [string, string] => ['without separators', digits]),
  ]
  // The first form that gives a text is the one it is called by.
  const texts = new Map(forms.toReversed().map(([form, text]) => [text.toLowerCase(), form]))
  return [...texts].toReversed().map(([text, form]) => ({ kind, form, text }))
}

/** As base64 wherever it may stand in the encoded bytes: the characters that its bytes alone decide. */
function base64Forms(bytes: Buffer): [string, string][] {
  return [0, 1, 2].flatMap((before): [string, string][] => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const from = Math.ceil((before * 8) / 6)
    const text = whole.slice(from, Math.floor(((before + bytes.length) * 8) / 6))
    return [
      ['base64', text],
      ['base64url', text.replaceAll('+', '-').replaceAll('/', '_')],
    ]
  })
}

/** Stretches of a long secret, so that a part of 31 characters is found wherever it was cut. */
function piecesOf(find: string): string[] {
  if (find.length < PIECES_FROM_CHARS) return []
  // The frame of a key and the address of a hook say nothing, what is framed and addressed does.
  const lines = find.split('\n').filter((line) => !line.startsWith('-----'))
  const parts = find.startsWith('https://') ? lines.map((line) => line.replace(/.*\//, '')) : lines
  return parts.flatMap((part) => {
    const pieces: string[] = []
    for (let at = 0; at + PIECE_CHARS <= part.length; at += PIECE_CHARS) {
      pieces.push(part.slice(at, at + PIECE_CHARS))
    }
    return pieces
  })
}

function separated(find: string): string[] {
  const digits = find.replace(/[ ()+-]/g, '')
  return /^(?:[A-Z]{2})?\d+$/.test(digits) && digits.length >= DIGITS_MIN ? [digits] : []
}

/** Finds secrets in what came out, in any of their forms. */
export class SecretScan {
  readonly #needles: readonly Needle[]
  /** Says in one pass that there is nothing, which is what a scan finds mostly. */
  readonly #any: RegExp

  constructor(secrets: readonly PlantedSecret[]) {
    this.#needles = secrets.flatMap(needlesOf)
    this.#any = new RegExp(this.#needles.map(({ text }) => escaped(text)).join('|'))
  }

  /** The first place of each secret, in words. Texts that came out twice are looked at once. */
  leaksIn(sources: readonly Source[]): string[] {
    const known = new Set<string>()
    const fresh = sources.filter(({ text }) => !known.has(text) && known.add(text))
    const all = fresh.map(({ text }) => text.toLowerCase()).join(BETWEEN)
    if (!this.#any.test(all)) return []
    const leaks = new Map<string, string>()
    for (const { kind, form, text } of this.#needles) {
      const at = leaks.has(kind) ? -1 : all.indexOf(text)
      if (at >= 0) leaks.set(kind, `${kind} (${form}) in ${placeOf(fresh, all, at)}`)
    }
    return [...leaks.values()]
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function placeOf(sources: readonly Source[], all: string, at: number): string {
  const index = all.slice(0, at).split(BETWEEN).length - 1
  const around = all.slice(Math.max(0, at - AROUND_CHARS), at + AROUND_CHARS)
  return `${sources[index]?.name}: …${around.replaceAll(/\s+/g, ' ')}…`
}
