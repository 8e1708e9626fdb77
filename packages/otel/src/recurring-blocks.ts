// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Authorization, Block, CallContext } from '@spanseal/core'
import { block, LIST_CAPS } from '@spanseal/core'
import type { RegisteredTool } from './tool-definition.ts'

// Blocks that recur are serialised once: a call without authorization has one of few forms, and a
// tool with classifications of its own changes the context of its task in one way.
const authorizationBlocks = new WeakMap<Authorization, Block<Authorization>>()
const contextBlocks = new WeakMap<Block<CallContext>, WeakMap<RegisteredTool, Block<CallContext>>>()

/** The block of an authorization. */
export function authorizationBlock(authorization: Authorization): Block<Authorization> {
  let made = authorizationBlocks.get(authorization)
  if (made === undefined) {
    made = block(authorization)
    authorizationBlocks.set(authorization, made)
  }
  return made
}

/** The task's context with the tool's own classifications. */
export function contextFor(context: Block<CallContext>, tool: RegisteredTool): Block<CallContext> {
  const own = tool.definition.classifications
  if (own === undefined || own.length === 0) return context
  let byTool = contextBlocks.get(context)
  if (byTool === undefined) {
    byTool = new WeakMap()
    contextBlocks.set(context, byTool)
  }
  let made = byTool.get(tool)
  if (made === undefined) {
    const { data_classifications, data_classifications_more = 0, ...rest } = context.value
    const all = classificationsOf([...data_classifications, ...own], data_classifications_more)
    made = block({ ...rest, ...all })
    byTool.set(tool, made)
  }
  return made
}

/** The call's context with the data subjects of this one call. */
export function contextWithSubjects(
  context: Block<CallContext>,
  subjects: NonNullable<CallContext['subjects']>,
): Block<CallContext> {
  return block({ ...context.value, subjects })
}

/** Classifications, each once, up to the cap of a record; `more` were left out before. */
export function classificationsOf(
  classifications: readonly string[],
  more = 0,
): Pick<CallContext, 'data_classifications' | 'data_classifications_more'> {
  const all = [...new Set(classifications)]
  const { data_classifications: itemsMax } = LIST_CAPS
  const left = all.length - itemsMax + more
  return {
    data_classifications: all.slice(0, itemsMax),
    ...(all.length > itemsMax || more > 0
      ? { data_classifications_more: Math.max(left, more) }
      : {}),
  }
}
