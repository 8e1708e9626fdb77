// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Verdict } from '@spanseal/core'
import { plural } from '@spanseal/core'

const PARTIAL = `     Name the epochs' folders, as here, or drop those on the page: of the whole
     folder the epochs that were left out would count as missing.
`

/** What the export is, in plain words, for whoever it is handed to. */
export function exportReadme(
  verdict: Verdict,
  {
    log,
    partial,
    madeAt,
  }: { readonly log: boolean; readonly partial: boolean; readonly madeAt: string },
): string {
  const { checked, epochs } = verdict
  return `AUDIT TRAIL, HANDED OVER
========================

Made ${madeAt} with: spanseal export

What is in here
  journal*/       ${plural(checked, 'record')} in ${plural(epochs, 'epoch')}, byte for byte as they were written.
                  An epoch is one run of a program; its folder holds the records
                  (*.jsonl, one a line) and the signed checkpoints over them.
${partial ? '                  Other epochs of the same log were left out of this export.\n' : ''}${
  log
    ? '  log/            the tenant log: which epochs there are, with the signatures of\n                  witnesses and time-stamps where there are any\n'
    : ''
}  heads.txt       up to where the records reached when this was made
  verify.html     checks all of it in a browser: open it, drop this folder on it
  verify.mjs      the same as a program for Node 20 or later
  SHA256SUMS      sums of all files, to see whether the copying went well

How to check it
  1. Get the key (a line "<name>+<8 digits>+<letters>") from whoever runs the log,
     by ANOTHER way than this folder came: by telephone, from a contract, from a
     website. A key that came with the folder proves nothing, and there is none in it.
  2. Open verify.html in a browser (it needs no network and sends nothing), or run
       node verify.mjs ${partial ? 'journal*/*' : '.'} --key "<the key>"
${partial ? PARTIAL : ''}  3. Read what the verdict proves, and what it does not.

  You need not trust these two programs either: spanseal is open source, so you
  can take them from there; and spec/ in it says how to write your own.
  sha256sum -c SHA256SUMS    tells damage in transit, not deceit.

Keep heads.txt
  Keep a copy of it where nobody else can change it. The next time records of this
  log are handed over, give it as --head heads.txt: what was removed or changed
  since then will show. For this folder itself it proves nothing: it came with it.
`
}
