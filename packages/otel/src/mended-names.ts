// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { TEXT_CAPS, UNATTRIBUTED } from '@spanseal/core'
import { mendName } from './redact/mend.ts'

/** A name that came from outside, as a record may hold it; empty where nothing is left. */
export function mendedName(text: string): string {
  return mendName(text).text
}

/**
 * An id that came from outside, as a record may hold it. The word for missing identities stays
 * unambiguous: nobody outside can claim to be nobody.
 */
export function mendedId(text: string): string {
  const mended = mendName(text, TEXT_CAPS.id).text
  return mended === UNATTRIBUTED ? `${UNATTRIBUTED}?` : mended
}
