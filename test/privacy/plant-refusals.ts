// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { RecordSink } from '@spanseal/core'
import { AuditError } from '@spanseal/core'
import { kafkaSink } from '@spanseal/kafka'
import type { Audit, AuditOptions, TaskOptions } from '@spanseal/otel'
import { optionsFromEnv, register } from '@spanseal/otel'
import type { PlantedSecret } from './planted-secrets.ts'

/** Makes the audit refuse what holds a secret, and returns the words of each refusal. */
export async function refusalsOf(
  audit: Audit,
  base: AuditOptions,
  secret: PlantedSecret,
): Promise<string[]> {
  const { text, find } = secret
  const tooLong = `${text}${'.'.repeat(300)}`
  const untyped = (value: unknown): string => value as string
  const number = Number(find.replaceAll(/\D/g, ''))
  const header = { authorization: [find] as unknown as string }
  const attempts: (() => unknown)[] = [
    ...PEOPLE.map((name) => () => audit.task({ name: 'refused', [name]: tooLong }, () => {})),
    ...LISTS.map((name) => () => audit.task({ name: 'refused', [name]: [tooLong] }, () => {})),
    () => audit.task({ name: 'refused', client: { address: tooLong } }, () => {}),
    () => audit.task({ name: 'refused', from: untyped(text) } as unknown as TaskOptions, () => {}),
    () => audit.task({ name: 'refused' }, (task) => task.userInput(untyped(number))),
    () => audit.task({ name: 'refused' }, (task) => task.output(untyped([find]))),
    () => audit.task({ name: 'refused' }, (task) => task.reasoning({ thought: untyped(number) })),
    () =>
      audit.task({ name: 'refused' }, (task) =>
        task.handoff({ to: 'other', summary: untyped(number) }),
      ),
    () => audit.breakGlass({ reason: untyped([find]) }),
    () => audit.breakGlass({ reason: find, by: untyped([find]) }),
    () => audit.breakGlass({ reason: find, minutes: find as unknown as number }),
    () => register({ ...base, otlp: `to ${text}` }),
    () => register({ ...base, otlp: `redis://user:${find}@host.example` }),
    () => register({ ...base, otlp: { url: 'http://127.0.0.1:1', headers: header } }),
    () => register({ ...base, otlp: { url: 'http://127.0.0.1:1', token: find } as never }),
    () => register({ ...base, sinks: [text as unknown as RecordSink] }),
    () => optionsFromEnv({ ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: `authorization ${find}` }),
    () => optionsFromEnv({ ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: `authorization=%zz${find}` }),
  ]
  return Promise.all(attempts.map(refusal))
}

/** As {@link refusalsOf}, of the Kafka sink. */
export function kafkaRefusalsOf({ find }: PlantedSecret): Promise<string[]> {
  const attempts: (() => unknown)[] = [
    () => kafkaSink({ brokers: [`user:${find}@host.example:9092`] }),
    () => kafkaSink({ brokers: ['h:1'], sasl: find as never }),
    () => kafkaSink({ brokers: ['h:1'], sasl: { username: find, password: find } as never }),
    () => kafkaSink({ brokers: ['h:1'], ssl: find as never }),
  ]
  return Promise.all(attempts.map(refusal))
}

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }
const PEOPLE = ['user', 'session', 'conversation'] as const
const LISTS = ['onBehalfOf', 'subjects'] as const

async function refusal(attempt: () => unknown): Promise<string> {
  try {
    await attempt()
  } catch (error) {
    if (!(error instanceof AuditError)) throw error
    return `${error.code} ${error.stack}\n${JSON.stringify(error)}\n${String(error.cause)}`
  }
  throw new Error(`not refused: ${attempt.toString()}`)
}
