// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { BundleVerdict } from '../bundle/bundle-verdict.ts'
import type { FindingCode, Verdict } from '../verify/verdict.ts'
import { JOURNAL_CODES } from './code-texts.ts'

/**
 * How the program at hand is told what a statement advises, in its own terms: options, commands. What
 * is left out is not spoken of; a page has fields, which explain themselves.
 */
export interface StatementHints {
  /** A key, for instance `--key <vkey>`. */
  readonly key?: string
  /** Heads, for instance `--head <file>`. */
  readonly heads?: string
  /** A tenant log and its witnesses. */
  readonly log?: string
  /** What a proof bundle is compared with besides: heads, witnesses, revocations. */
  readonly outside?: string
  /** That a writer is at work: a verb and an option; default: `verify again and say so`. */
  readonly live?: string
  /** The verdict as a document, for instance `--json`. */
  readonly json?: string
  /** The command that shows a host's keys, on a line of its own. */
  readonly showKeys?: string
  /** How all keys of a host are found and given. */
  readonly everyKey?: string
  /** The command that shows a call. */
  readonly showCalls?: string
}

/** What was given to verify with. */
export interface GivenCounts {
  readonly keysPinned: number
  readonly headsGiven: number
}

const KEEP =
  'Keep the folder as it is (copy it, read-only) before anybody repairs it, and compare it with ' +
  'another copy: the topic audit.records.v1, a backup.'
const REFILL =
  'Find out what was done while the log could not be written: the gaps say when and of what kind, ' +
  'and the systems that the tools act on know what they did.'
const OBSERVE =
  'Start the writer once more on the folder: it observes what a crash left, and says so.'

const REPAIRS: Readonly<Partial<Record<FindingCode, (hints: StatementHints) => string>>> = {
  edited: () => KEEP,
  forged: () =>
    'Ask who had access to the issuer key and the host; compare the key with its owner.',
  forked: () => KEEP,
  truncated: () => KEEP,
  missing: () => KEEP,
  reordered: () => KEEP,
  unanswered: ({ showCalls }) => `Look at the calls without an end${how(showCalls)}.`,
  torn: () => OBSERVE,
  unclosed: ({ live = 'verify again and say so' }) =>
    `If a writer is at work now, ${live}. If one crashed, the next start of the agent on this ` +
    'folder observes and names the end.',
  unsigned: ({ everyKey }) =>
    'Compare the keys: every host has an issuer of its own, and a new one every 90 days, and each ' +
    `has to be given${how(everyKey)}.`,
  unverifiable: () =>
    'Verify with the release that knows this record version; of what cannot be read, find out who ' +
    'put it there.',
}

/** What to do next about a journal, the gravest first. */
export function journalAdvice(
  verdict: Verdict,
  { headsGiven, keysPinned }: GivenCounts,
  hints: StatementHints,
): string[] {
  if (verdict.checked + verdict.heldByHead === 0) {
    return ['Name the journal folder: the one that holds a folder for each epoch.']
  }
  const steps = new Set<string>()
  const faults = new Set(verdict.findings.filter((f) => f.kind === 'fault').map((f) => f.code))
  for (const code of Object.keys(JOURNAL_CODES) as FindingCode[]) {
    const repair = faults.has(code) ? REPAIRS[code] : undefined
    if (repair !== undefined) steps.add(repair(hints))
  }
  if (verdict.gaps.count > 0) steps.add(REFILL)
  if (keysPinned === 0) steps.add(pinKey(hints))
  else if (verdict.ok && verdict.level === 2 && headsGiven === 0) {
    steps.add(
      'To learn whether records were cut off or epochs taken away, give heads that left the host in ' +
        `time (from the topic audit.checkpoints.v1, or an auditor's copy)${how(hints.heads)}; or the ` +
        `tenant log, with the witnesses that cosign it${how(hints.log)}.`,
    )
  }
  return steps.size === 0 ? [keepVerdict('Nothing; keep the verdict', hints)] : [...steps]
}

function pinKey({ key, showKeys }: StatementHints): string {
  const asked =
    'Pin a key that you have from elsewhere than the journal: ask whoever runs the log for it, by ' +
    `another way than the files came, and verify again with it${how(key)}.`
  if (showKeys === undefined) return asked
  return `${asked} The host that wrote the journal shows it:\n  ${showKeys}`
}

/** What to do next about a proof bundle. */
export function bundleAdvice(
  { level, ok }: BundleVerdict,
  { keysPinned }: Pick<GivenCounts, 'keysPinned'>,
  hints: StatementHints,
): string {
  if (keysPinned === 0) {
    return (
      'Pin a key that you have from elsewhere than whoever gave you this file, and check again ' +
      `with it${how(hints.key)}.`
    )
  }
  if (!ok) return 'Ask whoever gave you this file for another one, and keep this one as it is.'
  if (level === 2) {
    return (
      'To learn whether the log that you were shown is the one that others see, give heads that ' +
      `you kept, keys of witnesses, or revocations that you know of${how(hints.outside)}.`
    )
  }
  return keepVerdict('Nothing; keep the file and the verdict', hints)
}

function how(hint: string | undefined): string {
  return hint === undefined ? '' : `: ${hint}`
}

function keepVerdict(sentence: string, { json }: StatementHints): string {
  return json === undefined ? `${sentence}.` : `${sentence} (${json}).`
}
