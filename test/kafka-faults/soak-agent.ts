// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { AgentLoad } from './agent-load.ts'

/** Agents of a soak, as a process of its own: `soak-agent.ts <journal> <records of an epoch>`. */
const [, , journal = '', epochRecordsMax = ''] = process.argv
const load = new AgentLoad(journal, Number(epochRecordsMax))
process.once('SIGTERM', () => load.stop())
process.stdout.write(`${load.vkey}\n`)
