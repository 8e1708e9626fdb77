// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Sampler, SamplingResult } from '@opentelemetry/sdk-trace-node'
import { SamplingDecision } from '@opentelemetry/sdk-trace-node'
import { ATTR_GEN_AI_OPERATION_NAME } from '@spanseal/core'

let created = 0

/** Whether some provider of this process was given an {@link agentSampler}; `health()` says so. */
export function samplerSeen(): boolean {
  return created > 0
}

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
    shouldSample(...asked: Parameters<Sampler['shouldSample']>): SamplingResult {
      const result = delegate.shouldSample(...asked)
      if (result.decision !== SamplingDecision.NOT_RECORD) return result
      const attributes = asked[4]
      if (attributes[ATTR_GEN_AI_OPERATION_NAME] === undefined) return result
      return { ...result, decision: SamplingDecision.RECORD }
    },
    toString: () => `agentSampler(${String(delegate)})`,
  }
}
