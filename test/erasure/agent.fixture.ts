// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { setImmediate } from 'node:timers/promises'
import { createAudit } from '@spanseal/otel'

/** What the agent is told about; each is in its input, output, error and texts. */
export interface AgentOrders {
  readonly journal: string
  /** Who is spoken about, and what is said. */
  readonly talk: readonly { readonly subjects: readonly string[]; readonly text: string }[]
  /** Ends by SIGKILL instead of a shutdown. */
  readonly killed: boolean
  /** Then not once everything is on disk, but once so many values are. */
  readonly afterStored?: number
}

async function runAgent({ afterStored, journal, killed, talk }: AgentOrders): Promise<void> {
  const audit = createAudit({ service: { name: 'support-agent' }, journal, vault: true })
  for (const { subjects, text } of talk) {
    // Tools of real agents wait for something; meanwhile the vault is written to.
    await setImmediate()
    const stored = audit.health().vault?.stored ?? 0
    if (stored >= (afterStored ?? Number.POSITIVE_INFINITY)) process.kill(process.pid, 'SIGKILL')

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
