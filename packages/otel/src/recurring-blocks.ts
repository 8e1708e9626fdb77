// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Authorization, Block, CallContext } from '@spanseal/core'
import { block } from '@spanseal/core'
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
    const all = [...new Set([...context.value.data_classifications, ...own])].slice(0, 16)
    made = block({ ...context.value, data_classifications: all })
    byTool.set(tool, made)
  }
  return made
}
