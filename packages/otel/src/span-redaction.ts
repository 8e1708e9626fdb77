// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Attributes } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'
import {
  ATTR_AGENT_ID,
  ATTR_DATA_CLASSIFICATION,
  ATTR_GEN_AI_AGENT_ID,
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_AGENT_VERSION,
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_TOOL_NAME,
  ATTR_GEN_AI_TOOL_TYPE,
  ATTR_INPUT_HASH,
  ATTR_INVOCATION_DURATION_MS,
  ATTR_INVOCATION_STATUS,
  ATTR_OUTPUT_HASH,
  ATTR_SPANSEAL_AUTHORIZATION,
  ATTR_SPANSEAL_CONFIDENCE,
  ATTR_SPANSEAL_END_EPOCH,
  ATTR_SPANSEAL_END_HASH,
  ATTR_SPANSEAL_END_SEQ,
  ATTR_SPANSEAL_EPOCH,
  ATTR_SPANSEAL_HANDOFF_TO,
  ATTR_SPANSEAL_START_HASH,
  ATTR_SPANSEAL_START_SEQ,
  ATTR_SPANSEAL_UNRECORDED,
  ATTR_TASK_ID,
  ATTR_TOOL_NAME,
  ATTR_TOOL_PUBLISHER,
  ATTR_TOOL_TRUST_LEVEL,
  ATTR_TOOL_VERSION,
} from '@spanseal/core'
import type { Redactor } from './redact/redact.ts'

/** A view of a span in which nothing is raw that others wrote; the span itself stays as it is. */
export type SpanRedactor = (span: ReadableSpan) => ReadableSpan

/** What wrappers write on their own spans: names, hashes and counts, as they stand in records. */
const OWN_ATTRIBUTES: ReadonlySet<string> = new Set([
  ATTR_AGENT_ID,
  ATTR_DATA_CLASSIFICATION,
  ATTR_GEN_AI_AGENT_ID,
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_AGENT_VERSION,
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_TOOL_NAME,
  ATTR_GEN_AI_TOOL_TYPE,
  ATTR_INPUT_HASH,
  ATTR_INVOCATION_DURATION_MS,
  ATTR_INVOCATION_STATUS,
  ATTR_OUTPUT_HASH,
  ATTR_SPANSEAL_AUTHORIZATION,
  ATTR_SPANSEAL_CONFIDENCE,
  ATTR_SPANSEAL_END_EPOCH,
  ATTR_SPANSEAL_END_HASH,
  ATTR_SPANSEAL_END_SEQ,
  ATTR_SPANSEAL_EPOCH,
  ATTR_SPANSEAL_HANDOFF_TO,
  ATTR_SPANSEAL_START_HASH,
  ATTR_SPANSEAL_START_SEQ,
  ATTR_SPANSEAL_UNRECORDED,
  ATTR_TASK_ID,
  ATTR_TOOL_NAME,
  ATTR_TOOL_PUBLISHER,
  ATTR_TOOL_TRUST_LEVEL,
  ATTR_TOOL_VERSION,
])

/** @param owns whether a wrapper of ours started the span; the tool inside may still write on it */
export function spanRedactor(redactor: Redactor, owns: (span: object) => boolean): SpanRedactor {
  const resources = new WeakMap<object, ReadableSpan['resource']>()
  const resourceOf = ({ resource }: ReadableSpan): ReadableSpan['resource'] => {
    let redacted = resources.get(resource)
    if (redacted === undefined) {
      redacted = redactedResource(resource, redactor)
      // What is still being detected comes later.
      if (resource.asyncAttributesPending !== true) resources.set(resource, redacted)
    }
    return redacted
  }
  return (span) => {
    const isOwn = owns(span)
    return view(span, {
      name: isOwn ? span.name : redactor.text(span.name),
      attributes: isOwn
        ? ownAttributes(span.attributes, redactor)
        : redactor.attributes(span.attributes),
      events: span.events.map((event) =>
        redactedPart({ ...event, name: redactor.text(event.name) }, redactor),
      ),
      links: span.links.map((link) => redactedPart(link, redactor)),
      status: redactedStatus(span.status, redactor),
      resource: resourceOf(span),
    })
  }
}

function view<T extends object>(target: T, changed: Partial<T>): T {
  const properties = Object.entries(changed).map(([key, value]) => [
    key,
    { value, enumerable: true },
  ])
  return Object.create(target, Object.fromEntries(properties) as PropertyDescriptorMap) as T
}

function ownAttributes(attributes: Attributes, redactor: Redactor): Attributes {
  const own: Attributes = {}
  const others: Attributes = {}
  for (const [name, value] of Object.entries(attributes)) {
    if (OWN_ATTRIBUTES.has(name)) own[name] = value
    else others[name] = value
  }
  return { ...redactor.attributes(others), ...own }
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

function redactedResource(
  resource: ReadableSpan['resource'],
  redactor: Redactor,
): ReadableSpan['resource'] {
  return view(resource, { attributes: redactor.attributes(resource.attributes) as Attributes })
}
