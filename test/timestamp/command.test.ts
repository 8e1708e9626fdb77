// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCommand } from '../../packages/cli/src/command.fixture.ts'
import { emptyFolder } from '../../packages/cli/src/journal.fixture.ts'
import { OpensslAuthority, serve } from './openssl-authority.ts'

/** `spanseal timestamp`, with a real authority behind it. */

const { heads } = JSON.parse(
  readFileSync(new URL('../../vectors/journal.json', import.meta.url), 'utf8'),
) as { heads: [string, string] }

/** A folder as a tenant log has it: `checkpoint`, a signed note. */
function logFolder(): { folder: string; size: string; text: string } {
  const folder = join(emptyFolder(), 'log')
  mkdirSync(folder)
  writeFileSync(join(folder, 'checkpoint'), heads[0])
  const text = heads[0].slice(0, heads[0].indexOf('\n\n') + 1)
  return { folder, size: text.split('\n')[1] as string, text }
}

test('a head is stamped once, and openssl takes the token', async () => {
  const authority = await OpensslAuthority.make()
  const url = await authority.serve()
  const { folder, size, text } = logFolder()
  const pem = join(authority.folder, 'root.pem')
  const ask = [
    'timestamp',
    'request',
    '--log-dir',
    folder,
    '--tsa-url',
    url,
    '--tsa',
    pem,
    '--json',
  ]
  const file = join(folder, 'timestamps', `${size}.tsr`)
  const first = await runCommand(ask)
  expect({ ...first, stdout: JSON.parse(first.stdout) as unknown }).toMatchObject({
    status: 0,
    stderr: '',
    stdout: { size: 17, file, created: true },
  })
  const token = readFileSync(file)
  await authority.verify(token, text)
  const again = await runCommand(ask)
  expect(JSON.parse(again.stdout)).toMatchObject({ created: false })
  expect(readFileSync(file)).toEqual(token)
  const { stdout } = await runCommand(ask.slice(0, -1))
  expect(stdout).toMatch(/, size 17: has its time-stamp already\n\/.*17\.tsr\n$/)

  const data = join(folder, 'checkpoint')
  const check = ['timestamp', 'verify', file, '--data', data, '--tsa', pem]
  const holds = await runCommand(check)
  expect(holds).toMatchObject({ status: 0, stderr: '' })
  expect(holds.stdout).toMatch(/^The time-stamp holds\.\nIt was there at \d{4}-.*1500 ms/)
  // The same over the text alone, which is what `openssl ts` is given.
  const alone = join(folder, 'text')
  writeFileSync(alone, text)
  const json = await runCommand([...check.with(4, alone), '--json'])
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, policy: '1.2.3.4.1' })
})

test('what does not hold ends with 1 and says why', async () => {
  const authority = await OpensslAuthority.make()
  const other = await OpensslAuthority.make()
  const { folder, text } = logFolder()
  const file = join(folder, 'own.tsr')
  writeFileSync(file, await authority.stamp(text))
  const check = ['timestamp', 'verify', file, '--data', join(folder, 'checkpoint'), '--tsa']
  const strange = await runCommand([...check, join(other.folder, 'root.pem'), '--json'])
  expect(strange.status).toBe(1)
  expect(JSON.parse(strange.stdout)).toMatchObject({ ok: false, code: 'MALFORMED_TIMESTAMP' })
  writeFileSync(join(folder, 'checkpoint'), heads[1])
  const moved = await runCommand([...check, join(authority.folder, 'root.pem')])
  expect(moved).toMatchObject({ status: 1, stderr: '' })
  expect(moved.stdout).toContain('it is over something else')
})

test('what cannot be done ends with 2, and leaves no file', async () => {
  const authority = await OpensslAuthority.make()
  const strange = await OpensslAuthority.make({}, 'Other')
  const { folder, size } = logFolder()
  const pem = join(strange.folder, 'root.pem')
  const ask = (url: string): string[] => [
    'timestamp',
    'request',
    '--log-dir',
    folder,
    '--tsa-url',
    url,
  ]
  const url = await authority.serve()
  const untrusted = await runCommand([...ask(url), '--tsa', pem])
  expect(untrusted).toMatchObject({ status: 2, stdout: '' })
  expect(untrusted.stderr).toContain('MALFORMED_TIMESTAMP')
  const page = await serve((_, response) => void response.end('hello'))
  expect((await runCommand(ask(page))).stderr).toContain('TIMESTAMP_REFUSED')
  const elsewhere = ['timestamp', 'request', '--log-dir', authority.folder, '--tsa-url', url]
  expect((await runCommand(elsewhere)).stderr).toContain('LOG_UNUSABLE')
  expect(existsSync(join(folder, 'timestamps', `${size}.tsr`))).toBe(false)
  const missing = ['timestamp', 'verify', join(folder, 'no.tsr'), '--data', pem, '--tsa', pem]
  expect(await runCommand(missing)).toMatchObject({ status: 2 })
})

test.each([['timestamp'], ['timestamp', 'request'], ['timestamp', 'verify']])(
  'helps with %s %s',
  async (...args) => {
    const { status, stdout } = await runCommand([...args, '--help'])
    expect(status).toBe(0)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  },
)

test('errors name the option and the file', async () => {
  const { folder } = logFolder()
  const wrong = join(folder, 'wrong')
  writeFileSync(wrong, 'no certificate\n')
  const request = ['timestamp', 'request', '--tsa-url', 'http://127.0.0.1:9/', '--log-dir']
  const verify = ['timestamp', 'verify', join(folder, 'none.tsr'), '--data', wrong, '--tsa']
  const cases = [
    ['LOG_UNUSABLE: --log-dir: ', ...request, emptyFolder()],
    ['NOT_FOUND: --log-dir: ', ...request, join(folder, 'none')],
    [`MALFORMED_CERTIFICATE: --tsa: ${wrong}`, ...request, folder, '--tsa', wrong],
    [`MALFORMED_CERTIFICATE: --tsa: ${wrong}`, ...verify, wrong],
  ] as const
  for (const [message, ...args] of cases) {
    const { status, stderr } = await runCommand(args)
    expect([status, stderr]).toEqual([2, expect.stringContaining(`spanseal: ${message}`)])
  }
})
