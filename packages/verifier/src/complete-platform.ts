// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Adds what core uses and Node 20 lacks, so that whoever is handed the verifier need not install
 * another Node: `Map.groupBy` came with Node 21 (ES2024).
 */
export function completePlatform(): void {
  const { groupBy } = Map as { groupBy?: unknown }
  if (groupBy === undefined) Object.assign(Map, { groupBy: grouped })
}

function grouped<K, T>(items: Iterable<T>, keyOf: (item: T, index: number) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  let index = 0
  for (const item of items) {
    const key = keyOf(item, index++)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}
