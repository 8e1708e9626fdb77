// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { Attributes } from '@opentelemetry/api'
import type { CallContext } from '@spanseal/core'
import {
  ATTR_AGENT_ID,
  ATTR_DATA_CLASSIFICATION,
  ATTR_GEN_AI_AGENT_ID,
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_AGENT_VERSION,
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_TOOL_CALL_ID,
  ATTR_GEN_AI_TOOL_NAME,
  ATTR_GEN_AI_TOOL_TYPE,
  ATTR_TASK_ID,
  ATTR_TOOL_NAME,
  ATTR_TOOL_PUBLISHER,
  ATTR_TOOL_TRUST_LEVEL,
  ATTR_TOOL_VERSION,
  OPERATION_EXECUTE_TOOL,
  OPERATION_INVOKE_AGENT,
} from '@spanseal/core'
import type { AuditScope } from './scope.ts'
import type { RegisteredTool } from './tool-definition.ts'

/** What a tool's span says before the tool runs. */
export function toolAttributes(
  { tool: { value: tool } }: RegisteredTool,
  { actor, taskId }: AuditScope,
  { data_classifications }: CallContext,
): Attributes {
  const { id } = actor.value.agent
  return {
    [ATTR_GEN_AI_OPERATION_NAME]: OPERATION_EXECUTE_TOOL,
    [ATTR_GEN_AI_TOOL_NAME]: tool.name,
    [ATTR_GEN_AI_TOOL_TYPE]: tool.type,
    [ATTR_GEN_AI_AGENT_ID]: id,
    [ATTR_TOOL_NAME]: tool.name,
    [ATTR_TOOL_VERSION]: tool.version,
    [ATTR_TOOL_PUBLISHER]: tool.publisher,
    [ATTR_TOOL_TRUST_LEVEL]: tool.trust_level,
    [ATTR_AGENT_ID]: id,
    [ATTR_TASK_ID]: taskId,
    [ATTR_DATA_CLASSIFICATION]: data_classifications.join(','),
  }
}

/** The framework's own id of a call. */
export function callIdAttribute(externalId: string): Attributes {
  return { [ATTR_GEN_AI_TOOL_CALL_ID]: externalId }
}

/** What a task's span says. */
export function taskAttributes({ actor, taskId }: AuditScope): Attributes {
  const { agent, conversation } = actor.value
  const { id, name, version } = agent
  return {
    [ATTR_GEN_AI_OPERATION_NAME]: OPERATION_INVOKE_AGENT,
    [ATTR_GEN_AI_AGENT_ID]: id,
    ...(name !== undefined && { [ATTR_GEN_AI_AGENT_NAME]: name }),
    ...(version !== undefined && { [ATTR_GEN_AI_AGENT_VERSION]: version }),
    ...(conversation !== undefined && { [ATTR_GEN_AI_CONVERSATION_ID]: conversation }),
    [ATTR_AGENT_ID]: id,
    [ATTR_TASK_ID]: taskId,
  }
}

/** What the span of a reasoning or a handoff says; viewers keep what belongs to an agent. */
export function stepAttributes({ actor, taskId }: AuditScope): Attributes {
  const { id } = actor.value.agent
  return { [ATTR_GEN_AI_AGENT_ID]: id, [ATTR_AGENT_ID]: id, [ATTR_TASK_ID]: taskId }
}
