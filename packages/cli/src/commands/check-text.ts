// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { BundleFinding, BundleVerdict, OpeningVerdict } from '@spanseal/core'
import { parseBundle, printable } from '@spanseal/core'
import { fold } from '../fold.ts'
import type { Terminal } from '../terminal.ts'

const LABEL_COLUMNS = 12
/** Of an opened value, as many characters are shown; the bundle has all of it. */
const VALUE_LENGTH_MAX = 2000

/** What a level says of one record, and what it does not. */
interface LevelText {
  readonly name: string
  readonly means: string
  readonly notProved: string
}

const NOT_COMPLETE = 'That there are no other records, or that what this one says is true.'

const LEVEL_TEXTS: Readonly<Record<BundleVerdict['level'], LevelText>> = {
  0: {
    name: 'there are faults',
    means: 'The proof does not fit together, or is not what you brought along vouches for.',
    notProved: 'Anything.',
  },
  1: {
    name: 'the record is in its checkpoint',
    means: 'Record, path and checkpoint fit together.',
    notProved:
      'Who made it. No key that you trust was compared: anybody can make a proof that reads like ' +
      `this one. ${NOT_COMPLETE}`,
  },
  2: {
    name: 'signed by a pinned key',
    means: 'A key that one of your keys vouches for signed a checkpoint that holds this record.',
    notProved:
      'That the signature is as old as it says, and that the key was not revoked since (give ' +
      `--revocation, --head or --witness). ${NOT_COMPLETE}`,
  },
  3: {
    name: 'in a log that was seen outside',
    means:
      'Signed, and the head that it leads to is one that you kept, or that your witnesses cosigned.',
    notProved: `When it was written, beyond what it says. ${NOT_COMPLETE}`,
  },
  4: {
    name: 'cosigned by witnesses',
    means:
      'Signed, and enough of your witnesses saw the log that holds it: nobody was shown another.',
    notProved: `When it was written, beyond what it says. ${NOT_COMPLETE}`,
  },
  5: {
    name: 'cosigned and time-stamped',
    means: 'Signed, cosigned, and a time-stamp authority that you trust saw that log’s head.',
    notProved: NOT_COMPLETE,
  },
}

const MALFORMED: LevelText = {
  name: 'this is no proof bundle',
  means: 'The file is not of the form that spanseal prove and spanseal open write.',
  notProved: 'Anything.',
}

/** What a verdict is about. */
export interface BundleFrame {
  readonly file: string
  readonly bytes: Uint8Array
  readonly keysPinned: number
}

type Sheet = Pick<Terminal, 'paint' | 'width'>

/** The verdict for a person: what holds, what that means, what it does not prove, what was opened. */
export function bundleText(verdict: BundleVerdict, frame: BundleFrame, sheet: Sheet): string {
  const { paint } = sheet
  const { level, ok, findings } = verdict
  const words = findings[0]?.code === 'malformed' ? MALFORMED : LEVEL_TEXTS[level]
  const title = ok ? `HOLDS at level ${level} of 5: ${words.name}` : `DOES NOT HOLD: ${words.name}`
  const lines = [
    paint('bold', paint(ok ? 'green' : 'red', title)),
    '',
    ...labelled('Bundle', printable(frame.file), sheet),
    ...recordLines(verdict, sheet),
    ...labelled('Means', words.means, sheet),
    ...labelled('Not proved', words.notProved, sheet),
    ...outsideLines(verdict, sheet),
    ...openingLines(verdict, frame, sheet),
    ...findings.flatMap((finding) => findingLines(finding, sheet)),
    '',
    ...labelled('Next', nextStep(verdict, frame), sheet),
  ]
  return `${lines.join('\n')}\n`
}

function labelled(label: string, text: string, { paint, width }: Sheet): string[] {
  const folded = text.split('\n').flatMap((line) => fold(line, width - LABEL_COLUMNS))
  const indent = ' '.repeat(LABEL_COLUMNS)
  return folded.map((line, i) =>
    i === 0 ? `${paint('bold', label)}${indent.slice(label.length)}${line}` : `${indent}${line}`,
  )
}

function recordLines({ record }: BundleVerdict, sheet: Sheet): string[] {
  if (record === undefined) return []
  const { at, epoch, log, seq, type } = record
  const text = `${printable(type)} of ${printable(log)}, at ${printable(at)} by its writer’s clock`
  return [...labelled('Record', `${printable(epoch)}/${seq}`, sheet), ...labelled('', text, sheet)]
}

function outsideLines({ witnessed, timestamped }: BundleVerdict, sheet: Sheet): string[] {
  const { k, n } = witnessed
  return [
    ...(n === 0 ? [] : labelled('Witnesses', `${k} of ${n} cosigned`, sheet)),
    ...(timestamped === undefined
      ? []
      : labelled('Stamped', `the log’s head was there at ${timestamped}`, sheet)),
  ]
}

/** Values are shown where they are what was committed to, and nowhere else. */
function openingLines(verdict: BundleVerdict, { bytes }: BundleFrame, sheet: Sheet): string[] {
  const { openings } = verdict
  if (openings.length === 0) return []
  const given = parseBundle(bytes).openings ?? []
  return openings.flatMap((opening, i) => {
    const value = Buffer.from(given[i]?.value ?? '', 'base64')
    return labelled('Opened', openingText(opening, given[i]?.enc ?? '', value), sheet)
  })
}

function openingText(
  { field, holds, partial }: OpeningVerdict,
  enc: string,
  value: Buffer,
): string {
  if (!holds) return `${printable(field)}: NOT what was committed to`
  const part = partial ? ', in part: some of it could not be read' : ''
  const about = `${printable(field)} (${value.length} bytes, ${enc}${part})`
  if (enc === 'bytes') return about
  const text = printable(value.toString('utf8'))
  const cut = text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text
  return `${about}:\n${cut}`
}

function findingLines({ check, code, kind, message }: BundleFinding, sheet: Sheet): string[] {
  const { paint, width } = sheet
  const style = kind === 'fault' ? 'red' : 'yellow'
  return [
    '',
    paint('bold', paint(style, `${kind.toUpperCase()} ${code} (${check})`)),
    ...fold(printable(message), width - 2).map((line) => `  ${line}`),
  ]
}

function nextStep({ level, ok }: BundleVerdict, { keysPinned }: BundleFrame): string {
  if (keysPinned === 0) {
    return (
      'Pin a key that you have from elsewhere than whoever gave you this file, and check again ' +
      'with --key <vkey>.'
    )
  }
  if (!ok) return 'Ask whoever gave you this file for another one, and keep this one as it is.'
  if (level === 2) {
    return (
      'To learn whether the log that you were shown is the one that others see, give heads that ' +
      'you kept (--head), or witnesses (--witness).'
    )
  }
  return 'Nothing; keep the file, and the verdict with --json.'
}
