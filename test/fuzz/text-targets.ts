// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import {
  formatCertificate,
  formatCheckpoint,
  formatHeadLine,
  formatRevocation,
  formatStub,
  formatVkey,
  formatWitnessKey,
  parseBundle,
  parseCertificate,
  parseCheckpoint,
  parseHeadLine,
  parseNote,
  parseRevocation,
  parseStub,
  parseVkey,
  parseWitnessKey,
} from '@spanseal/core'
import { formatBundle } from '../../packages/core/src/bundle/bundle.ts'
import type { Target, Written } from './fuzz.ts'
import type { Samples } from './samples.ts'

/** Parsers of texts, each with the one form that it takes. */
export function textTargets(samples: Samples): Target[] {
  return [
    text('note', samples.notes, (given) => {
      const note = parseNote(given)
      const lines = note.signatures.map(({ name, keyId, signature }) => {
        const blob = Buffer.concat([Buffer.from(keyId, 'hex'), signature])
        return `— ${name} ${blob.toString('base64')}\n`
      })
      return `${note.text}\n${lines.join('')}`
    }),
    text('verifier key', samples.vkeys, (given) => {
      const { name, publicKey } = parseVkey(given)
      return formatVkey(name, publicKey)
    }),
    text('witness key', samples.witnessKeys, (given) => {
      const { name, publicKey } = parseWitnessKey(given)
      return formatWitnessKey(name, publicKey)
    }),
    text('checkpoint', samples.checkpoints, (given) => formatCheckpoint(parseCheckpoint(given))),
    text('certificate', samples.certificates, (given) =>
      formatCertificate(parseCertificate(given)),
    ),
    text('revocation', samples.revocations, (given) => formatRevocation(parseRevocation(given))),
    text('stub', samples.stubs, (given) => formatStub(parseStub(given))),
    text('head line', samples.headLines, (given) => formatHeadLine(parseHeadLine(given))),
    text('proof bundle', samples.bundles, (given) => formatBundle(parseBundle(given))),
  ]
}

function text(name: string, seeds: readonly string[], again: (given: string) => string): Target {
  const run = (input: Buffer): Written => {
    const given = textOf(input)
    const written = again(given)
    // What is not well-formed has no bytes of its own to come back to.
    if (written === given) return input
    return Buffer.from(written, 'utf8')
  }
  return { name, seeds: seeds.map((seed) => Buffer.from(seed, 'utf8')), run }
}

/** The text of bytes; those that are no UTF-8 as lone surrogates, which strings can hold as well. */
function textOf(bytes: Buffer): string {
  return bytes.toString('utf8').replaceAll('\ufffd', '\ud800')
}
