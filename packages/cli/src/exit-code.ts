// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** What every command ends with. */
export const EXIT = {
  /** It was done, and what was asked holds. */
  holds: 0,
  /** It was done, and there are faults: in the evidence, in the topics, records undelivered. */
  faults: 1,
  /** It could not be done. */
  couldNotRun: 2,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
