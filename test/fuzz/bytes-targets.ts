// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  bundledEntry,
  canonicalize,
  cosignatureBlob,
  cosignaturesOf,
  Ed25519PrivateKey,
  parseBundle,
  parseEntries,
  parseNote,
  sha256Hex,
  TILE_WIDTH,
  tileNodes,
  treeRoot,
} from '@spanseal/core'
import { timestampVerifier } from '@spanseal/transparency'
import { allEncodingsOf } from '../../packages/core/src/opening-value.ts'
import { readNotes } from '../../packages/core/src/verify/note-stream.ts'
import { RecordReader } from '../../packages/core/src/verify/read-record.ts'
import { readTenantEntry } from '../../packages/core/src/verify/tenant-entries.ts'
import { parseLineHead } from '../../packages/journal/src/line-head.ts'
import { parseCheckpointMessage, parseRecord } from '../../packages/kafka/src/parse-message.ts'
import { parseKeyFile } from '../../packages/keys/src/key-file.ts'
import { parsePersonFile } from '../../packages/keys/src/period-keys.ts'
import { parseVaultFile } from '../../packages/keys/src/vault/vault-file.ts'
import { aToken } from '../../packages/transparency/src/timestamp/a-token.fixture.ts'
import type { Target, Written } from './fuzz.ts'
import type { Samples } from './samples.ts'

const verifyToken = timestampVerifier([aToken.root])

/** Parsers of bytes. */
export function bytesTargets(samples: Samples): Target[] {
  return [
    {
      name: 'record line',
      seeds: samples.lines,
      run: (input) => {
        const read = readLine(input)
        if (read.kind !== 'record' || read.violation !== undefined) return undefined
        return Buffer.from(canonicalize(read.envelope))
      },
    },
    {
      name: 'record line, after others like it',
      seeds: samples.lines,
      run: (input) => {
        const reader = new RecordReader()
        for (const line of samples.lines.slice(0, 4)) reader.read(lineOf(line))
        const after = reader.read(lineOf(input))
        const alone = readLine(input)
        // What was read before must not change what is taken for a record.
        const taken = (read: typeof after): boolean =>
          read.kind === 'record' && read.violation === undefined
        if (taken(after) !== taken(alone)) throw new Error('other lines change what is a record')
        return taken(after) ? input : undefined
      },
    },
    {
      name: 'note stream',
      seeds: samples.noteStreams,
      run: async (input) => {
        const parts: Buffer[] = []
        for await (const one of readNotes(chunksOf(input))) {
          if (one.kind !== 'note' || one.text === undefined) return undefined
          const note = Buffer.from(one.text)
          parts.push(Buffer.from(`${note.length}\n`), note)
        }
        return Buffer.concat(parts)
      },
    },
    {
      name: 'cosignatures of a note',
      seeds: samples.cosignedNotes.map((note) => Buffer.from(note)),
      run: (input) => {
        const note = parseNote(input.toString('utf8'))
        const found = cosignaturesOf(note, samples.witnesses)
        for (const { witness, time } of found) cosignatureBlob(witness, time, Buffer.alloc(64))
        return found.length > 0 ? 'any' : undefined
      },
    },
    {
      name: 'entry bundle',
      seeds: samples.entryBundles,
      run: (input) => {
        const entries = parseEntries(input, TILE_WIDTH)
        return Buffer.concat(entries.map(bundledEntry))
      },
    },
    {
      name: 'partial entry bundle',
      seeds: samples.entryBundles.map((bytes) => Buffer.from(bytes)),
      run: (input) => {
        const entries = Buffer.concat(parseEntries(input, 3).map(bundledEntry))
        // More may follow: a wider bundle than was asked for.
        return entries.equals(input.subarray(0, entries.length)) ? 'any' : entries
      },
    },
    {
      name: 'tile of hashes',
      seeds: [Buffer.alloc(32 * 256, 7), Buffer.alloc(32 * 200, 9)],
      run: async (input): Promise<Written> => {
        await treeRoot(
          200,
          tileNodes(200, () => Promise.resolve(input)),
        )
        return 'any'
      },
    },
    {
      name: 'tenant log entry',
      seeds: samples.entries,
      run: (input) => (readTenantEntry(input) === undefined ? undefined : 'any'),
    },
    {
      name: 'proof bundle as bytes',
      seeds: samples.bundles.map((bundle) => Buffer.from(bundle)),
      run: (input) => {
        parseBundle(input)
        return input
      },
    },
    {
      name: 'line head',
      seeds: samples.lines,
      run: (input) => (parseLineHead(input) === undefined ? undefined : 'any'),
    },
    {
      name: 'Kafka record',
      seeds: samples.lines,
      run: (input) => ('malformed' in parseRecord(input) ? undefined : 'any'),
    },
    {
      name: 'Kafka checkpoint',
      seeds: samples.epochNotes.map((note) => Buffer.from(note)),
      run: (input) => ('malformed' in parseCheckpointMessage(input) ? undefined : 'any'),
    },
    {
      name: 'private key file',
      seeds: [Buffer.from(Ed25519PrivateKey.generate().toPem())],
      run: (input) => {
        Ed25519PrivateKey.fromPem(input.toString('utf8'))
        return 'any'
      },
    },
    {
      name: 'key file of a person',
      seeds: samples.personFiles,
      run: (input) => {
        parsePersonFile('key', input.toString('utf8'))
        return 'any'
      },
    },
    {
      name: 'vault file',
      seeds: samples.vaultFiles,
      run: (input) => {
        parseVaultFile('vault', input)
        return 'any'
      },
    },
    {
      name: 'time-stamp token',
      seeds: [Buffer.from(aToken.response)],
      share: 0.2,
      run: async (input): Promise<Written> => {
        const { time } = await verifyToken(input, sha256Hex(aToken.text))
        // Certificates and signature may be written in more than one way; what they prove may not.
        if (time !== aToken.time) throw new Error(`a changed token proves ${time}`)
        return 'any'
      },
    },
    {
      name: 'key file',
      seeds: samples.keyFiles,
      run: (input) => {
        parseKeyFile(input.toString('utf8'), { file: 'key' })
        return 'any'
      },
    },
    {
      name: 'value file',
      seeds: samples.values,
      run: (input) => (allEncodingsOf(input).length > 0 ? 'any' : undefined),
    },
  ]
}

function lineOf(bytes: Buffer): Parameters<RecordReader['read']>[0] {
  const { length } = bytes
  const tooLong = length > 65_535
  // The byte before a line is the reader's.
  const held = Buffer.concat([Buffer.of(0), bytes])
  const place = { start: 1, end: held.length, number: 1, byteOffset: 0 }
  return { bytes: held, ...place, length, tooLong, ended: true }
}

function readLine(bytes: Buffer): ReturnType<RecordReader['read']> {
  return new RecordReader().read(lineOf(bytes))
}

/** In three parts, cut wherever. */
async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  const cut = Math.floor(bytes.length / 3)
  yield bytes.subarray(0, cut)
  yield bytes.subarray(cut, 2 * cut)
  yield bytes.subarray(2 * cut)
}
