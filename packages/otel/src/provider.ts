// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Tracer, TracerProvider } from '@opentelemetry/api'
import { ProxyTracerProvider, trace } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { SpanProcessor } from '@opentelemetry/sdk-trace-node'
import {
  AlwaysOnSampler,
  NodeTracerProvider,
  ParentBasedSampler,
} from '@opentelemetry/sdk-trace-node'
import {
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
} from '@opentelemetry/semantic-conventions'
import { TRACER_NAME } from '@spanseal/core'
import type { ResolvedOptions } from './options.ts'
import { agentSampler } from './sampler.ts'
import type { CountingExporter } from './view-queue.ts'
import { ViewQueue } from './view-queue.ts'

/** The only file that knows how a provider is built (SDK 2.x). */

/** How the spans of an audit come to be. */
export interface ProviderState {
  /** Undefined where spans are off. */
  readonly tracer: () => Tracer | undefined
  /** For people, in `health()`. */
  readonly description: string
  readonly forceFlush: () => Promise<void>
  readonly shutdown: () => Promise<void>
}

const NOTHING = async (): Promise<void> => {}

/** Spans off, evidence on. */
export function noProvider(why: string): ProviderState {
  return { tracer: () => undefined, description: why, forceFlush: NOTHING, shutdown: NOTHING }
}

/**
 * The tracer of whatever provider the user registers, before or after: asked for again whenever the
 * global provider is another, because a tracer from one copy of the API never hears of a provider that
 * was registered through another copy.
 */
export function userProvider(): ProviderState {
  let provider: TracerProvider | undefined
  let tracer: Tracer | undefined
  return {
    tracer: () => {
      const now = trace.getTracerProvider()
      if (tracer === undefined || provider !== now) {
        provider = now
        tracer = now.getTracer(TRACER_NAME)
      }
      return tracer
    },
    description:
      'built by the user: put audit.processor first, and audit.exporter behind a batch processor',
    forceFlush: NOTHING,
    shutdown: NOTHING,
  }
}

/**
 * Builds a provider with our processor and exporter and makes it the global one. Where another one is
 * registered already, that one stays, ours is used for our own spans, and the description says so.
 */
export function ownProvider(
  options: ResolvedOptions,
  processor: SpanProcessor,
  exporter: CountingExporter,
): ProviderState {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes(resourceAttributes(options)),
    sampler: agentSampler(new ParentBasedSampler({ root: new AlwaysOnSampler() })),
    spanProcessors: [
      processor,
      ...(options.endpoints.length === 0 ? [] : [new ViewQueue(exporter)]),
    ],
  })
  const free = !hasGlobalProvider()
  if (free) provider.register()
  const tracer = provider.getTracer(TRACER_NAME)
  return {
    tracer: () => tracer,
    description: free
      ? 'registered globally'
      : 'private: another provider was registered before; spans of others reach the journal only if audit.processor is put into it',
    forceFlush: () => provider.forceFlush(),
    shutdown: async () => {
      await provider.shutdown()
      if (free) trace.disable()
    },
  }
}

function hasGlobalProvider(): boolean {
  const global = trace.getTracerProvider()
  if (!(global instanceof ProxyTracerProvider)) return true
  // What a proxy has that nobody gave a provider.
  return global.getDelegate() !== new ProxyTracerProvider().getDelegate()
}

function resourceAttributes({
  service,
  deployment,
  environment,
}: ResolvedOptions): Record<string, string> {
  return {
    [ATTR_SERVICE_NAME]: service.name,
    ...(service.version === undefined ? {} : { [ATTR_SERVICE_VERSION]: service.version }),
    ...(service.instance === undefined ? {} : { [ATTR_SERVICE_INSTANCE_ID]: service.instance }),
    ...(environment === 'unspecified' ? {} : { 'deployment.environment.name': environment }),
    ...(deployment?.cluster === undefined ? {} : { 'k8s.cluster.name': deployment.cluster }),
  }
}
