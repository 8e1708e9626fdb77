// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { AuthorizationDecision, AuthorizationRequest } from '@spanseal/otel'

const POLICY = { id: 'support-tools', version: '7' }

/** The agent may read and write, but never move or delete what a customer's file is. */
export function authorize({ tool }: AuthorizationRequest): AuthorizationDecision {
  return tool.name === 'move_file'
    ? { decision: 'denied', policy: POLICY, reason: 'customer files are never moved by an agent' }
    : { decision: 'granted', policy: POLICY }
}
