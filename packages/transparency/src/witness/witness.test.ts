// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import {
  cosignatureBlob,
  cosignaturesOf,
  cosignedMessage,
  Ed25519PrivateKey,
  formatWitnessKey,
  isConsistent,
  parseCheckpoint,
  parseNote,
  parseWitnessKey,
} from '@spanseal/core'
import { afterEach, expect, test } from 'vitest'
import { aFolder, codeOf, entriesFrom, LOG, TENANT } from '../log/a-log.fixture.ts'
import { TenantLog } from '../log/tenant-log.ts'
import { collectCosignatures } from './collect-cosignatures.ts'
import type { Witness } from './witness.ts'
import { parseWitness } from './witness.ts'

const NOW_SECONDS = 1_795_300_000
const now = (): number => NOW_SECONDS * 1000

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

type Answer = (body: string, response: ServerResponse, request: IncomingMessage) => void

/** A witness at a real address; how it answers is the test's. */
async function aWitness(seed: number, answer: Answer): Promise<Witness> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => answer(Buffer.concat(chunks).toString(), response, request))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { key: keyOf(seed), url: `http://127.0.0.1:${port}/w` }
}

function keyOf(seed: number): Witness['key'] {
  const { publicKey } = Ed25519PrivateKey.fromSeed(Buffer.alloc(32, seed))
  return parseWitnessKey(formatWitnessKey(`w${seed}.example`, publicKey))
}

function cosign(seed: number, text: string, time = NOW_SECONDS): string {
  const signature = Ed25519PrivateKey.fromSeed(Buffer.alloc(32, seed)).sign(
    cosignedMessage(text, time),
  )
  const key = keyOf(seed)
  return `— ${key.name} ${cosignatureBlob(key, time, signature).toString('base64')}\n`
}

interface Request {
  readonly old: number
  readonly proof: string[]
  readonly text: string
  readonly note: string
}

function parseRequest(body: string): Request {
  const end = body.indexOf('\n\n')
  const [first = '', ...proof] = body.slice(0, end).split('\n')
  const note = body.slice(end + 2)
  const hex = proof.map((line) => Buffer.from(line, 'base64').toString('hex'))
  return { old: Number(first.replace('old ', '')), proof: hex, text: parseNote(note).text, note }
}

/** A witness by the book: remembers what it saw and checks the proof. */
function honest(seed: number, seen = { size: 0, root: '00'.repeat(32) }): Answer {
  const state = { ...seen }
  return (body, response, request) => {
    expect(request.url).toBe('/w/add-checkpoint')
    const { old, proof, text, note } = parseRequest(body)
    expect(parseNote(note).signatures).toHaveLength(1)
    const head = parseCheckpoint(text)
    if (old !== state.size) {
      response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(`${state.size}\n`)
    } else if (!isConsistent(state, head, proof)) {
      response.writeHead(422).end()
    } else {
      Object.assign(state, { size: head.size, root: head.root })
      response.end(cosign(seed, text))
    }
  }
}

async function aLog(size: number): Promise<TenantLog> {
  const log = await TenantLog.open({ folder: join(aFolder(), 'log'), signer: TENANT })
  await log.append(entriesFrom(0, size))
  return log
}

test('witnesses by the book cosign as the log grows, also one that is asked for the first time', async () => {
  const log = await aLog(3)
  const knownSizes = new Map<string, number>()
  const witnesses = [await aWitness(1, honest(1)), await aWitness(2, honest(2))]
  expect(await collectCosignatures(log, witnesses.slice(0, 1), { now, knownSizes })).toMatchObject({
    k: 1,
    n: 1,
    refused: [],
  })
  for (const more of [1, 300, 70]) {
    await log.append(entriesFrom(log.size, more))
    // What is known is lost once: the 409 tells it.
    if (more === 70) knownSizes.clear()
    const collected = await collectCosignatures(log, witnesses, { now, knownSizes })
    expect(collected).toEqual({ k: 2, n: 2, refused: [] })
  }
  const note = parseNote(await log.tiles.checkpoint())
  expect(
    cosignaturesOf(
      note,
      witnesses.map(({ key }) => key),
    ),
  ).toHaveLength(2)
  // Nobody is asked twice for one head, and the cosignatures are there after a restart.
  expect(
    await collectCosignatures(log, witnesses, { now, fetch: () => Promise.reject(new Error()) }),
  ).toMatchObject({ k: 2 })
  await log.close()
  const again = await TenantLog.open({ folder: log.folder, signer: TENANT })
  expect(again.publishedHead).toBe(await log.tiles.checkpoint())
  await again.close()
})

const drip: Answer = (_body, response) => {
  const timer = setInterval(() => response.write('x'), 20)
  response.on('close', () => clearInterval(timer))
}

