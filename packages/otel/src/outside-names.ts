// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { TEXT_CAPS, UNATTRIBUTED } from '@spanseal/core'
import { mendName } from './redact/mend.ts'
import type { Redactor } from './redact/redact.ts'

/**
 * Names and ids that came from outside (a model, a server, a caller, another instrumentation), as
 * records and spans may hold them: without what patterns find, without control characters, cut.
 */
export class OutsideNames {
  readonly #redactor: Redactor

  constructor(redactor: Redactor) {
    this.#redactor = redactor
  }

  /** Empty where nothing is left. */
  name(text: string): string {
    return mendName(this.#redactor.text(text)).text
  }

  /** The word for missing identities stays unambiguous: nobody outside can claim to be nobody. */
  id(text: string): string {
    return mendedId(this.#redactor.text(text))
  }
}

/** An id that is meant to stand in clear, as a record can hold it. */
export function mendedId(text: string): string {
  const mended = mendName(text, TEXT_CAPS.id).text
  return mended === UNATTRIBUTED ? `${UNATTRIBUTED}?` : mended
}
