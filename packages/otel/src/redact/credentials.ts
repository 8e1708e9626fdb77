// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Hit } from './characters.ts'
import { codeAt, isAlphanumeric } from './characters.ts'

/** Credentials that are known by their form: vendors' keys, JWTs, PEM blocks, bearer and basic. */

/** Shorter runs of letters, digits, `_` and `-` are not looked at: no key is that short. */
export const RUN_CHARS_MIN = 16

/**
 * Forms with a prefix that nothing else has, found anywhere in a run. Sources: the vendors' own
 * pages on secret scanning and the formats that GitHub and GitLab publish for theirs.
 */
const STRONG = new RegExp(
  [
    '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}', // AWS
    'gh[pousr]_[A-Za-z0-9]{36}', // GitHub
    'github_pat_[A-Za-z0-9_]{22}',
    'gl(?:pat|dt|rt|ptt|cbt|ft|imt|agent|oas)-[A-Za-z0-9_-]{20}', // GitLab
    'xox[abeoprs]-[A-Za-z0-9-]{10}', // Slack
    'xapp-[0-9]-[A-Za-z0-9-]{10}',
    '(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16}', // Stripe
    'whsec_[A-Za-z0-9]{16}',
    'AIza[A-Za-z0-9_-]{35}', // Google
    'GOCSPX-[A-Za-z0-9_-]{20}',
    'npm_[A-Za-z0-9]{36}',
    'pypi-AgE[A-Za-z0-9_-]{50}',
    'rubygems_[0-9a-f]{48}',
    'hf_[A-Za-z0-9]{30}', // Hugging Face
    'gsk_[A-Za-z0-9]{40}', // Groq
    'r8_[A-Za-z0-9]{30}', // Replicate
    'shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}', // Shopify
    'do[opr]_v1_[0-9a-f]{64}', // DigitalOcean
    'dapi[0-9a-f]{32}', // Databricks
    'sq0(?:atp|csp)-[A-Za-z0-9_-]{22}', // Square
    'glsa_[A-Za-z0-9_]{32}', // Grafana
    'glc_[A-Za-z0-9+/]{32}',
    'sntr(?:ys|yu)_[A-Za-z0-9_=+/]{32}', // Sentry
    'lsv2_(?:pt|sk)_[A-Za-z0-9_]{32}', // LangSmith
    'NRAK-[A-Z0-9]{27}', // New Relic
    'PMAK-[A-Za-z0-9-]{50}', // Postman
    'tskey-[a-z]{3,12}-[A-Za-z0-9-]{16}', // Tailscale
    'AGE-SECRET-KEY-1[A-Z0-9]{40}',
    'ATATT3[A-Za-z0-9_-]{20}', // Atlassian
    'ntn_[A-Za-z0-9]{40}', // Notion
    'secret_[A-Za-z0-9]{43}',
    'sbp_[0-9a-f]{40}', // Supabase
    'pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_-]{32}',
    'lin_(?:api|oauth)_[A-Za-z0-9]{32}', // Linear
    'figd_[A-Za-z0-9_-]{20}', // Figma
    'PRIVATE-TOKEN-[A-Za-z0-9]{16}',
  ].join('|'),
)

/** Forms whose prefix is also the end of ordinary words, so nothing may stand glued before it. */
const BOUNDED = new RegExp(
  `(?:^|[^A-Za-z0-9])(?:${[
    'sk-(?:ant|proj|or|lf|svcacct|admin|None)-[A-Za-z0-9_-]{16}', // Anthropic, OpenAI, others
    'sk-(?=[A-Za-z0-9]{0,48}[0-9])[A-Za-z0-9]{20}',
    'sk-(?=[a-z_-]{0,48}[0-9A-Z])[A-Za-z0-9_-]{32}',
    'xai-[A-Za-z0-9]{20}',
    'pplx-[A-Za-z0-9]{20}',
    'tvly-[A-Za-z0-9-]{16}',
    'e2b_[0-9a-f]{32}',
    'key-[0-9a-f]{32}', // Mailgun
    'SK[0-9a-f]{32}', // Twilio
    'EAA[A-Za-z0-9]{80}', // Meta
  ].join('|')})`,
)

/** Forms with a dot: what stands before the run, and the shortest run behind it. */
const DOTTED = /(?:^|[^A-Za-z0-9])((?:SG|hv[sbr]|ya29|dp\.[a-z]{2,5}|[A-Za-z0-9]{14}\.atlasv1)\.)$/
const JWT = /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3}/y
const DISCORD = /[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}/y
const TELEGRAM = /(?:^|[^0-9])([0-9]{8,10}:)$/
const WEBHOOK_BEFORE =
  /(?:hooks\.slack\.com\/(?:services|workflows)|discord(?:app)?\.com\/api\/webhooks)\/[\w/]{0,48}$/

/** Words that make a random string behind them a secret, and words that may stand between. */
const SECRET_BEFORE =
  /(?:^|[^a-z])(?:secret|token|password|passwd|pwd|credentials?|passphrase|api_?-? ?key|apikey|bearer|cookie|(?:access|auth|private|signing|encryption|secret|session|master)[ _-]?key)[^a-z0-9]{1,4}(?:(?:is|was|are|to|value|set|equals|here|the|your|my|with|using)[^a-z0-9]{1,4}){0,2}$/i
const CONTEXT_CHARS = 48

