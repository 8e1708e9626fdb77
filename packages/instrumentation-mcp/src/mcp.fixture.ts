// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { AuditRecord, Invocation } from '@spanseal/core'
import type { Audit, AuditOptions } from '@spanseal/otel'
import { register } from '@spanseal/otel'

/** A record with the blocks of calls. */
export type CallRecord = AuditRecord & {
  readonly invocation: Invocation
  readonly tool: { readonly name: string }
}

/** An audit on a journal of its own. */
export class Audited {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'mcp-'))
  readonly audit: Audit

  constructor(options: Partial<AuditOptions> = {}) {
    this.audit = register({
      service: { name: 'mcp-test' },
      journal: join(this.folder, 'journal'),
      ...options,
    })
  }

  /** Every record so far, oldest first. */
  records(): CallRecord[] {
    const journal = join(this.folder, 'journal')
    const files = readdirSync(journal, { recursive: true, encoding: 'utf8' })
    return files
      .filter((name) => name.endsWith('.jsonl'))
      .sort()
      .flatMap((name) => readFileSync(join(journal, name), 'utf8').split('\n'))
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as CallRecord)
  }

  ofType(type: string): CallRecord[] {
    return this.records().filter((record) => record.type === type)
  }

  async close(): Promise<void> {
    await this.audit.shutdown()
    rmSync(this.folder, { recursive: true })
  }
}

/** Both ends of a connection within the process. */
export async function connect(server: McpServer): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' })
  const [here, there] = InMemoryTransport.createLinkedPair()
  await Promise.all([server.connect(there), client.connect(here)])
  return client
}

/** A server whose tools are added by the test. */
export function aServer(): McpServer {
  return new McpServer({ name: 'orders', version: '3.1.0' })
}
