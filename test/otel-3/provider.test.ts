// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { agentSampler } from '@spanseal/otel'
import { describeProvider } from '../../packages/otel/src/provider.contract.ts'

// These packages are those of this folder; the contract and @spanseal/otel use those of the workspace.
describeProvider('a provider of OpenTelemetry 3.x', (audit, sampling) => {
  trace.disable()
  context.disable()
  const root = sampling === 'on' ? new AlwaysOnSampler() : new AlwaysOffSampler()
  const sampler = new ParentBasedSampler({ root })
  const provider = new TracerProvider({
    sampler: sampling === 'rescued' ? agentSampler(sampler) : sampler,
    spanProcessors: [audit.processor, new BatchSpanProcessor({ exporter: audit.exporter })],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
  trace.setGlobalTracerProvider(provider)
  return {
    forceFlush: () => provider.forceFlush(),
    shutdown: async () => {
      await provider.shutdown()
      trace.disable()
      context.disable()
    },
  }
})
