// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { FOLDER_MODE } from './journal-fs.ts'

/**
 * Makes a folder with those above it. Node's own `recursive` takes ENOENT as "make the parent, then
 * again", without end where the parent is there and takes no folders, as in /proc.
 *
 * @throws the system's error, `EEXIST` where a file is in the way
 */
export function makeFolder(path: string): void {
  if (isFolder(path)) return
  const parent = dirname(path)
  if (parent !== path) makeFolder(parent)
  try {
    mkdirSync(path, { mode: FOLDER_MODE })
  } catch (error) {
    if (!isFolder(path)) throw error // else somebody else made it meanwhile
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
