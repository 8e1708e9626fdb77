// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Authorization, Observed } from '@spanseal/core'
import type { CallIntent, OpenCall } from './call.ts'
import type { Digested } from './commitments.ts'
import type { CallOutcome } from './outcome.ts'
import type { RecordHead } from './record-writer.ts'
import { authorizationBlock } from './recurring-blocks.ts'
import { sizeClass } from './redact/shape.ts'

/** Type and trace of a call's start or end. */
export function headOf(
  { kind, trace, eventAt, authorization }: CallIntent,
  end: 'start' | 'end',
): RecordHead {
  const decision = authorization?.decision
  return {
    type: `${kind}.${end}` as const,
    trace,
    eventAt: end === 'start' ? eventAt : undefined,
    urgent: decision === 'denied' || decision === 'pending',
  }
}

/** What start and end of a call have in common. */
export function blocksOf(intent: CallIntent): OpenCall['blocks'] {
  const { scope, tool, authorization, kind, name } = intent
  const context = intent.context ?? scope.context
  if (kind === 'task' || tool === undefined) {
    return { actor: scope.actor, context, detail: { name: name ?? 'task' } }
  }
  return {
    actor: scope.actor,
    authorization: authorizationBlock(authorization as Authorization),
    context,
    tool: tool.tool,
  }
}

/** What was observed of the input, with the size of the output. */
export function withOutput(observed: Observed, output: Digested | undefined): Observed {
  if (output === undefined) return observed
  const { flags, input_bytes, input_shape } = observed
  return { flags, input_bytes, input_shape, output_bytes: sizeClass(output.digest.bytes) }
}

export function severityOf({ status }: CallOutcome): 'info' | 'warning' | 'error' {
  if (status === 'error' || status === 'timeout') return 'error'
  return status === 'success' ? 'info' : 'warning'
}
