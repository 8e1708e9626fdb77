// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { canonicalize } from '../canonical.ts'
import type { Checkpoint } from '../checkpoint.ts'
import { isEpochId } from '../epoch-id.ts'
import { AuditError } from '../errors.ts'
import { formatHeadLine, parseHeadLine } from '../head-line.ts'
import { OPEN_CALLS_MAX } from './call-check.ts'
import { epochOfOrigin } from './given-heads.ts'
import type { HeadFile, HeldCall, HeldEpoch } from './head-file.ts'
import { checkHeld } from './held-epochs.ts'

/**
 * A head file is head lines, one for each epoch and one for the tenant log, so that it can be given
 * wherever heads are; behind an epoch's stands, in a comment line, what it takes to go on from there.
 */
const TITLE = '# spanseal/heads/1'
const STATE = '#> '

const HASH = /^[0-9a-f]{64}$/
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/
const NANOS = /^(0|[1-9]\d{0,18})$/

/** The text of a head file; with `linesOnly` what a person keeps, from which nothing can be gone on. */
export function formatHeadFile(
  { epochs, tenant }: HeadFile,
  { linesOnly = false }: { readonly linesOnly?: boolean } = {},
): string {
  const lines = epochs.flatMap((held) => {
    const line = formatHeadLine(held.head)
    return linesOnly ? [line] : [line, `${STATE}${stateText(held)}`]
  })
  if (tenant !== undefined) lines.push(formatHeadLine(tenant))
  return `${(linesOnly ? lines : [TITLE, ...lines]).join('\n')}\n`
}

function stateText(held: HeldEpoch): string {
  const { calls } = held
  const state = { ...held, head: undefined }
  const known = Object.entries(state).filter(([, value]) => value !== undefined)
  const rows = calls.map(({ seq, likeness, listed }) => [seq, likeness, listed])
  return canonicalize({ ...Object.fromEntries(known), calls: rows })
}

/**
 * The heads of a file of head lines; empty lines, and those that begin with `#`, say nothing.
 *
 * @throws AuditError `MALFORMED_HEAD` for any other line
 */
export function parseHeadLines(text: string): Checkpoint[] {
  const lines = text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map(parseHeadLine)
}

/**
 * Reads a head file from which a verification can go on.
 *
 * @throws AuditError `MALFORMED_HEAD` for anything that {@link formatHeadFile} does not write, and for
 * heads that do not follow from what stands with them
 */
export function parseHeadFile(text: string): HeadFile {
  const [title, ...lines] = text.split('\n')
  if (title !== TITLE)
    refuse('it does not begin with its title; head lines alone are given as heads')
  if (lines.pop() !== '') refuse('its last line is not whole')
  const epochs: HeldEpoch[] = []
  let tenant: Checkpoint | undefined
  let head: Checkpoint | undefined
  for (const line of lines) {
    if (line.startsWith(STATE)) {
      if (head === undefined) refuse('a state stands behind no head')
      epochs.push({ ...stateOf(line.slice(STATE.length)), head })
      head = undefined
    } else {
      if (head !== undefined || tenant !== undefined) refuse('an epoch has no state')
      head = parseHeadLine(line)
      if (isEpochId(epochOfOrigin(head.origin))) continue
      tenant = head
      head = undefined
    }
  }
  if (head !== undefined) refuse('an epoch has no state')
  const file: HeadFile = { epochs, ...(tenant && { tenant }) }
  checkHeld(file)
  if (formatHeadFile(file) !== text) refuse('it is not in its one form')
  return file
}

function refuse(why: string): never {
  throw new AuditError('MALFORMED_HEAD', `not a head file: ${why}`)
}

function stateOf(text: string): Omit<HeldEpoch, 'head'> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new AuditError('MALFORMED_HEAD', 'not a head file: a state is not JSON', { cause })
  }
  const state = value as Record<keyof HeldEpoch, unknown>
  const isState =
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).every((key) => Object.hasOwn(FIELDS, key)) &&
    Object.entries(FIELDS).every(([key, holds]) => holds(state[key as keyof typeof FIELDS]))
  if (!isState) refuse('a state lacks something, or has something else')
  const calls = (state.calls as [number, string, boolean][]).map(
    ([seq, likeness, listed]): HeldCall => ({ seq, likeness, listed }),
  )
  return { ...(state as unknown as Omit<HeldEpoch, 'head'>), calls }
}

const FIELDS = {
  nodes: (value: unknown) => Array.isArray(value) && value.length <= 64 && value.every(isHash),
  openingLeaf: isHash,
  openingEndLeaf: isHash,
  leaf: isHash,
  segment: (value: unknown) => value === undefined || isCount(value),
  byteOffset: isCount,
  line: isCount,
  notesByteOffset: isCount,
  notesLine: isCount,
  coveredSize: isCount,
  rev: isCount,
  at: (value: unknown) => typeof value === 'string' && TIME.test(value),
  monoNanos: (value: unknown) => typeof value === 'string' && NANOS.test(value),
  skewMillis: (value: unknown) => value === undefined || Number.isFinite(value),
  openingSize: isCount,
  closed: isBoolean,
  expiredSize: isCount,
  calls: (value: unknown) =>
    Array.isArray(value) && value.length <= OPEN_CALLS_MAX && value.every(isCall),
  callsUnlisted: isCount,
} as const

function isCall(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length === 3 &&
    isCount(value[0]) &&
    isHash(value[1]) &&
    isBoolean(value[2])
  )
}

function isHash(value: unknown): boolean {
  return typeof value === 'string' && HASH.test(value)
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}
