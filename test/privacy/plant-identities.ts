// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Planter } from './planting.ts'

const LIST_ITEMS = 16

/** Plants ids of people, sessions and conversations, addresses, data subjects, and who broke glass. */
export async function plantIdentities(planter: Planter, ids: readonly string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += LIST_ITEMS) {
    await plantSome(planter, ids.slice(at, at + LIST_ITEMS))
  }
  for (const by of ids) planter.audit.breakGlass({ reason: 'the volume is full', by }).close()
}

async function plantSome({ audit }: Planter, ids: readonly string[]): Promise<void> {
  const [id = ''] = ids
  const subjects = (...people: readonly string[]): readonly string[] => people
  const look = audit.tool({ name: 'look', subjects }, (...people: string[]) => people.length)
  const options = {
    user: id,
    session: id,
    conversation: id,
    client: { address: id },
    onBehalfOf: ids,
    subjects: ids,
  }
  await audit.task({ name: 'plant-people', ...options }, async (task) => {
    await task.userInput('hello')
    look(...ids)
  })
}
