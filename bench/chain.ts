// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { hash } from 'node:crypto'
import type { RecordDraft } from '@spanseal/core'
import {
  block,
  Ed25519PrivateKey,
  EpochChain,
  formatCheckpoint,
  formatVkey,
  MerkleFrontier,
  NO_PREV,
  recordLine,
  signNoteSync,
} from '@spanseal/core'
import { leafHashOfFrame } from '../packages/core/src/hash.ts'

/**
 * What chain and tree cost beyond hashing: checking leaf, link and root of lines in memory against
 * hashing the same lines and nothing else; and writing with tree and checkpoints against writing a
 * chain alone. One core, ratios within one run.
 *
 *     node --conditions=spanseal-source bench/chain.ts
 */

const LOG = 'example.com/support-agent'
const EPOCH = '01a1fd9a-df82-7c35-98ad-e45f5260b2cf'
const TIME = { at: '2026-11-21T10:15:47.842Z', mono_ns: '9672914' }
const RECORDS = 20_000
const CHECKPOINT_EVERY = 1_000
const ROUNDS = 15
const LF = 0x0a

function draftOf(lineBytes: number): RecordDraft {
  const draft = (filler: number): RecordDraft => ({
    type: 'tool.end',
    severity: 'info',
    ext: block({ filler: 'x'.repeat(filler) }),
  })
  const chain = { log: LOG, epoch: EPOCH, seq: 0, prev: NO_PREV }
  return draft(Math.max(0, lineBytes - recordLine(draft(0), chain, TIME).length))
}

/** The lines of a chain, each behind an LF. */
function chainOf(lineBytes: number): { readonly lines: string[]; readonly bytes: Buffer } {
  const draft = draftOf(lineBytes)
  const chain = new EpochChain(LOG, EPOCH)
  const lines: string[] = []
  for (let seq = 0; seq < RECORDS; seq++) {
    const line = recordLine(draft, { log: LOG, epoch: EPOCH, seq, prev: chain.prev }, TIME)
    chain.advance(chain.frame(line).leaf)
    lines.push(line)
  }
  return { lines, bytes: Buffer.from(`\n${lines.join('\n')}\n`) }
}

function hashLines(bytes: Buffer): void {
  for (let start = 1; start < bytes.length; ) {
    const end = bytes.indexOf(LF, start)
    hash('sha256', bytes.subarray(start, end), 'hex')
    start = end + 1
  }
}

const PREV = Buffer.from('"prev":"')

/** Every line links to the one before, and the tree has the root. */
function checkChain(bytes: Buffer): string {
  const tree = new MerkleFrontier()
  let prev = NO_PREV
  let hint = 0
  for (let start = 1; start < bytes.length; ) {
    const end = bytes.indexOf(LF, start)
    // Where the line before had its link, unless the digits of a number have become more.
    if (bytes.compare(PREV, 0, PREV.length, start + hint, start + hint + PREV.length) !== 0) {
      hint = bytes.indexOf(PREV, start) - start
    }
    const at = start + hint + PREV.length
    if (bytes.toString('latin1', at, at + 64) !== prev) throw new Error('a link does not hold')
    prev = leafHashOfFrame(bytes.subarray(start - 1, end), end - start + 1)
    bytes[start - 1] = LF
    tree.append(prev)
    start = end + 1
  }
  return tree.root()
}

/** A linear chain: each line is hashed, and the next one names the hash. */
function appendChainOnly(lines: readonly string[]): void {
  const frame = Buffer.allocUnsafe(65_537)
  for (const line of lines) {
    const end = 1 + frame.write(line, 1)
    leafHashOfFrame(frame, end)
    frame[end] = LF
  }
}

const key = Ed25519PrivateKey.fromSeed(Buffer.alloc(32, 7))
const signer = {
  vkey: formatVkey(`${LOG}/${EPOCH}`, key.publicKey),
  sign: (text: Uint8Array) => key.sign(text),
}

/** What an epoch's writer does beyond the writing itself. */
function appendWithTree(lines: readonly string[]): void {
  const chain = new EpochChain(LOG, EPOCH)
  for (const line of lines) {
    chain.advance(chain.frame(line).leaf)
    if (chain.size % CHECKPOINT_EVERY !== 0) continue
    const head = { origin: `${LOG}/${EPOCH}`, size: chain.size, root: chain.root() }
    signNoteSync(formatCheckpoint(head), signer)
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

/** Microseconds a record of each, in turns so that all see the same load of the machine. */
function measure(stages: readonly (() => void)[]): number[] {
  const micros = stages.map((): number[] => [])
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, run] of stages.entries()) {
      const start = performance.now()
      run()
      if (round > 0) micros[i]?.push(((performance.now() - start) * 1_000) / RECORDS)
    }
  }
  return micros.map(median)
}

/** Prints the table. */
export function benchChain(): void {
  const rows = [400, 1_000, 2_000].map((size) => {
    const { lines, bytes } = chainOf(size)
    const [hashed = 0, checked = 0, chain = 0, tree = 0] = measure([
      () => hashLines(bytes),
      () => void checkChain(bytes),
      () => appendChainOnly(lines),
      () => appendWithTree(lines),
    ])
    return {
      'bytes a line': Math.round(bytes.length / RECORDS),
      'hash alone, µs': hashed.toFixed(2),
      'leaf, link, root, µs': checked.toFixed(2),
      ratio: (checked / hashed).toFixed(2),
      'chain alone, µs': chain.toFixed(2),
      'with tree and checkpoints, µs': tree.toFixed(2),
      'beyond the chain, µs': (tree - chain).toFixed(2),
    }
  })
  console.log(`\n${RECORDS} records, a checkpoint every ${CHECKPOINT_EVERY}; ${ROUNDS} rounds`)
  console.table(rows)
}

if (import.meta.main) benchChain()
