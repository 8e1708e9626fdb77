// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path'
import { AuditError } from '@spanseal/core'
import type { Audit, Task } from '@spanseal/otel'
import type { AgentTools } from './tools.ts'
import { textOf } from './tools.ts'

/**
 * What a model would decide, written down: five tasks, each showing another way in which tool calls
 * end. Returns the trace id of the first.
 */
export async function runScriptedTasks(audit: Audit, tools: AgentTools): Promise<string> {
  const script = new Script(tools)
  const first = await audit.task(
    {
      name: 'refund a late order',
      user: 'u-17',
      session: 's-1',
      trigger: 'user_request',
      source: 'user',
      turn: 1,
    },
    (task) => script.refund(task),
  )
  await audit.task({ name: 'find a misnamed order', user: 'u-23', session: 's-2' }, (task) =>
    script.retry(task),
  )
  await audit.task({ name: 'tidy up customer files', user: 'u-23', session: 's-2' }, (task) =>
    script.denied(task),
  )
  await audit.task({ name: 'settle an invoice', user: 'u-17', session: 's-1' }, (task) =>
    script.handOver(audit, task),
  )
  await audit
    .task({ name: 'search everything', user: 'u-99' }, (task) => script.cancelled(task))
    .catch(() => {})
  return first
}

class Script {
  readonly #tools: AgentTools

  constructor(tools: AgentTools) {
    this.#tools = tools
  }

  #path(name: string): string {
    return join(this.#tools.workspace, name)
  }

  #read(name: string): Promise<unknown> {
    return this.#tools.files.callTool({
      name: 'read_text_file',
      arguments: { path: this.#path(name) },
    })
  }

  /** Everything goes well. */
  async refund(task: Task): Promise<string> {
    await task.userInput('My kettle, order A-1, has not come. I want my money back.')
    await task.reasoning(
      {
        thought: 'Read the order, then policy 4 on late orders',
        plan: ['read the order', 'read policy 4', 'write the letter'],
        confidence: 0.9,
      },
      async () => {
        await this.#read('orders/A-1.json')
        await this.#read('policies/4-late-orders.md')
      },
    )
    await this.#tools.files.callTool({
      name: 'write_file',
      arguments: { path: this.#path('letters/A-1.txt'), content: 'Your 49 EUR are on their way.' },
    })
    await this.#tools.memory.callTool({
      name: 'create_entities',
      arguments: {
        entities: [{ name: 'A-1', entityType: 'order', observations: ['refunded under policy 4'] }],
      },
    })
    await task.output('Your order was late, so we refund 49 EUR.')
    return task.traceId
  }

  /** A tool fails, and the second try works. */
  async retry(task: Task): Promise<void> {
    await task.reasoning({ thought: 'The customer wrote A2', confidence: 0.5 }, () =>
      this.#read('orders/A2.json'),
    )
    await task.reasoning(
      { thought: 'There is no such file; order ids have a dash', confidence: 0.95 },
      async () => {
        const order = JSON.parse(textOf(await this.#read('orders/A-2.json'))) as { status: string }
        await task.output(`Your lamp is ${order.status}.`)
      },
    )
  }

  /** The policy refuses. */
  async denied(task: Task): Promise<void> {
    const files = {
      source: this.#path('orders/A-2.json'),
      destination: this.#path('orders/old-A-2.json'),
    }
    try {
      await this.#tools.files.callTool({ name: 'move_file', arguments: files })
    } catch (error) {
      if (!(error instanceof AuditError && error.code === 'AUTHORIZATION_DENIED')) throw error
      await task.output('I may not move customer files.')
    }
  }

  /** A second agent takes over within the same trace and task. */
  async handOver(audit: Audit, task: Task): Promise<void> {
    await task.handoff({ to: 'billing-1', summary: 'Order A-1 is refunded; book it' }, (from) =>
      audit.task(
        { name: 'book the refund', agent: { id: 'billing-1', name: 'billing' }, from },
        async (billing) => {
          await this.#tools.memory.callTool({ name: 'search_nodes', arguments: { query: 'A-1' } })
          await billing.output('Booked.')
        },
      ),
    )
  }

  /** The user gives up while a tool runs. */
  async cancelled(_task: Task): Promise<void> {
    const giveUp = new AbortController()
    const search = this.#tools.files.callTool(
      { name: 'directory_tree', arguments: { path: this.#tools.workspace } },
      undefined,
      { signal: giveUp.signal },
    )
    giveUp.abort(new Error('the user closed the window'))
    await search
  }
}
