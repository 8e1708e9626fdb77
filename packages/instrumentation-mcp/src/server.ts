// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { SpanKind } from '@opentelemetry/api'
import { ATTR_JSONRPC_REQUEST_ID, ATTR_MCP_METHOD_NAME, ATTR_MCP_SESSION_ID } from '@spanseal/core'
import type { Audit, RegisteredTool, RiskClass, ToolDefinition, TraceCarrier } from '@spanseal/otel'
import { remember } from './remember.ts'
import { judgeToolResult } from './tool-result.ts'

/** Options of {@link auditMcpServer}. */
export interface McpServerOptions {
  /** What is known of this server's tools, by tool name. */
  readonly tools?: Readonly<Record<string, Partial<ToolDefinition>>>
  /** Default for tools that `tools` does not name: `write`. */
  readonly risk?: RiskClass
}

interface ToolRequest {
  readonly params: {
    readonly name: string
    readonly arguments?: unknown
    readonly _meta?: TraceCarrier
  }
}

interface RequestExtra {
  readonly requestId?: string | number
  readonly sessionId?: string
  readonly signal?: AbortSignal
}

type Handler = (request: ToolRequest, extra: RequestExtra) => unknown

const TOOLS_CALL = 'tools/call'

/**
 * Audits every `tools/call` that reaches a server, unknown tools and refused arguments included, as
 * part of the trace that the client's `_meta` names. Call it before the first tool is registered.
 *
 * Blocks: a tool's handler runs only after the intent is as durable as the tool's class demands, never
 * where that fails and the class is `closed` (the client gets a JSON-RPC error), and never when the
 * authorize hook refuses. Bypassed by: a handler set on another `Server` object, or before this call (refused).
 *
 * @throws Error from the SDK when a `tools/call` handler is set already
 */
export function auditMcpServer<S extends McpServer | Server>(
  audit: Audit,
  mcp: S,
  options: McpServerOptions = {},
): S {
  const server: Server = 'server' in mcp ? (mcp as McpServer).server : (mcp as Server)
  server.assertCanSetRequestHandler(TOOLS_CALL)
  const setRequestHandler = server.setRequestHandler.bind(server) as (
    schema: unknown,
    handler: Handler,
  ) => void
  const registered = new Map<string, RegisteredTool>()
  const audited =
    (handler: Handler): Handler =>
    (request, extra) => {
      const { name, arguments: args = {}, _meta = {} } = request.params
      const known = registered.get(name) ?? audit.outsideTool(definitionOf(name, options))
      remember(registered, name, known)
      const cancelled = (): 'cancelled' | undefined =>
        extra.signal?.aborted === true ? 'cancelled' : undefined
      return audit.below(_meta, () =>
        audit.call(
          {
            tool: known,
            args: [args],
            async: true,
            spanName: `${TOOLS_CALL} ${name}`,
            spanKind: SpanKind.SERVER,
            attributes: requestAttributes(extra),
            judge: judgeToolResult,
            judgeError: cancelled,
          },
          () => handler(request, extra),
        ),
      )
    }
  server.setRequestHandler = ((schema: unknown, handler: Handler) =>
    setRequestHandler(
      schema,
      methodOf(schema) === TOOLS_CALL ? audited(handler) : handler,
    )) as Server['setRequestHandler']
  return mcp
}

function definitionOf(name: string, { risk = 'write', tools }: McpServerOptions): ToolDefinition {
  return { name, type: 'extension', risk, ...tools?.[name] }
}

function requestAttributes({ requestId, sessionId }: RequestExtra): Record<string, string> {
  return {
    [ATTR_MCP_METHOD_NAME]: TOOLS_CALL,
    ...(requestId === undefined ? {} : { [ATTR_JSONRPC_REQUEST_ID]: String(requestId) }),
    ...(sessionId === undefined ? {} : { [ATTR_MCP_SESSION_ID]: sessionId }),
  }
}

/** The method that a request schema (zod 3 or 4) is for. */
function methodOf(schema: unknown): unknown {
  const { shape } = schema as { shape?: { method?: unknown } | (() => { method?: unknown }) }
  const method = (typeof shape === 'function' ? shape() : shape)?.method as
    | { value?: unknown; _def?: { value?: unknown; values?: readonly unknown[] } }
    | undefined
  return method?.value ?? method?._def?.value ?? method?._def?.values?.[0]
}
