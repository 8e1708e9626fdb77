// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Attributes } from '@opentelemetry/api'
import { context, SpanKind } from '@opentelemetry/api'
import type { FreeText, RecordDraft } from '@spanseal/core'
import {
  ATTR_SPANSEAL_CONFIDENCE,
  ATTR_SPANSEAL_EPOCH,
  ATTR_SPANSEAL_HANDOFF_TO,
  ATTR_SPANSEAL_START_HASH,
  ATTR_SPANSEAL_START_SEQ,
  OPERATION_INVOKE_AGENT,
} from '@spanseal/core'
import type { OpenSpan } from './call-spans.ts'
import { endSpan, openSpan, pointToStart, taskAttributes } from './call-spans.ts'
import { activeCarrier, carriedContext, carriedParent } from './carried-context.ts'
import { assertId, assertKnownKeys, refuse } from './guards.ts'
import { thrownOutcome } from './outcome.ts'
import { sizeClass } from './redact/shape.ts'
import type { Runtime } from './runtime.ts'
import type { AuditScope } from './scope.ts'
import { currentScope, withScope } from './scope.ts'
import type { TaskOptions } from './task-scope.ts'
import { assertTaskOptions, taskScope } from './task-scope.ts'
import { decimalText } from './tool-definition.ts'
import type { TraceCarrier } from './traceparent.ts'
import { fromCarrier } from './traceparent.ts'

export interface Reasoning {
  readonly thought: string
  readonly plan?: readonly string[]
  /** 0 to 1. */
  readonly confidence?: number
}

export interface Handoff {
  /** The id of the agent that takes over. */
  readonly to: string
  readonly summary?: string
}

/** A task under way. */
export class Task {
  readonly #runtime: Runtime
  readonly #scope: AuditScope
  readonly #span: OpenSpan

  constructor(runtime: Runtime, scope: AuditScope, span: OpenSpan) {
    this.#runtime = runtime
    this.#scope = scope
    this.#span = span
  }

  get id(): string {
    return this.#scope.taskId
  }

  /** 32 hex digits; what `spanseal timeline` takes. */
  get traceId(): string {
    return this.#span.trace.trace_id
  }

  /** What the user said. */
  async userInput(content: string): Promise<void> {
    this.#content('user.input', content)
  }

  /** What the agent answered. */
  async output(content: string): Promise<void> {
    this.#content('agent.output', content)
  }

