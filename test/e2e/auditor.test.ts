// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Verdict } from '@spanseal/core'
import { isEpochId } from '@spanseal/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CommandResult } from './run-command.ts'
import { ROOT, runNode, spanseal } from './run-command.ts'

/** The way of the evidence that the README shows, as processes, from a tenant key to an erased person. */

const LOG = 'example.com/support-agent'
const AGENT = `
import { register } from '@spanseal/otel'

const [journal, order] = process.argv.slice(2)
const audit = register({ service: { name: 'support-agent' }, journal, log: '${LOG}' })
const refund = audit.tool({ name: 'refund_order', risk: 'write' }, async (input) => 'refunded ' + input.order)
await audit.task({ name: 'refund', user: 'u-17', subjects: ['u-17'] }, () => refund({ order }))
await audit.shutdown()
`

let folder: string
let journal: string
let tenant: string
let epoch: string
let seq: number
const path = (name: string): string => join(folder, name)

async function done(...args: string[]): Promise<CommandResult> {
  const result = await spanseal(...args)
  expect({ args, ...result }).toMatchObject({ status: 0 })
  return result
}

async function verdictOf(...args: string[]): Promise<Verdict> {
  return JSON.parse((await spanseal('verify', journal, '--json', ...args)).stdout) as Verdict
}

function epochs(): string[] {
  return readdirSync(journal).filter(isEpochId).sort()
}

beforeAll(async () => {
  await runNode(['bootstrap.mjs', 'build'])
  // Below the root, so that the packages are found as in a user's project.
  mkdirSync(join(ROOT, 'out'), { recursive: true })
  folder = mkdtempSync(join(ROOT, 'out/auditor-'))
  journal = path('audit')
  writeFileSync(path('agent.mjs'), AGENT)
  const made = await done('keys', 'new', '--tenant', '--log', LOG, '--out', path('tenant.pem'))
  tenant = made.stdout.trim()
  await done('keys', 'new', '--issuer', '--log', LOG, '--journal', journal)
  const certify = ['--log', LOG, '--tenant-key', path('tenant.pem'), '--journal', journal]
  await done('keys', 'certify', ...certify)
  await runNode([path('agent.mjs'), journal, 'A-1'])
  epoch = epochs()[0] ?? ''
  const lines = readFileSync(join(journal, epoch, '000000000001.jsonl'), 'utf8').split('\n')
  seq = 1 + lines.findIndex((line) => line.includes('"type":"tool.start"'))
})
afterAll(() => rmSync(folder, { recursive: true }))

test('what the agent wrote holds under the tenant key, and goes on from a head that was kept', async () => {
  expect(await verdictOf('--key', tenant)).toMatchObject({ ok: true, level: 2 })
  await done('head', 'export', journal, '--key', tenant, '--out', path('monday.heads'))
  await runNode([path('agent.mjs'), journal, 'A-2'])
  const since = await verdictOf('--key', tenant, '--since', path('monday.heads'))
  expect(since).toMatchObject({ ok: true, epochs: 2 })
  expect(since.heldByHead).toBeGreaterThan(5)
})

test('the tenant log shows that nothing up to its head is missing', async () => {
  const seal = [journal, '--log-dir', path('log'), '--tenant-key', path('tenant.pem'), '--json']
  await done('seal', ...seal)
  const sealed = await verdictOf('--key', tenant, '--log', path('log'))
  const head = sealed.heads.find(({ origin }) => origin === LOG)
  if (head === undefined) throw new Error('no head of the tenant log')
  const kept = `${head.origin} ${head.size} ${Buffer.from(head.root, 'hex').toString('base64')}`
  const held = await verdictOf('--key', tenant, '--log', path('log'), '--head', kept)
  expect(held).toMatchObject({ ok: true, level: 3, headMatched: true })

  const newest = join(journal, epochs()[1] ?? '')
  const copy = path('taken-away')
  cpSync(newest, copy, { recursive: true })
  rmSync(newest, { recursive: true })
  const cut = await verdictOf('--key', tenant, '--log', path('log'), '--head', kept)
  expect(cut).toMatchObject({ ok: false, level: 0 })
  expect(cut.counts.missing).toBeGreaterThan(0)
  cpSync(copy, newest, { recursive: true })
})

test('one record is proved alone, one value is opened, and another value is not', async () => {
  const record = `${epoch}/${seq}`
  const bundle = path('record.bundle')
  await done('prove', record, '--journal', journal, '--log', path('log'), '--out', bundle)
  writeFileSync(path('input.json'), '{"order":"A-1"}')
  writeFileSync(path('other.json'), '{"order":"A-2"}')
  const open = ['open', record, '--field', '/invocation/input', '--journal', journal]
  const opened = path('opened.bundle')
  await done(...open, '--value', path('input.json'), '--out', opened)
  expect((await spanseal(...open, '--value', path('other.json'))).status).toBe(1)
  await done('check', bundle, opened, '--key', tenant)
  writeFileSync(opened, readFileSync(opened, 'utf8').replace('refund_order', 'refund_0rder'))
  expect((await spanseal('check', opened, '--key', tenant)).status).toBe(1)
})

test('an export is checked by the program in it, and one changed character is seen', async () => {
  await done('export', journal, '--log', path('log'), '--out', path('evidence'))
  const check = [path('evidence/verify.mjs'), path('evidence'), '--key', tenant, '--json']
  const held = await runNode(check)
  expect(held).toMatchObject({ status: 0, stderr: '' })
  const folders = readdirSync(path('evidence'), { recursive: true, encoding: 'utf8' })
  const segment = folders.find((name) => name.endsWith('000000000001.jsonl')) ?? ''
  const file = join(path('evidence'), segment)
  writeFileSync(file, readFileSync(file, 'utf8').replace('refund_order', 'refund_0rder'))
  expect((await runNode(check)).status).toBe(1)
})

test('a person who is forgotten cannot be found any more, and every proof still verifies', async () => {
  const search = ['search', '--value', path('input.json'), '--journal', journal, '--json']
  expect((await spanseal(...search)).stdout).toContain(`${epoch}/${seq}`)
  await done('forget', 'u-17', '--journal', journal)
  expect((await spanseal(...search)).stdout).not.toContain(`${epoch}/${seq}`)
  expect(await verdictOf('--key', tenant)).toMatchObject({ ok: true, level: 2 })
  await done('check', path('record.bundle'), '--key', tenant)
})
