// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { RegisteredTool } from '@spanseal/otel'

/** Names come from outside, so the memory of them is bounded; forgetting one costs a definition. */
const NAMES_MAX = 1_024

/** Keeps a tool under its name. */
export function remember(
  tools: Map<string, RegisteredTool>,
  name: string,
  tool: RegisteredTool,
): void {
  if (tools.size >= NAMES_MAX) tools.clear()
  tools.set(name, tool)
}