  /**
   * A step of reasoning. With `run`, its span is the parent of every call made inside. Returns what
   * `run` returns.
   *
   * @throws AuditError `INVALID_OPTION` for an unusable confidence
   */
  async reasoning<T>(step: Reasoning, run?: () => T | Promise<T>): Promise<T | undefined> {
    assertKnownKeys('reasoning', step, ['thought', 'plan', 'confidence'])
    const { thought, plan, confidence } = step
    if (typeof thought !== 'string') refuse('reasoning.thought', thought, 'a text')
    const decimal =
      confidence === undefined ? undefined : decimalText('reasoning.confidence', confidence, 1)
    const attributes = decimal === undefined ? {} : { [ATTR_SPANSEAL_CONFIDENCE]: Number(decimal) }
    return this.#step(
      'reasoning',
      'agent.reasoning',
      attributes,
      (free) => ({
        chars: thought.length,
        ...(decimal === undefined ? {} : { confidence: decimal }),
        ...(plan === undefined
          ? {}
          : { plan: free('/detail/plan', plan.join('\n')), plan_steps: plan.length }),
        text: free('/detail/text', thought),
      }),
      run,
    )
  }

  /**
   * Hands over to another agent. `run` gets the carrier that the other one passes as `from`: its task
   * is then part of this trace and has this task's id, in this process or another.
   */
  async handoff<T>(
    handoff: Handoff,
    run?: (carrier: TraceCarrier) => T | Promise<T>,
  ): Promise<T | undefined> {
    assertKnownKeys('handoff', handoff, ['to', 'summary'])
    const { to, summary } = handoff
    assertId('handoff.to', to)
    return this.#step(
      'handoff',
      'agent.handoff',
      { [ATTR_SPANSEAL_HANDOFF_TO]: to },
      (free) => ({
        from: this.#scope.actor.value.agent.id,
        ...(summary === undefined ? {} : { summary: free('/detail/summary', summary) }),
        to,
      }),
      run && (() => run(this.carrier())),
    )
  }

  /** The present context as W3C headers. */
  carrier(): TraceCarrier {
    return activeCarrier(currentScope() ?? this.#scope)
  }

  #content(type: 'user.input' | 'agent.output', content: string): void {
    const runtime = this.#runtime
    const scope = currentScope() ?? this.#scope
    runtime.recorder.note(type, { scope, trace: scope.trace ?? this.#span.trace }, (at) => ({
      severity: 'info',
      detail: {
        bytes: sizeClass(Buffer.byteLength(content)),
        content: runtime.freeText(content, { ...at, pointer: '/detail/content' }, scope.subjects),
      },
    }))
  }

  async #step<T>(
    name: string,
    type: 'agent.reasoning' | 'agent.handoff',
    attributes: Attributes,
    detail: (free: (pointer: string, text: string) => FreeText) => object,
    run: (() => T | Promise<T>) | undefined,
  ): Promise<T | undefined> {
    const runtime = this.#runtime
    const parent = currentScope() ?? this.#scope
    const span = runtime.processor.owning(() =>
      openSpan(runtime.tracer, {
        name,
        kind: SpanKind.INTERNAL,
        attributes: { ...attributes, 'task.id': this.id },
        parent: parent.trace,
      }),
    )
    const appended = runtime.recorder.note(
      type,
      { scope: parent, trace: span.trace },
      (at): Omit<RecordDraft, 'type' | 'trace'> => ({
        severity: 'info',
        detail: detail((pointer, text) =>
          runtime.freeText(text, { ...at, pointer }, parent.subjects),
        ),
      }),
    )
    if (appended !== undefined) {
      span.span?.setAttributes({
        [ATTR_SPANSEAL_EPOCH]: appended.epoch,
        [ATTR_SPANSEAL_START_SEQ]: appended.seq,
        [ATTR_SPANSEAL_START_HASH]: appended.leaf,
      })
    }
    const scope = { ...parent, trace: span.trace }
    try {
      if (run === undefined) return undefined
      return await context.with(span.context, () => withScope(scope, run))
    } finally {
      span.span?.end()
    }
  }
}

/**
 * Runs one agent task: a trace of its own (or part of `from`'s), `task.start` before and `task.end`
 * after. Returns what `run` returns; its error is unchanged.
 *
 * @throws AuditError `INVALID_OPTION` for unusable options, before anything runs
 */
export async function runTask<T>(
  runtime: Runtime,
  options: TaskOptions,
  run: (task: Task) => T | Promise<T>,
): Promise<T> {
  assertTaskOptions(options)
  const carried = options.from === undefined ? undefined : fromCarrier(options.from)
  const enclosing = currentScope()
  const scope = taskScope(runtime, options, carried, enclosing)
  const below = carriedContext(carried)
  const span = runtime.processor.owning(() =>
    openSpan(runtime.tracer, {
      name: `${OPERATION_INVOKE_AGENT} ${scope.actor.value.agent.name ?? scope.actor.value.agent.id}`,
      kind: SpanKind.INTERNAL,
      attributes: taskAttributes(scope),
      parent: carriedParent(carried) ?? enclosing?.trace,
      ...(below === undefined ? {} : { below }),
    }),
  )
  const inner = { ...scope, trace: span.trace }
  const call = runtime.processor.begin({
    kind: 'task',
    scope: inner,
    trace: span.trace,
    subjects: scope.subjects,
    name: options.name,
  })
  pointToStart(span, call)
  const task = new Task(runtime, inner, span)
  try {
    const value = await context.with(span.context, () => withScope(inner, () => run(task)))
    const outcome = { status: 'success' as const }
    endSpan(span, outcome, runtime.processor.finish(call, outcome))
    return value
  } catch (thrown) {
    const outcome = thrownOutcome(thrown)
    endSpan(span, outcome, runtime.processor.finish(call, outcome))
    throw thrown
  }
}
