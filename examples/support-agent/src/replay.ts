// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { readFile } from 'node:fs/promises'
import type { Audit, Task } from '@spanseal/otel'

/** A recorded episode, in the form that chat completion APIs log. */
interface Episode {
  readonly task_id: number
  readonly traj: readonly Message[]
}

interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: string | null
  readonly tool_calls?: readonly ToolCall[]
  readonly tool_call_id?: string
}

interface ToolCall {
  readonly id: string
  readonly function: { readonly name: string; readonly arguments: string }
}

/** A tool that answers as it did when the episode was recorded. */
type RecordedTool = (call: ToolCall, answer: string) => Promise<string>

/**
 * Runs recorded trajectories through audited tools: one task an episode, one call a recorded call,
 * in their order. Returns the trace id of the last episode.
 */
export async function replayFile(audit: Audit, file: string): Promise<string | undefined> {
  const episodes = JSON.parse(await readFile(file, 'utf8')) as Episode[]
  const tools = new Map<string, RecordedTool>()
  const toolNamed = (name: string): RecordedTool => {
    const known = tools.get(name)
    if (known !== undefined) return known
    const registered = audit.registerTool({ name, publisher: 'recorded', async: true })
    const tool: RecordedTool = ({ id, function: { arguments: args } }, answer) => {
      const request = {
        tool: registered,
        args: [JSON.parse(args)],
        externalId: id,
        async: true,
        judge: recordedFailure,
      }
      return audit.call(request, async () => answer)
    }
    tools.set(name, tool)
    return tool
  }
  let trace: string | undefined
  for (const [i, episode] of episodes.entries()) {
    if (process.stderr.isTTY)
      process.stderr.write(`\rreplaying episode ${i + 1} of ${episodes.length}`)
    await audit.task(
      { name: `episode ${episode.task_id}`, session: `episode-${i}` },
      async (task) => {
        trace = task.traceId
        await replayEpisode(task, episode, toolNamed)
      },
    )
  }
  if (process.stderr.isTTY) process.stderr.write('\n')
  return trace
}

async function replayEpisode(
  task: Task,
  { traj }: Episode,
  toolNamed: (name: string) => RecordedTool,
): Promise<void> {
  for (const [i, { role, content, tool_calls }] of traj.entries()) {
    if (role === 'user' && content !== null) await task.userInput(content)
    if (role === 'assistant' && content !== null) await task.output(content)
    for (const call of tool_calls ?? []) {
      const answer = traj.slice(i + 1).find((m) => m.role === 'tool' && m.tool_call_id === call.id)
      await toolNamed(call.function.name)(call, answer?.content ?? '')
    }
  }
}

/** The recorded tools say `Error: …` where they failed. */
function recordedFailure(answer: unknown) {
  const failed = typeof answer === 'string' && answer.startsWith('Error:')
  return failed ? { status: 'error' as const, errorType: 'tool_error', message: answer } : undefined
}
