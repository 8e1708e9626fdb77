// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { context, trace } from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
} from '@opentelemetry/sdk-trace-node'
import { describeProvider } from './provider.contract.ts'
import { agentSampler } from './sampler.ts'

describeProvider('a provider of OpenTelemetry 2.x', (audit, sampling) => {
  trace.disable()
  context.disable()
  const root = sampling === 'on' ? new AlwaysOnSampler() : new AlwaysOffSampler()
  const sampler = new ParentBasedSampler({ root })
  const provider = new NodeTracerProvider({
    sampler: sampling === 'rescued' ? agentSampler(sampler) : sampler,
    spanProcessors: [audit.processor, new BatchSpanProcessor(audit.exporter)],
  })
  provider.register()
  return {
    forceFlush: () => provider.forceFlush(),
    shutdown: async () => {
      await provider.shutdown()
      trace.disable()
      context.disable()
    },
  }
})
