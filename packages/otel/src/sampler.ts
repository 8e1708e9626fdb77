// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Attributes, Context, Link, SpanKind } from '@opentelemetry/api'
import type { Sampler, SamplingResult } from '@opentelemetry/sdk-trace-node'
import { SamplingDecision } from '@opentelemetry/sdk-trace-node'
import { ATTR_GEN_AI_OPERATION_NAME } from '@spanseal/core'

/** Agent spans that `shouldSample` let through though the delegate would have dropped them. */
let rescued = 0

/** Whether some provider of this process asks an {@link agentSampler}; `health()` says so. */
export function samplerSeen(): boolean {
  return created > 0
}
let created = 0

/**
 * A sampler that keeps the delegate's answer but for agent spans (those with `gen_ai.operation.name`
 * at their start): where the delegate says NOT_RECORD they are recorded without being sampled, so
 * that a span processor sees them and the exported volume stays as configured.
 *
 * Put it into a provider of your own; `register()` uses it already.
 */
export function agentSampler(delegate: Sampler): Sampler {
  created++
  return {
    shouldSample(
      context: Context,
      traceId: string,
      name: string,
      kind: SpanKind,
      attributes: Attributes,
      links: Link[],
    ): SamplingResult {
      const result = delegate.shouldSample(context, traceId, name, kind, attributes, links)
      if (result.decision !== SamplingDecision.NOT_RECORD) return result
      if (attributes[ATTR_GEN_AI_OPERATION_NAME] === undefined) return result
      rescued++
      return { ...result, decision: SamplingDecision.RECORD }
    },
    toString: () => `agentSampler(${String(delegate)})`,
  }
}

/** How many agent spans were recorded though the delegate dropped them. */
export function rescuedSpans(): number {
  return rescued
}
