// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Every attribute and span name that spanseal writes or reads. OpenTelemetry asks libraries to copy
 * unstable names instead of importing them; these are from semantic conventions 1.41.1 (`gen_ai.*`,
 * `mcp.*`: status Development) and stable ones from 1.45.0.
 */

// GenAI conventions.
export const ATTR_GEN_AI_OPERATION_NAME = 'gen_ai.operation.name'
export const ATTR_GEN_AI_TOOL_NAME = 'gen_ai.tool.name'
export const ATTR_GEN_AI_TOOL_TYPE = 'gen_ai.tool.type'
export const ATTR_GEN_AI_TOOL_CALL_ID = 'gen_ai.tool.call.id'
export const ATTR_GEN_AI_TOOL_CALL_ARGUMENTS = 'gen_ai.tool.call.arguments'
export const ATTR_GEN_AI_TOOL_CALL_RESULT = 'gen_ai.tool.call.result'
export const ATTR_GEN_AI_AGENT_ID = 'gen_ai.agent.id'
export const ATTR_GEN_AI_AGENT_NAME = 'gen_ai.agent.name'
export const ATTR_GEN_AI_AGENT_VERSION = 'gen_ai.agent.version'
export const ATTR_GEN_AI_CONVERSATION_ID = 'gen_ai.conversation.id'
export const ATTR_GEN_AI_PROVIDER_NAME = 'gen_ai.provider.name'
export const ATTR_ERROR_TYPE = 'error.type'

export const OPERATION_EXECUTE_TOOL = 'execute_tool'
export const OPERATION_INVOKE_AGENT = 'invoke_agent'

// MCP conventions.
export const ATTR_MCP_METHOD_NAME = 'mcp.method.name'
export const ATTR_MCP_SESSION_ID = 'mcp.session.id'
export const ATTR_JSONRPC_REQUEST_ID = 'jsonrpc.request.id'
export const ATTR_NETWORK_TRANSPORT = 'network.transport'
/** `error.type` of a tool result that says `isError`. */
export const ERROR_TYPE_TOOL = 'tool_error'

// The names that the article on audit trails with OpenTelemetry fixes, for its readers' queries.
export const ATTR_TOOL_NAME = 'tool.name'
export const ATTR_TOOL_VERSION = 'tool.version'
export const ATTR_TOOL_PUBLISHER = 'tool.publisher'
export const ATTR_TOOL_TRUST_LEVEL = 'tool.trust_level'
export const ATTR_AGENT_ID = 'agent.id'
export const ATTR_TASK_ID = 'task.id'
export const ATTR_DATA_CLASSIFICATION = 'data.classification'
export const ATTR_INPUT_HASH = 'input.hash'
export const ATTR_OUTPUT_HASH = 'output.hash'
export const ATTR_INVOCATION_STATUS = 'invocation.status'
export const ATTR_INVOCATION_DURATION_MS = 'invocation.duration_ms'

/** The tracer of tool and task spans. */
export const TRACER_NAME = 'agent.tools'

// The pointer from a span into the evidence: our one prefix.
export const ATTR_SPANSEAL_EPOCH = 'spanseal.epoch'
export const ATTR_SPANSEAL_START_SEQ = 'spanseal.start.seq'
export const ATTR_SPANSEAL_START_HASH = 'spanseal.start.hash'
export const ATTR_SPANSEAL_END_EPOCH = 'spanseal.end.epoch'
export const ATTR_SPANSEAL_END_SEQ = 'spanseal.end.seq'
export const ATTR_SPANSEAL_END_HASH = 'spanseal.end.hash'
export const ATTR_SPANSEAL_AUTHORIZATION = 'spanseal.authorization.decision'
export const ATTR_SPANSEAL_CONFIDENCE = 'spanseal.reasoning.confidence'
export const ATTR_SPANSEAL_HANDOFF_TO = 'spanseal.handoff.to'
/** On a span whose records could not be written. */
export const ATTR_SPANSEAL_UNRECORDED = 'spanseal.unrecorded'

/** Where a task's id travels beside the trace context: W3C baggage. */
export const BAGGAGE_TASK_ID = 'spanseal.task.id'
