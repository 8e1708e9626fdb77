// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** The version of this package; a test holds it to `package.json`. */
export const SDK_VERSION = '0.1.0'
