// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AuditError } from '@spanseal/core'
import type { Erased } from '@spanseal/keys'
import type { AuditParts } from './audit-parts.ts'
import { openParts } from './audit-parts.ts'
import type { BreakGlassOptions, BrokenGlass } from './break-glass.ts'
import { activeCarrier, runBelow } from './carried-context.ts'
import { closeAudit, within } from './close-audit.ts'
import type { DrainReport } from './drain.ts'
import { drainAudit } from './drain.ts'
import { forget } from './forget.ts'
import { assertMillis, refuse } from './guards.ts'
import type { AuditHealth, ShutdownReport } from './health.ts'
import { auditHealth } from './health.ts'
import type { AuditOptions, ResolvedOptions } from './options.ts'
import type { ProviderState } from './provider.ts'
import { noProvider, ownProvider, userProvider } from './provider.ts'
import { resolveOptions } from './resolve-options.ts'
import { runTask } from './run-task.ts'
import type { AuditSpanExporter } from './span-exporter.ts'
import type { AuditSpanProcessor } from './span-processor.ts'
import type { TaskOptions } from './task-options.ts'
import type { Task } from './tasks.ts'
import type { ToolCallRequest } from './tool-calls.ts'
import { callTool } from './tool-calls.ts'
import type { RegisteredTool, ToolDefinition } from './tool-definition.ts'
import { registerTool } from './tool-definition.ts'
import type { TraceCarrier } from './traceparent.ts'

/** Decides where the spans of an audit come from. */
type Provide = (options: ResolvedOptions, audit: Audit) => ProviderState

/** An open audit: one writer, its tools and tasks, and what carries its records away. */
export class Audit {
  /** For a provider of your own: put it first. */
  readonly processor: AuditSpanProcessor
  /** For a provider of your own: put it behind one batch processor. */
  readonly exporter: AuditSpanExporter
  readonly #parts: AuditParts
  #provider: ProviderState = noProvider('none yet')
  #shutdown: Promise<ShutdownReport> | undefined

  private constructor(parts: AuditParts) {
    this.#parts = parts
    this.processor = parts.runtime.processor
    this.exporter = parts.exporter
  }

  /** @internal */
  static open(options: AuditOptions, provide: Provide): Audit {
    const resolved = resolveOptions(options)
    const parts = openParts(resolved)
    const audit = new Audit(parts)
    audit.#provider = provide(resolved, audit)
    parts.runtime.tracerOf = audit.#provider.tracer
    return audit
  }

  /**
   * Wraps a tool: every call leaves an intent record before it runs and an outcome record after, and
   * is a span of its own. Arguments, return value and errors pass unchanged.
   *
   * @throws AuditError `INVALID_OPTION` for an unusable definition
   */
  tool<A extends unknown[], R>(
    definition: ToolDefinition<A>,
    run: (...args: A) => R,
  ): (...args: A) => R {
    // The definition's own function of the arguments is only ever given this tool's arguments.
    const tool = this.registerTool(definition as unknown as ToolDefinition)
    const isAsync = definition.async ?? run.constructor.name === 'AsyncFunction'
    const { runtime } = this.#parts
    if (!isAsync && runtime.intents.waitsForSink(tool)) {
      const expected = 'true for a function that returns a promise: no other can wait for a sink'
      refuse('tool.async', definition.async, `${expected} (risks.${tool.risk} is remote)`)
    }
    const wrapped = function (this: unknown, ...args: A): R {
      return callTool(runtime, { tool, args, async: isAsync }, () => run.apply(this, args))
    }
    // Frameworks read both.
    Object.defineProperty(wrapped, 'name', { value: run.name, configurable: true })
    Object.defineProperty(wrapped, 'length', { value: run.length, configurable: true })
    return wrapped
  }

  /**
   * Registers a tool without wrapping it: for instrumentations, with {@link call}.
   *
   * @throws AuditError `INVALID_OPTION` for an unusable definition
   */
  registerTool(definition: ToolDefinition): RegisteredTool {
    const tool = registerTool(definition)
    this.#parts.tools.register(tool)
    return tool
  }

  /**
   * A tool whose name came from outside and that this program does not define; of it only the name
   * is kept. Unusable names are mended, unusable other fields left out. Never throws.
   *
   * Called before a framework makes a span for the tool's first call, it also keeps that span from
   * being recorded beside the wrapper's call.
   */
  outsideTool(definition: ToolDefinition): RegisteredTool {
    return this.#parts.tools.outside(definition)
  }

