// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { EpochWriter } from '@spanseal/journal'
import { journalSource, openWriter } from '@spanseal/journal'
import { openKeyring } from '@spanseal/keys'
import { activeCarrier, runBelow } from './carried-context.ts'
import { Committer } from './commitments.ts'
import { Counters, reasonOf } from './counters.ts'
import { ForeignSpans } from './foreign-spans.ts'
import type { AuditHealth, ShutdownReport } from './health.ts'
import type { AuditOptions, ResolvedOptions } from './options.ts'
import { resolveOptions } from './options.ts'
import type { ProviderState } from './provider.ts'
import { noProvider, otlpExporters, ownProvider, userProvider } from './provider.ts'
import { Recorder } from './recorder.ts'
import { createRedactor } from './redact/redact.ts'
import { Runtime, rootScope } from './runtime.ts'
import { samplerSeen } from './sampler.ts'
import { currentScope } from './scope.ts'
import { Shipping } from './shipping.ts'
import { AuditSpanExporter } from './span-exporter.ts'
import { AuditSpanProcessor } from './span-processor.ts'
import type { TaskOptions } from './task-scope.ts'
import type { Task } from './tasks.ts'
import { runTask } from './tasks.ts'
import type { ToolCallRequest } from './tool-calls.ts'
import { callTool } from './tool-calls.ts'
import type { RegisteredTool, ToolDefinition } from './tool-definition.ts'
import { outsideTool, registerTool } from './tool-definition.ts'
import type { TraceCarrier } from './traceparent.ts'
import { SDK_VERSION } from './version.ts'

/** An open audit: one writer, its tools and tasks, and what carries its records away. */
export class Audit {
  /** For a provider of your own: put it first. */
  readonly processor: AuditSpanProcessor
  /** For a provider of your own: put it behind one batch processor. */
  readonly exporter: AuditSpanExporter
  readonly #runtime: Runtime
  readonly #tools: Map<string, RegisteredTool>
  readonly #shippings: readonly Shipping[]
  #provider: ProviderState = noProvider('none yet')
  #shutdown: Promise<ShutdownReport> | undefined

  private constructor(parts: AuditParts) {
    this.#runtime = parts.runtime
    this.#tools = parts.tools
    this.#shippings = parts.shippings
    this.processor = parts.runtime.processor
    this.exporter = parts.exporter
  }

  /** @internal */
  static open(options: AuditOptions, provide: Provide): Audit {
    const parts = openParts(resolveOptions(options))
    const audit = new Audit(parts)
    audit.#provider = provide(parts.runtime.options, audit)
    parts.runtime.tracer = audit.#provider.tracer
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
    const runtime = this.#runtime
    return function (this: unknown, ...args: A): R {
      return callTool(runtime, { tool, args, async: isAsync }, () => run.apply(this, args))
    }
  }

  /** Registers a tool without wrapping it: for instrumentations, with {@link call}. */
  registerTool(definition: ToolDefinition): RegisteredTool {
    const tool = registerTool(definition)
    this.#tools.set(definition.name, tool)
    return tool
  }

  /**
   * A tool whose name came from outside and that this program does not define: not kept, never
   * throws. Unusable names are mended, unusable other fields left out.
   */
  outsideTool(definition: ToolDefinition): RegisteredTool {
    return outsideTool(definition)
  }

