// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { parentPort, workerData } from 'node:worker_threads'
import type { AgentSettings } from './acking-agent.fixture.ts'
import { runAgent } from './acking-agent.fixture.ts'

/** The acking agent in a worker thread: posts each acknowledged place. */
await runAgent(workerData as AgentSettings, (place) => parentPort?.postMessage(place))
