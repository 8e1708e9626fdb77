// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { HmacKey } from '@spanseal/core'
import { keyedTag } from '@spanseal/core'
import { NO_TAG } from './invocation.ts'

const SHAPES_MAX = 1_000
const SHAPE_LENGTH_MAX = 2_048

/** Tags of shapes: a tool is called with few shapes, and a tag costs two hashes. */
export class ShapeTags {
  readonly #tags = new Map<string, string>()
  #key: HmacKey | undefined

  /** 16 hex digits, other ones in every period. */
  tagOf(shape: string, key: HmacKey | undefined): string {
    if (key === undefined) return NO_TAG
    if (key !== this.#key || this.#tags.size >= SHAPES_MAX) {
      this.#key = key
      this.#tags.clear()
    }
    let tag = this.#tags.get(shape)
    if (tag === undefined) {
      tag = keyedTag('shape', shape, key)
      if (shape.length <= SHAPE_LENGTH_MAX) this.#tags.set(shape, tag)
    }
    return tag
  }
}
