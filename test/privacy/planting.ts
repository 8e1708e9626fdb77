// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Audit, AuditOptions, AuthorizationDecision } from '@spanseal/otel'
import type { PlantedSecret } from './planted-secrets.ts'

/** What is planted at a time: one secret, or the texts of all of them. */
export interface Planted {
  /** Where only a commitment, or a mark in its place, may come out. */
  readonly anywhere: string
  /** The secrets alone: under names that say what they are. */
  readonly named: string
  /** Where a text comes out redacted. */
  readonly redacted: string
  /** Where an error's message comes out, as the options say. */
  readonly inErrors: string
  /** Whole ids, each of which a record can hold. */
  readonly ids: readonly string[]
}

export interface PlantingRules {
  readonly errors: NonNullable<AuditOptions['errors']>
  /** Which secrets the redaction at work knows. */
  readonly knows: (secret: PlantedSecret) => boolean
}

export function planted(secrets: readonly PlantedSecret[], rules: PlantingRules): Planted {
  const known = secrets.filter(rules.knows)
  const both = secrets.map(({ text, find }) => (text === find ? text : `${text}\n${find}`))
  return {
    anywhere: both.join('\n'),
    named: secrets.map(({ find }) => find).join('\n'),
    redacted: known.map(({ text }) => text).join('\n'),
    inErrors: (rules.errors === 'redacted' ? known : secrets).map(({ text }) => text).join('\n'),
    ids: secrets.flatMap(({ find, text }) => [find, text].filter(isId).slice(0, 1)),
  }
}

/** What a record takes as an id: 128 bytes of a line. */
export function isId(text: string): boolean {
  return Buffer.byteLength(JSON.stringify(text)) <= 130 && !/[\n\r]/.test(text)
}

/** An audit under way, and all that its callers were told. */
export interface Planter {
  readonly audit: Audit
  /** Messages of errors that the audit itself threw. */
  readonly said: string[]
}

const HOOK_TOOLS: Readonly<
  Record<string, AuthorizationDecision['decision'] | 'fails' | 'says nothing'>
> = {
  approved: 'granted',
  refused: 'denied',
  waiting: 'pending',
  unasked: 'fails',
  misasked: 'says nothing',
}

/** Answers with whatever secrets the arguments of these tools hold; grants all others silently. */
export function leakyHook({
  tool,
  args,
}: {
  readonly tool: { readonly name: string }
  readonly args: readonly unknown[]
}): AuthorizationDecision {
  const decision = HOOK_TOOLS[tool.name]
  if (decision === undefined) return { decision: 'granted' }
  const { reason, approver } = args[0] as { reason: string; approver: string }
  if (decision === 'fails') throw new TypeError(reason)
  if (decision === 'says nothing') return reason as unknown as AuthorizationDecision
  return { decision, reason, approver, policy: { id: 'policy-4' }, method: 'human_approval' }
}
