// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Context } from '@opentelemetry/api'
import { context, isSpanContextValid, TraceFlags, trace } from '@opentelemetry/api'
import type { TraceRef } from '@spanseal/core'
import { block } from '@spanseal/core'
import type { Runtime } from './runtime.ts'
import type { AuditScope } from './scope.ts'
import type { CarriedContext, TraceCarrier } from './traceparent.ts'
import { fromCarrier, toCarrier } from './traceparent.ts'

/** The context of the running code, to be sent to another process. */
export function activeCarrier(scope: AuditScope): TraceCarrier {
  const active = trace.getSpanContext(context.active())
  const sampled = active === undefined || (active.traceFlags & TraceFlags.SAMPLED) !== 0
  return scope.trace === undefined ? {} : toCarrier(scope.trace, scope.taskId, sampled)
}

/** Runs `run` as part of the trace and task that a carrier from outside names. */
export function runBelow<T>(runtime: Runtime, carrier: TraceCarrier, run: () => T): T {
  const carried = fromCarrier(carrier, runtime.names)
  const enclosing = runtime.scopes.current
  const { taskId = enclosing.taskId } = carried
  const scope: AuditScope = {
    ...enclosing,
    context: block({ ...enclosing.context.value, task_id: taskId }),
    taskId,
    trace: carriedParent(carried) ?? enclosing.trace,
  }
  const inside = carriedContext(carried) ?? context.active()
  return context.with(inside, () => runtime.scopes.run(scope, run))
}

/** The OpenTelemetry context below a remote parent; undefined where none was carried. */
export function carriedContext(carried: CarriedContext | undefined): Context | undefined {
  const spanContext = {
    traceId: carried?.traceId ?? '',
    spanId: carried?.spanId ?? '',
    traceFlags: carried?.sampled === true ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
  }
  return isSpanContextValid(spanContext)
    ? trace.setSpanContext(context.active(), spanContext)
    : undefined
}

/** The remote parent as records name it. */
export function carriedParent(carried: CarriedContext | undefined): TraceRef | undefined {
  if (carried?.traceId === undefined || carried.spanId === undefined) return undefined
  return { span_id: carried.spanId, trace_id: carried.traceId }
}
