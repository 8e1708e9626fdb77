// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

const PERMISSION = /^(network|filesystem|code_execution|data_access)(:[a-z_]{1,32})?$/

/** What a tool may need: `network`, `filesystem`, `code_execution` or `data_access`, each with `:<what>`. */
export function isPermission(permission: unknown): permission is string {
  return typeof permission === 'string' && PERMISSION.test(permission)
}
