// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** Files by their path below `vectors/`. */
export type Files = ReadonlyMap<string, string | Uint8Array>

/** A JSON file for people and programs: two spaces, one LF at the end. */
export function jsonFile(path: string, content: unknown): [string, string] {
  return [path, `${JSON.stringify(content, null, 2)}\n`]
}
