// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { ERROR_TYPE_TOOL } from '@spanseal/core'
import type { ReturnedFailure } from '@spanseal/otel'

/** `isError` results are failures that come back as values (MCP 2025-06-18, server/tools). */
export function judgeToolResult(result: unknown): ReturnedFailure | undefined {
  const { isError, content } = (result ?? {}) as { isError?: unknown; content?: unknown }
  if (isError !== true) return undefined
  const parts: readonly unknown[] = Array.isArray(content) ? content : []
  const texts = parts.map((part) => (part as { text?: unknown } | null)?.text).filter(isText)
  return { status: 'error', errorType: ERROR_TYPE_TOOL, message: texts.join('\n') }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

const REQUEST_TIMEOUT = -32001 // the SDK's code for time-outs and for aborted requests alike

/** Tells a time-out from a cancellation, which the SDK rejects with the same code. */
export function judgeRequestError(
  thrown: unknown,
  signal: AbortSignal | undefined,
): 'cancelled' | 'timeout' | undefined {
  if (signal?.aborted === true) return 'cancelled'
  const { code } = (thrown ?? {}) as { code?: unknown }
  return code === REQUEST_TIMEOUT ? 'timeout' : undefined
}