const bad: [string, string, Answer][] = [
  [
    'signs with another key',
    'lied',
    (body, response) => response.end(cosign(9, parseRequest(body).text)),
  ],
  [
    'signs another text',
    'lied',
    (body, response) => response.end(cosign(1, `${parseRequest(body).text}x\n`)),
  ],
  [
    'signs another head and sends it along',
    'lied',
    (_body, response) => {
      const text = `${LOG}\n9\n${Buffer.alloc(32).toString('base64')}\n`
      response.end(`${text}\n${cosign(1, text)}`)
    },
  ],
  [
    'claims a name and id that are not its own',
    'lied',
    (body, response) =>
      response.end(cosign(9, parseRequest(body).text).replace('w9.example', 'w1.example')),
  ],
  [
    'signs a time that has not come',
    'lied',
    (body, response) => response.end(cosign(1, parseRequest(body).text, NOW_SECONDS + 7_200)),
  ],
  [
    'signs no time',
    'lied',
    (body, response) => response.end(cosign(1, parseRequest(body).text, 0)),
  ],
  ['says nothing', 'lied', (_body, response) => response.end()],
  ['shows a page', 'lied', (_body, response) => response.end('<html>\n\n</html>\n')],
  ['sends too much', 'strange', (_body, response) => response.end('x'.repeat(1_000_000))],
  ['fails', 'strange', (_body, response) => response.writeHead(500).end('no\n')],
  [
    'sends elsewhere',
    'strange',
    (_body, response) => response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end(),
  ],
  ['refuses the key', 'signature', (_body, response) => response.writeHead(403).end()],
  ['does not know the log', 'unknown-log', (_body, response) => response.writeHead(404).end()],
  ['saw another tree', 'inconsistent', honest(1, { size: 2, root: 'ab'.repeat(32) })],
  ['saw more', 'ahead', honest(1, { size: 4, root: 'ab'.repeat(32) })],
  [
    'names a size that is none',
    'strange',
    (_body, response) => response.writeHead(409).end('03\n'),
  ],
  ['names ever the same size', 'strange', (_body, response) => response.writeHead(409).end('0\n')],
  [
    'names ever another size',
    'strange',
    (body, response) => response.writeHead(409).end(`${(parseRequest(body).old + 1) % 3}\n`),
  ],
  ['hangs up', 'unreachable', (_body, response) => response.destroy()],
  ['never ends', 'unreachable', drip],
  ['never answers', 'unreachable', () => undefined],
]

test.each(bad)(
  'a witness that %s is coded %s and does not count',
  async (_what, reason, answer) => {
    const log = await aLog(3)
    const witness = await aWitness(1, answer)
    // Whoever answers is judged by the answer, however long a busy machine takes for it.
    const timeoutMillis = reason === 'unreachable' ? 300 : 60_000
    const options = { now, timeoutMillis }
    const { k, refused } = await collectCosignatures(log, [witness], options)
    expect([k, ...refused.map((one) => one.reason)]).toEqual([0, reason])
    expect(refused[0]?.error.code).toBe('WITNESS_REFUSED')
    expect(await log.tiles.checkpoint()).toBe(log.signedHead)
    await log.close()
  },
)

test('of an answer with many lines only the one that verifies is kept', async () => {
  const log = await aLog(3)
  const witness = await aWitness(1, (body, response) => {
    const { text } = parseRequest(body)
    response.end(cosign(9, text) + cosign(1, `${text}x\n`) + cosign(1, text))
  })
  expect(await collectCosignatures(log, [witness], { now })).toMatchObject({ k: 1, refused: [] })
  expect(parseNote(await log.tiles.checkpoint()).signatures).toHaveLength(2)
  await log.close()
})

test('a witness that is down or slow does not keep back the others’ cosignatures', async () => {
  const log = await aLog(3)
  const good = await aWitness(2, honest(2))
  const slow = await aWitness(1, () => undefined)
  const down = { key: keyOf(3), url: 'http://127.0.0.1:1' }
  const stop = new AbortController()
  const round = collectCosignatures(log, [slow, down, good], {
    now,
    timeoutMillis: 60_000,
    signal: stop.signal,
  })
  while (parseNote(await log.tiles.checkpoint()).signatures.length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  stop.abort()
  const { k, n, refused } = await round
  expect([k, n, refused.map(({ reason }) => reason)]).toEqual([
    1,
    3,
    ['unreachable', 'unreachable'],
  ])
  await log.close()
})

test('a cosignature that comes after the next head is not mixed into it', async () => {
  const log = await aLog(3)
  const witness = await aWitness(1, (body, response) => {
    void log
      .append(entriesFrom(log.size, 1))
      .then(() => response.end(cosign(1, parseRequest(body).text)))
  })
  expect(await collectCosignatures(log, [witness], { now })).toMatchObject({ k: 0, refused: [] })
  expect(log.size).toBe(4)
  expect(await log.tiles.checkpoint()).toBe(log.signedHead)
  await log.close()
})

test('a witness is given as key and address', async () => {
  const { name, publicKey } = keyOf(1)
  const vkey = formatWitnessKey(name, publicKey)
  expect(parseWitness(`${vkey}@https://w.example/a/`)).toEqual({
    key: keyOf(1),
    url: 'https://w.example/a',
  })
  const parse = async (text: string): Promise<unknown> => parseWitness(text)
  expect(await codeOf(parse(vkey))).toBe('INVALID_OPTION')
  expect(await codeOf(parse(`${vkey}@ftp://w.example`))).toBe('INVALID_OPTION')
  expect(await codeOf(parse(`${TENANT.vkey}@https://w.example`))).toBe('MALFORMED_KEY')
})
