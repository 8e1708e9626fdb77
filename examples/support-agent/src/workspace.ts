// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const FILES: Readonly<Record<string, string>> = {
  'orders/A-1.json': JSON.stringify(
    { order: 'A-1', customer: 'u-17', item: 'kettle', status: 'late', price: 49 },
    null,
    2,
  ),
  'orders/A-2.json': JSON.stringify(
    { order: 'A-2', customer: 'u-23', item: 'lamp', status: 'delivered', price: 80 },
    null,
    2,
  ),
  'policies/4-late-orders.md':
    '# Policy 4\n\nAn order that is more than five days late is refunded in full.\n',
}

/** Writes the files that the agent works on, and returns their folder. */
export async function prepareWorkspace(out: string): Promise<string> {
  const workspace = join(out, 'workspace')
  for (const [name, text] of Object.entries(FILES)) {
    const file = join(workspace, name)
    await mkdir(join(file, '..'), { recursive: true })
    await writeFile(file, text)
  }
  await mkdir(join(workspace, 'letters'), { recursive: true })
  return workspace
}
