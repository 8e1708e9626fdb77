// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Context } from '@opentelemetry/api'
import { trace } from '@opentelemetry/api'
import type { OpenCall } from './call.ts'
import type { OwnWriting } from './call-spans.ts'
import type { AuditScope } from './scope.ts'

/** What is known of a span of this process, so that no call is recorded twice. */
export interface SpanNode {
  /** What a wrapper wrote on it, where one started it and records what it shows. */
  readonly wrote: OwnWriting | undefined
  /** Of an owned span: the tool that it calls. */
  readonly tool: string | undefined
  /** The scope in which it was started. */
  readonly scope: AuditScope | undefined
  readonly parent: SpanNode | undefined
  /** Of a foreign span: the call that was recorded at its start. */
  call: OpenCall | undefined
  /** Of a foreign span: tools that wrappers called below it. */
  wrapped: Set<string> | undefined
}

/** The spans of this process by their objects, each with the one above it. */
export class SpanTree {
  readonly #nodes = new WeakMap<object, SpanNode>()

  add(span: object, above: Context, node: Pick<SpanNode, 'wrote' | 'tool' | 'scope'>): SpanNode {
    const { wrote, tool, scope } = node
    const parent = this.#above(above)
    const added: SpanNode = { wrote, tool, scope, parent, call: undefined, wrapped: undefined }
    this.#nodes.set(span, added)
    return added
  }

  get(span: object): SpanNode | undefined {
    return this.#nodes.get(span)
  }

  /**
   * Notes on every foreign span above, up to the next wrapper, that a wrapper calls `tool`.
   *
   * @returns the call that one of them recorded at its start, where it is the same: the wrapper goes
   * on with it, and the span's end says nothing more
   */
  noteWrapped(above: Context, tool: string): OpenCall | undefined {
    let begun: OpenCall | undefined
    for (
      let node = this.#above(above);
      node !== undefined && node.wrote === undefined;
      node = node.parent
    ) {
      node.wrapped ??= new Set()
      node.wrapped.add(tool)
      if (begun === undefined && node.call?.intent.tool?.tool.value.name === tool) {
        begun = node.call
        node.call = undefined
      }
    }
    return begun
  }

  #above(context: Context): SpanNode | undefined {
    const span = trace.getSpan(context)
    return span === undefined ? undefined : this.#nodes.get(span)
  }
}

/** Whether a wrapper recorded the call of `tool` that a foreign span shows: below it, or around it. */
export function isWrapped(node: SpanNode, tool: string): boolean {
  if (node.wrapped?.has(tool) === true) return true
  let above = node.parent
  while (above !== undefined && above.wrote === undefined) above = above.parent
  return above?.tool === tool
}
