// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Attributes } from '@opentelemetry/api'
import { context, SpanKind } from '@opentelemetry/api'
import type { EventType, FreeText, TraceRef } from '@spanseal/core'
import { ATTR_SPANSEAL_CONFIDENCE, ATTR_SPANSEAL_HANDOFF_TO } from '@spanseal/core'
import { openSpan, pointTo } from './call-spans.ts'
import { activeCarrier } from './carried-context.ts'
import { assertId, assertKnownKeys, assertText, assertTexts, decimalText } from './guards.ts'
import { sizeClass } from './redact/shape.ts'
import type { Runtime } from './runtime.ts'
import type { AuditScope } from './scope.ts'
import { below } from './scope.ts'
import { stepAttributes } from './span-attributes.ts'
import type { TraceCarrier } from './traceparent.ts'

/** Why the agent does what it does next. Texts are committed, never in clear. */
export interface Reasoning {
  readonly thought: string
  readonly plan?: readonly string[]
  /** 0 to 1. */
  readonly confidence?: number
}

export interface Handoff {
  /** The id of the agent that takes over. */
  readonly to: string
  /** Committed, never in clear. */
  readonly summary?: string
}

type Free = (pointer: string, text: string) => FreeText

interface Step {
  readonly name: 'reasoning' | 'handoff'
  readonly attributes: Attributes
  readonly detail: (free: Free) => object
}

/** A task under way. Its methods record; what cannot be written is counted, not thrown. */
export class Task {
  readonly #runtime: Runtime
  readonly #scope: AuditScope
  readonly #trace: TraceRef

  constructor(runtime: Runtime, scope: AuditScope, trace: TraceRef) {
    this.#runtime = runtime
    this.#scope = scope
    this.#trace = trace
  }

  get id(): string {
    return this.#scope.taskId
  }

  /** 32 hex digits; what `spanseal timeline` takes. */
  get traceId(): string {
    return this.#trace.trace_id
  }

  /**
   * What the user said.
   *
   * @throws (rejects) AuditError `INVALID_OPTION` for what is no text
   */
  async userInput(content: string): Promise<void> {
    this.#content('user.input', assertText('userInput', content))
  }

  /**
   * What the agent answered.
   *
   * @throws (rejects) AuditError `INVALID_OPTION` for what is no text
   */
  async output(content: string): Promise<void> {
    this.#content('agent.output', assertText('output', content))
  }

  /**
   * A step of reasoning. With `run`, its span is the parent of every call made inside. Returns what
   * `run` returns.
   *
   * @throws (rejects) AuditError `INVALID_OPTION` for an unusable step, before anything runs
   */
  reasoning<T>(step: Reasoning, run: () => T | Promise<T>): Promise<T>
  reasoning(step: Reasoning): Promise<undefined>
  async reasoning<T>(step: Reasoning, run?: () => T | Promise<T>): Promise<T | undefined> {
    assertKnownKeys('reasoning', step, ['thought', 'plan', 'confidence'])
    const { plan, confidence } = step
    const thought = assertText('reasoning.thought', step.thought)
    if (plan !== undefined) assertTexts('reasoning.plan', plan, assertText)
    const decimal =
      confidence === undefined ? undefined : decimalText('reasoning.confidence', confidence, 1)
    return this.#step(
      {
        name: 'reasoning',
        attributes: decimal === undefined ? {} : { [ATTR_SPANSEAL_CONFIDENCE]: Number(decimal) },
        detail: (free) => ({
          chars: thought.length,
          ...(decimal !== undefined && { confidence: decimal }),
          ...(plan !== undefined && {
            plan: free('/detail/plan', plan.join('\n')),
            plan_steps: plan.length,
          }),
          text: free('/detail/text', thought),
        }),
      },
      run,
    )
  }

  /**
   * Hands over to another agent. `run` gets the carrier that the other one passes as `from`: its task
   * is then part of this trace and has this task's id, in this process or another.
   *
   * @throws (rejects) AuditError `INVALID_OPTION` for an unusable handoff, before anything runs
   */
  handoff<T>(handoff: Handoff, run: (carrier: TraceCarrier) => T | Promise<T>): Promise<T>
  handoff(handoff: Handoff): Promise<undefined>
  async handoff<T>(
    handoff: Handoff,
    run?: (carrier: TraceCarrier) => T | Promise<T>,
  ): Promise<T | undefined> {
    assertKnownKeys('handoff', handoff, ['to', 'summary'])
    const { summary } = handoff
    const to = assertId('handoff.to', handoff.to)
    if (summary !== undefined) assertText('handoff.summary', summary)
    return this.#step(
      {
        name: 'handoff',
        attributes: { [ATTR_SPANSEAL_HANDOFF_TO]: to },
        detail: (free) => ({
          from: this.#scope.actor.value.agent.id,
          ...(summary !== undefined && { summary: free('/detail/summary', summary) }),
          to,
        }),
      },
      run && (() => run(this.carrier())),
    )
  }

  /** The present context as W3C headers. */
  carrier(): TraceCarrier {
    return activeCarrier(this.#present())
  }

  /** The scope of the running code where that is inside this task, else the task's own. */
  #present(): AuditScope {
    const { enclosing } = this.#runtime.scopes
    return enclosing?.actor === this.#scope.actor ? enclosing : this.#scope
  }

  #content(type: 'user.input' | 'agent.output', content: string): void {
    const scope = this.#present()
    this.#note(type, { scope, trace: scope.trace ?? this.#trace }, (free) => ({
      bytes: sizeClass(Buffer.byteLength(content)),
      content: free('/detail/content', content),
    }))
  }

  #note(
    type: EventType,
    about: { readonly scope: AuditScope; readonly trace: TraceRef },
    detail: (free: Free) => object,
  ) {
    const runtime = this.#runtime
    const { subjects } = about.scope
    return runtime.recorder.note(type, about, (at) => ({
      severity: 'info',
      detail: detail((pointer, text) => runtime.freeText(text, { ...at, pointer }, subjects) ?? ''),
    }))
  }

  async #step<T>(
    { name, attributes, detail }: Step,
    run: (() => T | Promise<T>) | undefined,
  ): Promise<T | undefined> {
    const { processor, tracer, scopes } = this.#runtime
    const parent = this.#present()
    const request = {
      name,
      kind: SpanKind.INTERNAL,
      attributes: { ...attributes, ...stepAttributes(parent) },
      parent: parent.trace,
    }
    const span = processor.owning(undefined, () => openSpan(tracer, request))
    pointTo(span, this.#note(`agent.${name}`, { scope: parent, trace: span.trace }, detail))
    try {
      if (run === undefined) return undefined
      return await context.with(span.context, () => scopes.run(below(parent, span.trace), run))
    } finally {
      endQuietly(span.span)
    }
  }
}

function endQuietly(span: { end(): void } | undefined): void {
  try {
    span?.end()
  } catch {
    // A foreign processor threw.
  }
}
