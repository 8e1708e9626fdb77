// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { GivenFile } from '../given-file.ts'

const CHUNK_BYTES = 1024 * 1024

/** A file that was chosen or dropped, and the path within what was. Can be sent to a worker. */
export interface PageFile {
  readonly path: string
  readonly chosen: boolean
  readonly file: File
}

/** The files of an input; a folder's bring their paths along. */
export function filesOfInput(list: FileList): PageFile[] {
  return Array.from(list, (file) => ({
    path: file.webkitRelativePath === '' ? file.name : file.webkitRelativePath,
    chosen: file.webkitRelativePath === '',
    file,
  })).sort(byPath)
}

/** What Chromium has beside the older entries, which it cannot read in a page from a disk. */
interface HandedItem {
  getAsFileSystemHandle?(): Promise<FileSystemHandle | null>
}

/**
 * What was dropped, folders gone through. Must be called before the event ends: only until then does
 * the browser hand out what was dropped.
 */
export async function filesOfDrop(items: DataTransferItemList): Promise<PageFile[]> {
  const taken = Array.from(items).map((item) => {
    const handle = (item as HandedItem).getAsFileSystemHandle?.()
    return { handle, entry: handle === undefined ? item.webkitGetAsEntry() : null }
  })
  const files: PageFile[] = []
  for (const { handle, entry } of taken) {
    const handed = await handle
    if (handed !== undefined && handed !== null) await gatherHandle(handed, '', files)
    if (entry !== null) await gatherEntry(entry, '', files)
  }
  return files.sort(byPath)
}

/** As the file system of the program is gone through: names in the order of their code units. */
function byPath(a: PageFile, b: PageFile): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0
}

async function gatherHandle(
  handle: FileSystemHandle,
  lead: string,
  files: PageFile[],
): Promise<void> {
  const path = lead + handle.name
  if (handle.kind === 'file') {
    const file = await (handle as FileSystemFileHandle).getFile()
    files.push({ path, chosen: lead === '', file })
    return
  }
  for await (const inner of (handle as FileSystemDirectoryHandle).values()) {
    await gatherHandle(inner, `${path}/`, files)
  }
}

async function gatherEntry(entry: FileSystemEntry, lead: string, files: PageFile[]): Promise<void> {
  const path = lead + entry.name
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => {
      ;(entry as FileSystemFileEntry).file(resolve, reject)
    })
    files.push({ path, chosen: lead === '', file })
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  // A reader gives up to 100 entries at a time, and none at the end.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject)
    })
    if (batch.length === 0) return
    for (const inner of batch) await gatherEntry(inner, `${path}/`, files)
  }
}

/**
 * The same as the verifier reads it.
 *
 * @param between awaited before each piece: where the page itself reads, it is given a turn
 */
export function givenFile(
  { path, chosen, file }: PageFile,
  between: () => Promise<void>,
): GivenFile {
  async function* chunks(fromByte = 0, toByte = file.size): AsyncGenerator<Uint8Array> {
    const end = Math.min(toByte, file.size)
    for (let position = fromByte; position < end; position += CHUNK_BYTES) {
      await between()
      const part = file.slice(position, Math.min(position + CHUNK_BYTES, end))
      yield new Uint8Array(await part.arrayBuffer())
    }
  }
  return { path, chosen, sizeBytes: file.size, chunks }
}
