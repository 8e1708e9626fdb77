// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { BundleVerdict, Checkpoint, NoteKey, Verdict, WitnessKey } from '@spanseal/core'
import { AuditError, BUNDLE_BYTES_MAX, checkBundle, verify } from '@spanseal/core'
import type { Evidence } from './evidence.ts'
import { evidenceIn } from './evidence.ts'
import type { GivenFile, Ignored } from './given-file.ts'
import { readBytes } from './given-file.ts'

/** What is not read is named as far as a person would read. */
const IGNORED_MAX = 100

/** What the examiner brings along; none of it may come from the files. */
export interface Trusted {
  readonly keys: readonly NoteKey[]
  readonly heads: readonly (string | Checkpoint)[]
  readonly revocations: readonly string[]
  readonly witnesses: readonly WitnessKey[]
  /** How many of the witnesses must have cosigned; default: all. */
  readonly threshold?: number
  /** A writer was at work when the files were copied. */
  readonly live: boolean
  /** The files are some epochs of a log, and others are known to be elsewhere. */
  readonly partial: boolean
}

export interface ExamineOptions {
  /** Bytes of records read, of how many. */
  readonly onProgress?: (bytes: number, totalBytes: number) => void
  /** Unix milliseconds; default: the system's clock. */
  readonly now?: () => number
}

/** What the files show. */
export interface Report {
  /** Everything holds, and something was checked. */
  readonly ok: boolean
  /** Of the records that lie there; absent where there are only bundles. */
  readonly journal?: Verdict
  readonly bundles: readonly { readonly file: string; readonly verdict: BundleVerdict }[]
  readonly ignored: readonly Ignored[]
}

/**
 * Verifies all epochs among the files as one log, and each proof bundle.
 *
 * @throws AuditError `INVALID_OPTION` for two tenant logs, or a threshold that cannot be reached; what
 * `verify` and `checkBundle` throw for heads; what the files throw when they cannot be read
 */
export async function examine(
  files: readonly GivenFile[],
  trusted: Trusted,
  options: ExamineOptions = {},
): Promise<Report> {
  const evidence = await evidenceIn(files)
  const { epochs, bundles, tenantLogs } = evidence
  const journal =
    epochs.length > 0 || tenantLogs.length > 0 || bundles.length === 0
      ? await verifyEpochs(evidence, trusted, options)
      : undefined
  const checked: { file: string; verdict: BundleVerdict }[] = []
  for (const file of bundles) {
    // One byte more than allowed: what is too long is refused as such.
    const bytes = await readBytes(file, BUNDLE_BYTES_MAX + 1)
    checked.push({
      file: file.path,
      verdict: await checkBundle(bytes, bundleOptions(trusted, options)),
    })
  }
  const verdicts = [...(journal === undefined ? [] : [journal]), ...checked.map((c) => c.verdict)]
  return {
    ok: verdicts.every(({ ok }) => ok) && (journal === undefined || journal.checked > 0),
    ...(journal === undefined ? {} : { journal }),
    bundles: checked,
    ignored: evidence.ignored.slice(0, IGNORED_MAX),
  }
}

function verifyEpochs(
  { epochs, segmentBytes, tenantLogs }: Evidence,
  trusted: Trusted,
  { onProgress, now }: ExamineOptions,
): Promise<Verdict> {
  const [tenantLog, second] = tenantLogs
  if (second !== undefined) {
    throw new AuditError(
      'INVALID_OPTION',
      `two tenant logs, ${tenantLog?.name} and ${second.name}; check what belongs to each by itself`,
    )
  }
  return verify(epochs, {
    ...common(trusted),
    live: trusted.live,
    partial: trusted.partial,
    ...(tenantLog === undefined ? {} : { tenantLog }),
    ...(now === undefined ? {} : { now }),
    onProgress: (bytes) => onProgress?.(bytes, segmentBytes),
  })
}

function bundleOptions(
  trusted: Trusted,
  { now }: ExamineOptions,
): Parameters<typeof checkBundle>[1] {
  return { ...common(trusted), ...(now === undefined ? {} : { now }) }
}

interface Common {
  readonly keys: readonly NoteKey[]
  readonly heads: readonly (string | Checkpoint)[]
  readonly revocations: readonly string[]
  readonly witnesses?: { readonly keys: readonly WitnessKey[]; readonly threshold: number }
}

function common({ keys, heads, revocations, witnesses, threshold }: Trusted): Common {
  const needed = threshold ?? witnesses.length
  if (witnesses.length === 0 && threshold === undefined) return { keys, heads, revocations }
  if (needed >= 1 && needed <= witnesses.length) {
    return { keys, heads, revocations, witnesses: { keys: witnesses, threshold: needed } }
  }
  throw new AuditError(
    'INVALID_OPTION',
    `${needed} of ${witnesses.length} witnesses cannot be; give a number from 1 to that of their keys`,
    { details: { option: 'threshold' } },
  )
}
