// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { auditMcpClient } from '@spanseal/instrumentation-mcp'
import type { Audit, ToolDefinition } from '@spanseal/otel'

/** The tools that the planner works with: two MCP servers as child processes. */
export interface AgentTools {
  readonly files: Client
  readonly memory: Client
  readonly workspace: string
  close(): Promise<void>
}

const READS: Partial<ToolDefinition> = {
  risk: 'read',
  trustLevel: 'gold',
  permissions: ['filesystem:read'],
}
const WRITES: Partial<ToolDefinition> = {
  risk: 'write',
  trustLevel: 'gold',
  permissions: ['filesystem:write'],
}

/** What our registry knows of the servers' tools. */
const REGISTRY: Readonly<Record<string, Partial<ToolDefinition>>> = {
  read_text_file: { ...READS, classifications: ['customer'] },
  list_directory: READS,
  directory_tree: READS,
  write_file: WRITES,
  move_file: WRITES,
  create_entities: {
    risk: 'write',
    permissions: ['data_access:write'],
    classifications: ['customer'],
  },
  search_nodes: { risk: 'read', permissions: ['data_access:read'], classifications: ['customer'] },
}

/** Starts the servers and audits their clients. */
export async function startTools(
  audit: Audit,
  workspace: string,
  out: string,
): Promise<AgentTools> {
  const files = await connect(audit, {
    server: '@modelcontextprotocol/server-filesystem',
    args: [workspace],
    env: {},
  })
  const memory = await connect(audit, {
    server: '@modelcontextprotocol/server-memory',
    args: [],
    env: { MEMORY_FILE_PATH: join(out, 'memory.jsonl') },
  })
  return {
    files,
    memory,
    workspace,
    close: async () => {
      await Promise.allSettled([files.close(), memory.close()])
    },
  }
}

interface ServerCommand {
  /** Name of the npm package. */
  readonly server: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

async function connect(audit: Audit, { server, args, env }: ServerCommand): Promise<Client> {
  const manifest = createRequire(import.meta.url).resolve(`${server}/package.json`)
  const { bin } = createRequire(import.meta.url)(manifest) as { bin: Record<string, string> }
  const script = join(dirname(manifest), Object.values(bin)[0] as string)
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [script, ...args],
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stderr: 'ignore',
  })
  const client = new Client({ name: 'support-agent', version: '1.4.0' })
  await client.connect(transport)
  const tools = Object.fromEntries(
    Object.entries(REGISTRY).map(([name, known]) => [
      name,
      { publisher: 'modelcontextprotocol', ...known },
    ]),
  )
  return auditMcpClient(audit, client, { tools })
}

/** The text of a tool's result. */
export function textOf(result: unknown): string {
  const [first] = (result as CallToolResult).content
  return first?.type === 'text' ? first.text : ''
}
