// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** The notes of an epoch's `checkpoints` file, each of which stands after its length and a LF. */
export function splitNotes(text: string): string[] {
  const notes: string[] = []
  let rest = Buffer.from(text)
  while (rest.length > 0) {
    const end = rest.indexOf('\n')
    const length = Number(rest.subarray(0, end).toString())
    notes.push(rest.subarray(end + 1, end + 1 + length).toString())
    rest = rest.subarray(end + 1 + length)
  }
  return notes
}
