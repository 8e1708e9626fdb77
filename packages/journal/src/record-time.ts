// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Formats times of records. Formatting costs as much as writing a line, and most records share a
 * millisecond with another.
 */
export class TimeText {
  #millis = Number.NaN
  #text = ''

  /** `YYYY-MM-DDTHH:mm:ss.sssZ` */
  of(millis: number): string {
    if (millis !== this.#millis) {
      this.#millis = millis
      this.#text = new Date(millis).toISOString()
    }
    return this.#text
  }
}
