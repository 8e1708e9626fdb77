// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { sha256Hex } from '../hash.ts'
import type { ReadRecord } from './read-record.ts'

/** What an end has to share with its start. */
export interface Likeness {
  readonly kind: string
  readonly actor: string
  readonly tool: string
  readonly authorization: string
  readonly input: string
}

export function likenessOf({ blocks, envelope }: ReadRecord): Likeness {
  const { actor = '', authorization = '', tool = '' } = blocks
  const { type } = envelope
  const kind = type.slice(0, type.lastIndexOf('.'))
  const { invocation } = envelope as { invocation?: unknown }
  const input = (invocation as { input?: unknown } | undefined)?.input
  return {
    kind,
    actor,
    authorization,
    tool,
    input: input === undefined ? '' : JSON.stringify(input),
  }
}

/** One digest for all of it, 64 hex digits: what is kept where there is much, or for long. */
export function hashOfLikeness(likeness: Likeness | string): string {
  if (typeof likeness === 'string') return likeness
  const { kind, actor, authorization, tool, input } = likeness
  return sha256Hex(JSON.stringify([kind, actor, authorization, tool, input]))
}

/** In what the two differ, for a sentence; undefined where they are alike. */
export function differenceOf(start: Likeness | string, end: Likeness | string): string | undefined {
  if (typeof start === 'string' || typeof end === 'string') {
    const alike = hashOfLikeness(start) === hashOfLikeness(end)
    return alike ? undefined : 'another actor, tool, authorization or input'
  }
  if (start.kind !== end.kind) return `another kind (${end.kind}, not ${start.kind})`
  if (start.actor !== end.actor) return 'another actor'
  if (start.tool !== end.tool) return 'another tool'
  if (start.authorization !== end.authorization) return 'another authorization'
  return start.input === end.input ? undefined : 'another input commitment'
}