/** The credential in the run [start, end) of letters, digits, `_` and `-`, if there is one. */
export function credentialInRun(text: string, start: number, end: number): Hit | undefined {
  const run = text.slice(start, end)
  const token = run.indexOf('eyJ')
  const jwt = token < 0 ? -1 : sticky(JWT, text, start + token)
  if (jwt > 0) return { start: start + token, end: jwt, kind: 'jwt' }
  const vendor = vendorStart(text, run, start)
  if (vendor >= 0) return { start: vendor, end: keyEnd(text, end), kind: 'api_key' }
  const discord = sticky(DISCORD, text, start)
  if (discord > 0) return { start, end: discord, kind: 'api_key' }
  if (!isRandom(run)) return undefined
  const from = keyStart(text, start)
  const before = text.slice(Math.max(0, from - CONTEXT_CHARS), from)
  const context = before.slice(before.lastIndexOf(']') + 1)
  if (SECRET_BEFORE.test(context)) return { start: from, end: keyEnd(text, end), kind: 'secret' }
  return undefined
}

function sticky(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : -1
}

/** Where the vendor's key begins that the run is or ends, or -1. */
function vendorStart(text: string, run: string, start: number): number {
  const strong = run.search(STRONG)
  if (strong >= 0) return start + strong
  const bounded = BOUNDED.exec(run)
  // The character before is part of the match but for the run's first.
  if (bounded !== null) return start + bounded.index + (/^[A-Za-z]/.test(bounded[0]) ? 0 : 1)
  const near = text.slice(Math.max(0, start - 24), start)
  const prefix = near.endsWith('.')
    ? DOTTED.exec(near)
    : near.endsWith(':') && run.length === 35
      ? TELEGRAM.exec(near)
      : null
  if (prefix !== null) return start - (prefix[1] as string).length
  const isHook =
    near.endsWith('/') && WEBHOOK_BEFORE.test(text.slice(Math.max(0, start - 96), start))
  return isHook ? start : -1
}

/** Hex of 128 bits and more, or 20 and more characters of three kinds: not a word, not a number. */
function isRandom(run: string): boolean {
  if (run.length < 20) return false
  if (/^[0-9a-f]{32,}$/i.test(run)) return true
  return /[0-9]/.test(run) && /[a-z]/.test(run) && (/[A-Z]/.test(run) || run.length >= 24)
}

const KEY_TAIL_CHARS_MAX = 512

/** Base64 goes on behind a run with `+`, `/`, `=`; a full stop at the very end is not part of it. */
function keyEnd(text: string, end: number): number {
  let i = end
  while (i - end < KEY_TAIL_CHARS_MAX && isKeyCharacter(codeAt(text, i))) i++
  while (i > end && codeAt(text, i - 1) === 0x2e) i--
  return i
}

function isKeyCharacter(code: number): boolean {
  if (isAlphanumeric(code)) return true
  return (
    code === 0x2b ||
    (code >= 0x2d && code <= 0x2f) ||
    code === 0x3d ||
    code === 0x5f ||
    code === 0x7e
  )
}

/** Base64 before a run; bounded, so that many runs in a row cost no more than their length. */
function keyStart(text: string, start: number): number {
  let i = start
  while (start - i < 128 && isBase64(codeAt(text, i - 1))) i--
  return i
}

function isBase64(code: number): boolean {
  return isAlphanumeric(code) || code === 0x2b || code === 0x2f
}

const PEM_BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/y
const PEM_END = '-----END '

/** A private key from its BEGIN line to its END line, or to the end of the text where that is cut off. */
export function privateKeyAt(text: string, at: number): Hit | undefined {
  const begin = sticky(PEM_BEGIN, text, at)
  if (begin < 0) return undefined
  const last = text.indexOf(PEM_END, begin)
  const dashes = last < 0 ? -1 : text.indexOf('-----', last + PEM_END.length)
  return { start: at, end: dashes < 0 ? text.length : dashes + 5, kind: 'private_key' }
}

const SCHEME = /(bearer|basic)\s{1,4}["']?([A-Za-z0-9._~+/=-]{8,})/iy

/** `Bearer <token>` and `Basic <base64 of user:password>` in running text. */
export function schemeAt(text: string, at: number): Hit | undefined {
  if (isAlphanumeric(codeAt(text, at - 1))) return undefined
  SCHEME.lastIndex = at
  const found = SCHEME.exec(text)
  if (found === null) return undefined
  const value = found[2] as string
  const token = value.replace(/\.+$/, '')
  const secret = (found[1] as string).toLowerCase() === 'bearer' ? isBearer(token) : isBasic(token)
  const end = SCHEME.lastIndex - (value.length - token.length)
  return secret ? { start: end - token.length, end, kind: 'authorization' } : undefined
}

/** "bearer authentication" is prose: a token has a digit, or capitals inside, or is long. */
function isBearer(token: string): boolean {
  return token.length >= 8 && (/[0-9]/.test(token) || /.[A-Z]/.test(token) || token.length >= 24)
}

function isBasic(token: string): boolean {
  const body = token.replace(/=+$/, '')
  if (body.length % 4 === 1 || !/^[A-Za-z0-9+/_-]+$/.test(body)) return false
  const decoded = Buffer.from(body.slice(0, 512), 'base64').toString('latin1')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: user:password has none
  return decoded.includes(':') && !/[\u0000-\u001f]/.test(decoded)
}
