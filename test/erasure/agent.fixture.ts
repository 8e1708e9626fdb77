// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { createAudit } from '@spanseal/otel'

/** What the agent is told about; each is in its input, output, error and texts. */
export interface AgentOrders {
  readonly journal: string
  /** Who is spoken about, and what is said. */
  readonly talk: readonly { readonly subjects: readonly string[]; readonly text: string }[]
  /** Ends by SIGKILL instead of a shutdown. */
  readonly killed: boolean
}

async function runAgent({ journal, killed, talk }: AgentOrders): Promise<void> {
  const audit = createAudit({ service: { name: 'support-agent' }, journal, vault: true })
  for (const { subjects, text } of talk) {
    const tool = audit.tool(
      { name: 'look-up', subjects: (_said: string) => subjects },
      (said: string) => [said],
    )
    const fails = audit.tool(
      { name: 'fails', subjects: (_said: string) => subjects },
      (said: string) => {
        throw new Error(said)
      },
    )
    await audit.task({ name: 'talk', subjects }, async (task) => {
      await task.output(text)
      await task.reasoning({ thought: text, plan: [text] })
      tool(text)
      try {
        fails(text)
      } catch {
        // It was to be recorded.
      }
    })
  }
  await audit.forceFlush()
  if (killed) process.kill(process.pid, 'SIGKILL')
  await audit.shutdown()
}

await runAgent(JSON.parse(process.argv[2] ?? '') as AgentOrders)
