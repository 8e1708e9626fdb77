// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { AuditError } from '@spanseal/core'
import { register } from '@spanseal/otel'
import { runScriptedTasks } from './planner.ts'
import { authorize } from './policy.ts'
import { replayFile } from './replay.ts'
import { reportJournal } from './report.ts'
import { startTools } from './tools.ts'
import { prepareWorkspace } from './workspace.ts'

const HELP = `A support agent under audit: real tools of real MCP servers, a scripted planner, no model needed.

Usage: npm start -- [options]
  --out <folder>      where journal and workspace go (default: out/<time>)
  --otlp <address>    also send spans, for instance http://localhost:4318
  --replay <file>     run recorded trajectories instead of the script
  --help              this text

Examples:
  npm start
  npm start -- --out ./demo
  npm start -- --otlp http://localhost:4318
`

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      out: { type: 'string' },
      otlp: { type: 'string' },
      replay: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) {
    process.stdout.write(HELP)
    return 0
  }
  const out = resolve(values.out ?? join('out', new Date().toISOString().replace(/[:.]/g, '-')))
  const workspace = await prepareWorkspace(out)
  const journal = join(out, 'journal')
  const audit = register({
    service: { name: 'support-agent', version: '1.4.0' },
    agent: { id: 'support-1', name: 'support', version: '1.4.0' },
    journal,
    authorize,
    deployment: { environment: 'demo' },
    toolFolders: [workspace],
    ...(values.otlp === undefined ? {} : { otlp: values.otlp }),
  })
  const stop = (): void => void audit.shutdown().then(() => process.exit(130))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  let lastTrace: string | undefined
  try {
    if (values.replay === undefined) {
      const tools = await startTools(audit, workspace, out)
      try {
        lastTrace = await runScriptedTasks(audit, tools)
      } finally {
        await tools.close()
      }
    } else {
      lastTrace = await replayFile(audit, values.replay)
    }
  } finally {
    await audit.shutdown()
  }
  return reportJournal(journal, { lastTrace, showTimelines: values.replay === undefined })
}

// Whoever reads may stop early: `npm start | head`.
process.stdout.on('error', () => process.exit(0))

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${explained(error)}\n`)
  process.exitCode = 2
}

/** One line: what went wrong, and with what. */
function explained(error: unknown): string {
  if (error instanceof AuditError) return `${error.code}: ${error.message}`
  if (error instanceof SyntaxError) return '--replay: the file is no JSON of recorded trajectories'
  return error instanceof Error ? `${error.message} (npm start -- --help)` : String(error)
}
