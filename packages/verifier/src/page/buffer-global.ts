// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

// esbuild puts this Buffer, the package's, wherever the page's code names the global one of Node.
export { Buffer } from 'buffer/index.js'
