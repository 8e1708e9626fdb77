// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { OutsideNames } from './outside-names.ts'
import type { RegisteredTool, ToolDefinition } from './tool-definition.ts'
import { outsideTool } from './tool-definition.ts'

/** Names of outside tools are not ours to choose, so only so many are kept. */
const NOTED_MAX = 10_000

/** The tools that wrappers and instrumentations of an audit call. */
export class KnownTools {
  readonly #registered = new Map<string, RegisteredTool>()
  readonly #noted = new Set<string>()
  readonly #names: OutsideNames

  constructor(names: OutsideNames) {
    this.#names = names
  }

  /** A tool that this program defines. */
  register(tool: RegisteredTool): void {
    this.#registered.set(tool.tool.value.name, tool)
  }

  /** A tool that this program does not define: only its name is noted. */
  outside(definition: ToolDefinition): RegisteredTool {
    const tool = outsideTool(definition, this.#names)
    this.note(tool.tool.value.name)
    return tool
  }

  /** Some wrapper calls a tool of this name. */
  note(name: string): void {
    if (!this.#registered.has(name) && this.#noted.size < NOTED_MAX) this.#noted.add(name)
  }

  /** Whether a wrapper may record a call of this name. */
  has(name: string): boolean {
    return this.#registered.has(name) || this.#noted.has(name)
  }

  /** What is known of the tool; what others made and nobody registered is unverified. */
  get(name: string): RegisteredTool {
    return this.#registered.get(name) ?? outsideTool({ name, type: 'function' }, this.#names)
  }
}
