// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { ExitCode } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

/** What commands share: where to write, and what the process ends with. */
export interface Session {
  readonly terminal: Terminal
  exitCode: ExitCode
}
