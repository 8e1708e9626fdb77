// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Planted, Planter } from './planting.ts'

/** Plants in the reason of broken glass, and in what is said while it is open. */
export async function plantBreakGlass({ audit, said }: Planter, secret: Planted): Promise<void> {
  const glass = audit.breakGlass({ reason: secret.anywhere, minutes: 1 })
  said.push(JSON.stringify([glass, audit.health()]))
  try {
    audit.breakGlass({ reason: secret.anywhere, by: secret.named })
  } catch (error) {
    said.push(String((error as Error).stack))
  }
  await audit.tool({ name: 'behind-glass', risk: 'write' }, async () => 'done')()
  glass.close()
}
