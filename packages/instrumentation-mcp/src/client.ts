// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AsyncResource } from 'node:async_hooks'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SpanKind } from '@opentelemetry/api'
import { ATTR_MCP_METHOD_NAME, ATTR_MCP_SESSION_ID } from '@spanseal/core'
import type { Audit, RegisteredTool, RiskClass, ToolDefinition } from '@spanseal/otel'
import { remember } from './remember.ts'
import { judgeRequestError, judgeToolResult } from './tool-result.ts'

/** Options of {@link auditMcpClient}. */
export interface McpClientOptions {
  /** What is known of the server's tools beyond what it says of itself, by tool name. */
  readonly tools?: Readonly<Record<string, Partial<ToolDefinition>>>
  /** Default for tools that `tools` does not name: `write`, since a server may do anything. */
  readonly risk?: RiskClass
}

/**
 * Audits every `client.callTool`: intent record, the request with trace context in `_meta`, outcome
 * record. Unknown tools, `isError` results, time-outs and cancellations are outcomes; progress passes
 * through in the caller's context. Wraps the one object and returns it.
 *
 * Blocks: the request is sent only after the intent is as durable as the tool's class demands, never
 * where that fails and the class is `closed` (rejects with `INTENT_NOT_DURABLE`), and never when the
 * authorize hook refuses. Bypassed by: `client.request({ method: 'tools/call' })`, `client.experimental.tasks`, and
 * another client on the same transport.
 */
export function auditMcpClient<C extends Client>(
  audit: Audit,
  client: C,
  options: McpClientOptions = {},
): C {
  const registered = new Map<string, RegisteredTool>()
  const callTool = client.callTool.bind(client)
  const toolNamed = (name: string): RegisteredTool => {
    let tool = registered.get(name)
    if (tool === undefined) {
      tool = audit.outsideTool(definitionOf(client, name, options))
      remember(registered, name, tool)
    }
    return tool
  }
  client.callTool = ((params, resultSchema, requestOptions) => {
    const { signal, onprogress } = requestOptions ?? {}
    const inContext = onprogress && { onprogress: AsyncResource.bind(onprogress) }
    const sessionId = client.transport?.sessionId
    return audit.call(
      {
        tool: toolNamed(params.name),
        args: [params.arguments ?? {}],
        async: true,
        spanName: `tools/call ${params.name}`,
        spanKind: SpanKind.CLIENT,
        attributes: {
          [ATTR_MCP_METHOD_NAME]: 'tools/call',
          ...(sessionId === undefined ? {} : { [ATTR_MCP_SESSION_ID]: sessionId }),
        },
        judge: judgeToolResult,
        judgeError: (thrown) => judgeRequestError(thrown, signal),
      },
      () => {
        const _meta = { ...params._meta, ...audit.carrier() }
        return callTool({ ...params, _meta }, resultSchema, { ...requestOptions, ...inContext })
      },
    )
  }) as C['callTool']
  return client
}

function definitionOf(client: Client, name: string, options: McpClientOptions): ToolDefinition {
  const server = client.getServerVersion()
  return {
    name,
    type: 'extension',
    risk: options.risk ?? 'write',
    ...(server === undefined ? {} : { server: server.name, version: server.version }),
    ...options.tools?.[name],
  }
}