  /** Calls a registered tool under audit; what `tool()` does for each call. */
  call<T>(request: ToolCallRequest, run: () => T): T {
    return callTool(this.#runtime, request, run)
  }

  /** Runs one agent task, a trace of its own; see {@link TaskOptions}. */
  task<T>(options: TaskOptions, run: (task: Task) => T | Promise<T>): Promise<T> {
    return runTask(this.#runtime, options, run)
  }

  /** The running code's trace and task as W3C headers, for calls to other processes; empty outside. */
  carrier(): TraceCarrier {
    return activeCarrier(currentScope() ?? this.#runtime.rootScope)
  }

  /** Runs `run` as part of the trace and task that a carrier names; what is malformed is ignored. */
  below<T>(carrier: TraceCarrier, run: () => T): T {
    return runBelow(this.#runtime, carrier, run)
  }

  /** How things stand; cheap enough to poll. */
  health(): AuditHealth {
    const { counters, options, recorder, writer } = this.#runtime
    const sinks = this.#shippings.map((s) => ({ ...s.health, pending: s.pending() }))
    const { recordsFailed, internalErrors } = counters
    return {
      ok: recordsFailed === 0 && internalErrors === 0 && sinks.every((s) => !s.stopped),
      journal: {
        folder: options.journal,
        ...journalHealth(writer),
        recordsWritten: counters.recordsWritten,
        recordsFailed,
      },
      calls: { open: recorder.open.size, denied: counters.callsDenied },
      spans: {
        provider: this.#provider.description,
        exported: counters.spansExported,
        failed: counters.spansFailed,
        endpoints: this.exporter.endpoints.map((endpoint) => ({ ...endpoint })),
      },
      foreign: {
        recorded: counters.foreignRecorded,
        ignored: counters.foreignIgnored,
        sampler: samplerSeen(),
      },
      sinks,
      internalErrors,
    }
  }

  /** Resolves when records are durable, spans sent and sinks drained, or after the shutdown time-out. */
  async forceFlush(): Promise<void> {
    const { options } = this.#runtime
    const deadline = options.now() + options.shutdownTimeoutMillis
    await this.#runtime.synced()
    await within(this.#provider.forceFlush(), options.shutdownTimeoutMillis)
    await Promise.all(this.#shippings.map((s) => s.drained(deadline, options.now)))
  }

  /**
   * Closes the epoch, drains sinks and spans, and says what could not be delivered. Idempotent; never
   * rejects; returns within `shutdownTimeoutMillis` and a little. What is undelivered stays in the
   * journal.
   */
  shutdown(): Promise<ShutdownReport> {
    this.#shutdown ??= this.#close()
    return this.#shutdown
  }

  async #close(): Promise<ShutdownReport> {
    const { options, recorder, counters, writer } = this.#runtime
    const deadline = options.now() + options.shutdownTimeoutMillis
    const openCalls = recorder.open.size
    const left = (): number => Math.max(100, deadline - options.now())
    try {
      writer.close()
    } catch (error) {
      counters.recordsFailed++
      counters.warnOnce('close', `the epoch could not be closed: ${reasonOf(error)}`)
    }
    const drains = this.#shippings.map((s) => s.drained(deadline, options.now))
    await Promise.all([within(this.#provider.shutdown(), left()), ...drains])
    const undelivered = this.#shippings.map((s) => [s.health.name, s.pending()] as const)
    await Promise.all(this.#shippings.map((s) => s.close(left())))
    const report = {
      openCalls,
      undelivered: Object.fromEntries(undelivered.filter(([, n]) => n > 0)),
    }
    for (const [name, count] of Object.entries(report.undelivered)) {
      counters.warnOnce(
        `undelivered ${name}`,
        `${count} records were not delivered to ${name}; they are in ${options.journal}`,
      )
    }
    return report
  }
}

/** Decides where the spans of an audit come from. */
type Provide = (options: ResolvedOptions, audit: Audit) => ProviderState

interface AuditParts {
  readonly runtime: Runtime
  readonly tools: Map<string, RegisteredTool>
  readonly exporter: AuditSpanExporter
  readonly shippings: readonly Shipping[]
}

function openParts(options: ResolvedOptions): AuditParts {
  const counters = new Counters()
  const redactor = createRedactor(options.redaction ?? {})
  const keyring = openKeyring({
    log: options.log,
    journal: options.journal,
    now: options.now,
    ...(options.keys === undefined ? {} : { folder: options.keys }),
  })
  const writer = openWriter({
    journal: options.journal,
    log: options.log,
    keys: keyring,
    durability: options.durability,
    refuseInside: options.toolFolders ?? [],
    service: options.service,
    deployment: { ...options.deployment, environment: options.environment },
    audit: { fail_closed: [], redaction: redactor.revision, sdk: `@spanseal/otel ${SDK_VERSION}` },
    clock: { wallMillis: options.now, monoNanos: () => process.hrtime.bigint() },
    onProblem: (error) => {
      counters.journalProblems++
      counters.warnOnce('journal', error.message)
    },
  })
  const committer = new Committer(keyring, redactor, options.commitments === 'sha256')
  const recorder = new Recorder({
    writer,
    keyring,
    committer,
    redactor,
    counters,
    clearErrors: options.errors === 'redacted',
    retention: options.retention && {
      policy: options.retention.policy,
      ...(options.retention.policyRev === undefined
        ? {}
        : { policy_rev: options.retention.policyRev }),
    },
  })
  const tools = new Map<string, RegisteredTool>()
  const foreign = new ForeignSpans({
    recorder,
    rootScope: rootScope(options),
    tools,
    options: options.foreign ?? {},
    counters,
  })
  const processor = new AuditSpanProcessor(recorder, foreign, () => runtime.synced())
  const runtime: Runtime = new Runtime({ options, writer, keyring, processor, counters, committer })
  const shippings = options.sinks.map((sink) => {
    const source = journalSource(options.journal, { sinkName: sink.name, own: writer })
    return new Shipping(source, sink, counters)
  })
  const nudge = (): void => shippings.forEach((s) => s.nudge())
  const exporter = new AuditSpanExporter({
    exporters: otlpExporters(options.endpoints),
    redactor,
    counters,
    durable: () => runtime.synced(),
    nudge,
    drain: async () => nudge(),
  })
  return { runtime, tools, exporter, shippings }
}

function journalHealth(
  writer: EpochWriter,
): Pick<AuditHealth['journal'], 'epoch' | 'failedEpochs' | 'failure'> {
  const { epoch, failedEpochs, failure } = writer.health()
  return {
    ...(epoch === undefined ? {} : { epoch }),
    failedEpochs,
    ...(failure === undefined ? {} : { failure: failure.message }),
  }
}

async function within(work: Promise<unknown>, timeoutMillis: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMillis)
    timer.unref()
  })
  await Promise.race([work.catch(() => {}), late])
  clearTimeout(timer)
}

/**
 * Opens an audit and registers an OpenTelemetry provider with it: the one import at agent start-up.
 * With `OTEL_SDK_DISABLED=true` spans are off and evidence stays on.
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
