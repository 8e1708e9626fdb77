// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AclEntry } from 'kafkajs'
import kafkajs from 'kafkajs'

const OPERATIONS: Readonly<Record<string, number>> = {
  Read: kafkajs.AclOperationTypes.READ,
  Write: kafkajs.AclOperationTypes.WRITE,
  Create: kafkajs.AclOperationTypes.CREATE,
  Delete: kafkajs.AclOperationTypes.DELETE,
  Alter: kafkajs.AclOperationTypes.ALTER,
  Describe: kafkajs.AclOperationTypes.DESCRIBE,
  DescribeConfigs: kafkajs.AclOperationTypes.DESCRIBE_CONFIGS,
  AlterConfigs: kafkajs.AclOperationTypes.ALTER_CONFIGS,
}

/**
 * What the `kafka-acls.sh` commands of a document do, as entries for the admin of kafkajs.
 *
 * @throws Error at an option that is not known here: what is documented is what is tested
 */
export function aclsOf(markdown: string): AclEntry[] {
  const blocks = [...markdown.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)
  const commands = blocks
    .join('\n')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.startsWith('kafka-acls.sh '))
  if (commands.length === 0) throw new Error('the document holds no kafka-acls.sh command')
  return commands.flatMap(entriesOf)
}

function entriesOf(command: string): AclEntry[] {
  const words = command.trim().split(/\s+/).slice(1)
  const values = new Map<string, string[]>()
  while (words.length > 0) {
    const option = words.shift() as string
    const value = option === '--add' ? '' : words.shift()
    if (value === undefined) throw new Error(`${option} has no value: ${command}`)
    values.set(option, [...(values.get(option) ?? []), value])
  }
  const take = (option: string): string[] => {
    const found = values.get(option) ?? []
    values.delete(option)
    return found
  }
  for (const option of ['--bootstrap-server', '--command-config', '--add']) {
    if (take(option).length !== 1) throw new Error(`${option} is missing: ${command}`)
  }
  const [principal = ''] = take('--allow-principal')
  const operations = take('--operation').map((name) => OPERATIONS[name])
  const prefixed = take('--resource-pattern-type')[0] === 'prefixed'
  const { TOPIC, GROUP } = kafkajs.AclResourceTypes
  const resources = [
    ...take('--topic').map((resourceName) => ({ resourceName, resourceType: TOPIC })),
    ...take('--group').map((resourceName) => ({ resourceName, resourceType: GROUP })),
  ]
  const unknown = [...values.keys(), ...(operations.includes(undefined) ? ['--operation'] : [])]
  if (unknown.length > 0) throw new Error(`not known: ${unknown.join(' ')} in ${command}`)
  const { LITERAL, PREFIXED } = kafkajs.ResourcePatternTypes
  return resources.flatMap((resource) =>
    operations.map(
      (operation): AclEntry => ({
        ...resource,
        principal,
        host: '*',
        operation: operation as number,
        permissionType: kafkajs.AclPermissionTypes.ALLOW,
        resourcePatternType: prefixed ? PREFIXED : LITERAL,
      }),
    ),
  )
}
