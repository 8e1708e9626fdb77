// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { FOLDER_MODE } from './journal-fs.ts'

/**
 * Makes a folder with those above it. Node's own `recursive` takes ENOENT as "make the parent, then
 * again", without end where the parent is there and takes no folders, as in /proc.
 *
 * @param mode of those that are made; default: their owner's only
 * @throws the system's error, `EEXIST` where a file is in the way
 */
export function makeFolder(path: string, mode: number = FOLDER_MODE): void {
  if (isFolder(path)) return
  const parent = dirname(path)
  if (parent !== path) makeFolder(parent, mode)
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (!isFolder(path)) throw error // else somebody else made it meanwhile
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
