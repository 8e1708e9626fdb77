// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Attributes, SpanContext } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'
import type { OwnWriting } from './call-spans.ts'
import type { Redactor } from './redact/redact.ts'

/**
 * A copy of a span in which nothing is raw that others wrote, and from which the span, which stays as
 * it is, cannot be reached.
 */
export type SpanRedactor = (span: ReadableSpan) => ReadableSpan

type Resource = ReadableSpan['resource']

/**
 * @param wroteOn what a wrapper wrote on its own span, which stands as it is: names and hashes that
 * stand in records as well
 */
export function spanRedactor(
  redactor: Redactor,
  wroteOn: (span: object) => OwnWriting | undefined,
): SpanRedactor {
  const resources = new WeakMap<Resource, Resource>()
  const resourceOf = (resource: Resource): Resource => {
    let redacted = resources.get(resource)
    if (redacted === undefined) {
      redacted = redactedResource(resource, redactor)
      // What is still being detected comes later.
      if (resource.asyncAttributesPending !== true) resources.set(resource, redacted)
    }
    return redacted
  }
  return (span) => {
    const { name, parentSpanContext: parent } = span
    const wrote = wroteOn(span)
    const own = redactedContext(span.spanContext(), redactor)
    return {
      name: name === wrote?.name ? name : redactor.text(name),
      kind: span.kind,
      spanContext: () => own,
      ...(parent !== undefined && { parentSpanContext: redactedContext(parent, redactor) }),
      startTime: span.startTime,
      endTime: span.endTime,
      duration: span.duration,
      ended: span.ended,
      status: redactedStatus(span.status, redactor),
      attributes: redactedAttributes(span.attributes, redactor, wrote),
      events: span.events.map((event) => {
        return redactedPart({ ...event, name: redactor.text(event.name) }, redactor)
      }),
      links: span.links.map((link) => {
        return redactedPart({ ...link, context: redactedContext(link.context, redactor) }, redactor)
      }),
      resource: resourceOf(span.resource),
      instrumentationScope: span.instrumentationScope,
      droppedAttributesCount: span.droppedAttributesCount,
      droppedEventsCount: span.droppedEventsCount,
      droppedLinksCount: span.droppedLinksCount,
    }
  }
}

function redactedResource(resource: Resource, redactor: Redactor): Resource {
  const { schemaUrl } = resource
  const attributes = redactor.attributes(resource.attributes) as Attributes
  return {
    attributes,
    ...(schemaUrl !== undefined && { schemaUrl }),
    merge: (other) => redactedResource(resource.merge(other), redactor),
    getRawAttributes: () => Object.entries(attributes),
  }
}

function redactedAttributes(
  attributes: Attributes,
  redactor: Redactor,
  wrote: OwnWriting | undefined,
): Attributes {
  if (wrote === undefined) return redactor.attributes(attributes) as Attributes
  const own: Attributes = {}
  let others: Attributes | undefined
  for (const name in attributes) {
    const value = attributes[name]
    if (wrote.start[name] === value || wrote.end?.[name] === value) own[name] = value
    else (others ??= {})[name] = value
  }
  return others === undefined ? own : Object.assign(own, redactor.attributes(others))
}

function redactedPart<T extends { readonly attributes?: Attributes }>(
  part: T,
  redactor: Redactor,
): T {
  if (part.attributes === undefined) return part
  return { ...part, attributes: redactor.attributes(part.attributes) }
}

function redactedStatus(
  status: ReadableSpan['status'],
  redactor: Redactor,
): ReadableSpan['status'] {
  const { message } = status
  return message === undefined ? status : { ...status, message: redactor.text(message) }
}

/** A trace state in which patterns find something is left out: it has no form that could be mended. */
function redactedContext(spanContext: SpanContext, redactor: Redactor): SpanContext {
  const text = spanContext.traceState?.serialize()
  if (text === undefined || redactor.text(text) === text) return spanContext
  const { traceState: _, ...rest } = spanContext
  return rest
}
