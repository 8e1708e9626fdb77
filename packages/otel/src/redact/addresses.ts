// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Hit } from './characters.ts'
import { codeAt, isAlphanumeric, isBlank, isDigit, isLatinLetter, isLetter } from './characters.ts'

/** E-mail addresses, user names and passwords in URLs, IP addresses. Every look is bounded. */

/** RFC 5321: 64 octets before the `@`, 255 behind it. */
const LOCAL_CHARS_MAX = 64
const DOMAIN_CHARS_MAX = 255
const AUTHORITY_CHARS_MAX = 512

const LOCAL_PUNCTUATION = new Set(Buffer.from(".!#$%&'*+?^_~-"))
/** `"john doe"@…`, but not the `"` that closes something else before a handle. */
const QUOTED_LOCAL = /"[A-Za-z0-9][A-Za-z0-9 ._-]{0,60}"$/
/** `icon@2x.png` and `module@file.js` are files. */
const FILE_ENDINGS = new Set(['png', 'jpg', 'jpeg', 'gif', 'svg', 'webp', 'js', 'mjs', 'ts', 'css'])

/** The e-mail address around the `@` (or `%40`, `width` 3) at `at`. */
export function emailAt(text: string, at: number, width: number): Hit | undefined {
  const start = width === 1 ? localStart(text, at) : encodedLocalStart(text, at)
  if (start === at) return undefined
  const end = domainEnd(text, at + width)
  if (end < 0 || (at - start === 3 && text.startsWith('git', start))) return undefined
  return { start, end, kind: 'email' }
}

function localStart(text: string, at: number): number {
  if (codeAt(text, at - 1) === 0x22) {
    const quoted = QUOTED_LOCAL.exec(text.slice(Math.max(0, at - LOCAL_CHARS_MAX), at))
    return quoted === null ? at : at - quoted[0].length
  }
  let i = at
  while (at - i < LOCAL_CHARS_MAX && isLocal(codeAt(text, i - 1))) i--
  while (i < at && !isAlphanumeric(codeAt(text, i)) && !isLatinLetter(codeAt(text, i))) i++
  return i
}

/** The same in URL encoding, where `%2B` belongs to the name and `%2F` ends it. */
function encodedLocalStart(text: string, at: number): number {
  let i = localStart(text, at)
  for (let percent = text.indexOf('%', i); percent >= 0 && percent < at; ) {
    if (!/^%(?:2B|2D|2E|5F)/i.test(text.slice(percent, percent + 3))) i = Math.min(at, percent + 3)
    percent = text.indexOf('%', percent + 1)
  }
  return i
}

function isLocal(code: number): boolean {
  return isAlphanumeric(code) || isLatinLetter(code) || LOCAL_PUNCTUATION.has(code)
}

/**
 * The end of the longest domain from `start` on, or -1. Its last label begins with two letters and
 * ends behind its letters: of `ann@example.com-team` the address goes to `com`.
 */
function domainEnd(text: string, start: number): number {
  let end = -1
  let label = start
  let letters = 0
  let labels = 0
  for (let i = start; i - start <= DOMAIN_CHARS_MAX; i++) {
    const code = codeAt(text, i)
    if (isLetter(code) || isLatinLetter(code)) {
      if (letters === i - label) letters++
      continue
    }
    if (isDigit(code) || code === 0x2d) continue
    if (labels > 0 && letters >= 2) end = label + letters
    if (code !== 0x2e || i === label) break
    labels++
    label = i + 1
    letters = 0
  }
  if (end < 0) return -1
  // `react@18.0.0-rc.next` is a version.
  if (/^\d+\.\d/.test(text.slice(start, start + 12))) return -1
  const ending = text.slice(text.lastIndexOf('.', end - 1) + 1, end).toLowerCase()
  return FILE_ENDINGS.has(ending) ? -1 : end
}

/**
 * User name and password of the URL whose `//` is at `at`. A name alone is kept where it is `git`;
 * otherwise it is a token more often than not.
 */
export function userinfoAt(text: string, at: number): Hit | undefined {
  const start = at + 2
  let sign = -1
  let colon = -1
  let inPath = false
  for (let i = start; i - start < AUTHORITY_CHARS_MAX; i++) {
    const code = codeAt(text, i)
    if (
      code < 0 ||
      isBlank(code) ||
      code === 0x22 ||
      code === 0x27 ||
      code === 0x60 ||
      code === 0x3c
    )
      break
    if (code === 0x2f || code === 0x3f || code === 0x23) {
      if (codeAt(text, i + 1) === 0x2f) break
      // A slash in a password: `//user:pa/ss@host`. A port has digits only.
      if (colon < 0 || sign >= 0 || /^\d*$/.test(text.slice(colon + 1, Math.min(i, colon + 8))))
        break
      inPath = true
    }
    if (code === 0x40) {
      sign = i
      if (inPath) break
    } else if (code === 0x3a && colon < 0 && sign < 0) colon = i
  }
  if (sign <= start || (colon < 0 && text.slice(start, sign) === 'git')) return undefined
  return { start, end: sign, kind: 'userinfo' }
}

/** The IPv4 address whose first digit is at `at`: four numbers below 256 and nothing dotted on. */
export function ipv4At(text: string, at: number): Hit | undefined {
  const left = codeAt(text, at - 1)
  if (isAlphanumeric(left) || left === 0x2e) return undefined
  IPV4.lastIndex = at
  if (!IPV4.test(text)) return undefined
  const end = IPV4.lastIndex
  const goesOn =
    isAlphanumeric(codeAt(text, end)) ||
    (codeAt(text, end) === 0x2e && isDigit(codeAt(text, end + 1)))
  return goesOn ? undefined : { start: at, end, kind: 'ip_address' }
}

const IPV4 = /(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)/y
const IPV6_CHARS_MAX = 45

/** The IPv6 address around the colon at `at`. */
export function ipv6At(text: string, at: number): Hit | undefined {
  let start = at
  while (at - start < IPV6_CHARS_MAX && isIpv6(codeAt(text, start - 1))) start--
  let end = at + 1
  while (end - at < IPV6_CHARS_MAX && isIpv6(codeAt(text, end))) end++
  if (isAlphanumeric(codeAt(text, start - 1)) || isAlphanumeric(codeAt(text, end))) return undefined
  const address = text.slice(start, end)
  const groups = address.split(':')
  if (groups.length > 9 || groups.some((group) => group.length > 4)) return undefined
  const gaps = address.split('::').length - 1
  if (gaps > 1 || (gaps === 0 && groups.length !== 8)) return undefined
  const filled = groups.filter((group) => group !== '').length
  if (filled < (gaps === 1 ? 2 : 8) || !/\d/.test(address)) return undefined
  return { start, end, kind: 'ip_address' }
}

function isIpv6(code: number): boolean {
  if (code === 0x3a || isDigit(code)) return true
  return isLetter(code) && (code | 0x20) <= 0x66
}
