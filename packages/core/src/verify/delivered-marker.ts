// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

const MARKER_LENGTH_MAX = 65_536
const SINKS_MAX = 16
const NAME_LENGTH_MAX = 64

/** What a file `delivered-<size>.json` of an epoch claims. Nobody signs it, and it proves nothing. */
export interface DeliveredClaim {
  /** Records below this were removed after they had been delivered. */
  readonly size: number
  /** Where they are said to be. */
  readonly sinks: readonly string[]
}

/** The claim of a marker; undefined where the text is none. Never throws. */
export function readDeliveredMarker(text: string): DeliveredClaim | undefined {
  if (text.length > MARKER_LENGTH_MAX) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return undefined
  }
  const { size, sinks } = Object(parsed) as Readonly<Record<string, unknown>>
  if (!Number.isSafeInteger(size) || (size as number) <= 0 || !Array.isArray(sinks))
    return undefined
  const names = sinks.filter((name) => typeof name === 'string').slice(0, SINKS_MAX)
  return names.length === 0
    ? undefined
    : { size: size as number, sinks: names.map((name) => name.slice(0, NAME_LENGTH_MAX)) }
}

/** Where to look for records that are not here, as a sentence to put behind one that says so. */
export function deliveredHint({ size, sinks }: DeliveredClaim): string {
  return (
    `A marker in the folder, which proves nothing, claims that records below ${size} were removed ` +
    `after they had been delivered to ${sinks.join(', ')}: verify what is there.`
  )
}
