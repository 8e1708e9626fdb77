// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

// esbuild puts this Buffer wherever the page's code names the global one of Node.
// oxlint-disable-next-line unicorn/prefer-node-protocol -- the package, not Node's module
export { Buffer } from 'buffer'
