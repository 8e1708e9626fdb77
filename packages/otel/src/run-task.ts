// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { context, SpanKind } from '@opentelemetry/api'
import { OPERATION_INVOKE_AGENT } from '@spanseal/core'
import { abandonSpan, endSpan, openSpan } from './call-spans.ts'
import { carriedContext, carriedParent } from './carried-context.ts'
import type { CallOutcome } from './outcome.ts'
import { thrownOutcome } from './outcome.ts'
import type { Runtime } from './runtime.ts'
import { below } from './scope.ts'
import { taskAttributes } from './span-attributes.ts'
import type { TaskOptions } from './task-options.ts'
import { assertTaskOptions } from './task-options.ts'
import { taskScope } from './task-scope.ts'
import { Task } from './tasks.ts'
import { fromCarrier } from './traceparent.ts'

/**
 * Runs one agent task: a trace of its own (or part of `from`'s), `task.start` before and `task.end`
 * after. Returns what `run` returns; its error is unchanged.
 *
 * @throws (rejects) AuditError `INVALID_OPTION` for unusable options, before anything runs
 */
export async function runTask<T>(
  runtime: Runtime,
  options: TaskOptions,
  run: (task: Task) => T | Promise<T>,
): Promise<T> {
  assertTaskOptions(options)
  const { processor, scopes } = runtime
  const carried = options.from && fromCarrier(options.from, runtime.names)
  const around = taskScope(runtime, options, carried)
  const { agent } = around.actor.value
  const span = processor.owning(undefined, () =>
    openSpan(runtime.tracer, {
      name: `${OPERATION_INVOKE_AGENT} ${agent.name ?? agent.id}`,
      kind: SpanKind.INTERNAL,
      attributes: taskAttributes(around),
      parent: carriedParent(carried) ?? around.trace,
      below: carriedContext(carried),
    }),
  )
  const scope = below(around, span.trace)
  const { trace } = span
  const { subjects } = scope
  const call = processor.begin({ kind: 'task', scope, trace, subjects, name: options.name })
  const end = (outcome: CallOutcome): void => {
    if (call.finished) return
    const records = processor.finish(call, outcome)
    endSpan(span, call, { outcome, records })
  }
  call.abandon = () => abandonSpan(span, call)
  const task = new Task(runtime, scope, trace)
  try {
    const value = await context.with(span.context, () => scopes.run(scope, () => run(task)))
    end({ status: 'success' })
    return value
  } catch (thrown) {
    end(thrownOutcome(thrown))
    throw thrown
  }
}