  /** Calls a registered tool under audit; what {@link tool} does for each call. */
  call<T>(request: ToolCallRequest, run: () => T): T {
    return callTool(this.#parts.runtime, request, run)
  }

  /**
   * Runs one agent task, a trace of its own; see {@link TaskOptions}.
   *
   * @throws (rejects) AuditError `INVALID_OPTION` for unusable options, before anything runs
   */
  task<T>(options: TaskOptions, run: (task: Task) => T | Promise<T>): Promise<T> {
    return runTask(this.#parts.runtime, options, run)
  }

  /** The running code's trace and task as W3C headers, for calls to other processes; empty outside. */
  carrier(): TraceCarrier {
    return activeCarrier(this.#parts.runtime.scopes.current)
  }

  /** Runs `run` as part of the trace and task that a carrier names; what is malformed is ignored. */
  below<T>(carrier: TraceCarrier, run: () => T): T {
    return runBelow(this.#parts.runtime, carrier, run)
  }

  /**
   * Forgets a person: destroys the key under which what is about them was committed, and its vault
   * keys, and records that as `erasure.done`, without naming anybody. Looks through the journal. Other
   * processes notice within 60 s.
   *
   * @param reason why; committed, not written in clear
   * @returns undefined where the person has no key
   * @throws (rejects) AuditError `KEYRING_UNUSABLE`, `VAULT_UNUSABLE`, `NOT_FOUND` for a vault that is
   * not there, `JOURNAL_FAILED`: what was begun is completed by the next call, or `spanseal forget`
   */
  forget(person: string, reason?: string): Promise<Erased | undefined> {
    return forget(this.#parts.runtime, person, reason)
  }

  /**
   * From now on, for a while, tools of fail mode `closed` run although their intents cannot be made
   * durable. Recorded as `breakglass.open` and `breakglass.close`, now or as soon as writing works
   * again; every call that ran meanwhile without is counted.
   *
   * @throws AuditError `INVALID_OPTION`; `ALREADY_RUNNING` while glass is broken already;
   * `JOURNAL_CLOSED` after `shutdown()`
   */
  breakGlass(options: BreakGlassOptions): BrokenGlass {
    if (this.#shutdown !== undefined) {
      throw new AuditError('JOURNAL_CLOSED', 'break-glass: the audit was shut down')
    }
    return this.#parts.runtime.glass.open(options)
  }

  /**
   * For short-lived functions: resolves when everything recorded so far is on disk and acknowledged by
   * every sink, or says what is not. Spans are sent along, as far as endpoints are quick. Costs next to
   * nothing where nothing is pending; the audit stays usable.
   *
   * @param timeoutMillis default: `shutdownTimeoutMillis`
   * @throws AuditError `INVALID_OPTION` for a time-out that is none; never rejects
   */
  drain(timeoutMillis?: number): Promise<DrainReport> {
    const { shutdownTimeoutMillis } = this.#parts.runtime.options
    const millis = assertMillis('timeoutMillis', timeoutMillis ?? shutdownTimeoutMillis)
    return drainAudit(this.#parts, this.#provider, millis)
  }

  /** How things stand. Counts what sinks have not taken by looking through the journal's end. */
  health(): AuditHealth {
    return auditHealth(this.#parts, this.#provider.description)
  }

  /** Resolves when records are durable, spans sent and sinks drained, or after the shutdown time-out. */
  async forceFlush(): Promise<void> {
    const { runtime, shippings } = this.#parts
    const { shutdownTimeoutMillis: millis } = runtime.options
    await runtime.synced()
    // A provider's flush ends when the exporter has the spans; the exporter's when endpoints do.
    const spans = this.#provider.forceFlush().then(() => this.exporter.forceFlush())
    const drains = shippings.map((shipping) => shipping.drained(millis))
    const kept = runtime.vault?.drained() ?? Promise.resolve()
    await Promise.all([within(spans, millis), within(kept, millis), ...drains])
  }

  /**
   * Closes the epoch, drains sinks and spans, and says what could not be delivered. Idempotent; never
   * rejects; returns within `shutdownTimeoutMillis` and a little. What is undelivered stays in the
   * journal.
   */
  shutdown(): Promise<ShutdownReport> {
    this.#shutdown ??= closeAudit(this.#parts, this.#provider)
    return this.#shutdown
  }
}

/**
 * Opens an audit and registers an OpenTelemetry provider with it: the one import at agent start-up.
 * With `OTEL_SDK_DISABLED=true` spans are off and evidence stays on. Where a provider is registered
 * already it stays, and `health().spans.provider` says so.
 *
 * @throws AuditError `INVALID_OPTION`, `JOURNAL_UNUSABLE`, `KEYRING_UNSAFE` or `KEYRING_UNUSABLE`,
 * naming the option, the value and what to do; later nothing of the audit throws into the agent
 */
export function register(options: AuditOptions): Audit {
  return Audit.open(options, (resolved, audit) =>
    process.env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true'
      ? noProvider('off: OTEL_SDK_DISABLED is set; records are written all the same')
      : ownProvider(resolved, audit.processor, audit.exporter),
  )
}

/**
 * Opens an audit for a provider that you build: put {@link Audit.processor} first into it and
 * {@link Audit.exporter} behind one batch processor (SDK 2.x and 3.x, NodeSDK, Langfuse, Sentry).
 *
 * @throws AuditError as {@link register}
 */
export function createAudit(options: AuditOptions): Audit {
  return Audit.open(options, () => userProvider())
}
