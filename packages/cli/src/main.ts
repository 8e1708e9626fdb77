// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { run } from './program.ts'

process.exitCode = await run(process.argv.slice(2))
