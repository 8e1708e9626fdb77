// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

// A test process with two servers, of which one has ended, and a scratch folder. It prints what it
// has and waits to be killed.

import { join } from 'node:path'
import { scratchFolder } from './guard.ts'
import { ServerProcess } from './server-process.ts'

const folder = scratchFolder('guard')
const ready = (): Promise<boolean> => Promise.resolve(true)
const logFile = join(folder, 'log')
const server = new ServerProcess({ command: 'sleep', args: ['600'], logFile, ready })
const ended = new ServerProcess({ command: 'sleep', args: ['600'], logFile, ready })
await server.start()
await ended.start()
await ended.kill('SIGKILL')
console.log(JSON.stringify({ pid: server.pid, folder }))
setInterval(() => {}, 60_000)
