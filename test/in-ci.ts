// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

const value = process.env['CI'] ?? ''

/** Whether this is a run of CI, as `CI` in the environment says it. */
export const inCi = value !== '' && value !== 'false' && value !== '0'
