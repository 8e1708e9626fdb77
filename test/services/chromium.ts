// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian's name first; `CHROMIUM` names another. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** Where a Chromium lies on this machine, or undefined. */
export function chromiumPath(): string | undefined {
  const own = process.env['CHROMIUM']
  if (own !== undefined && own !== '') return own
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync)
}

/** How to get one, where there is none. */
export function needsChromium(): string | undefined {
  return chromiumPath() === undefined ? 'install chromium, or name one in CHROMIUM' : undefined
}
