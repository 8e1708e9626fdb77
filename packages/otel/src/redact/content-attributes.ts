// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Which attributes of spans and events carry what people wrote or data flowed into. The names are
 * those that the GenAI conventions (1.4x), OpenInference, OpenLLMetry, Langfuse, the AI SDK, Mastra,
 * Laminar, Braintrust, Sentry, LangSmith and Pydantic use, and the content of HTTP, databases,
 * messaging and exceptions.
 */

function list(text: string): readonly string[] {
  return text.trim().split(/\s+/)
}

const NAMES: ReadonlySet<string> = new Set(
  list(`
    gen_ai.input.messages gen_ai.output.messages gen_ai.system_instructions gen_ai.tool.definitions
    gen_ai.tool.call.arguments gen_ai.tool.call.result gen_ai.tool.input gen_ai.tool.output
    gen_ai.prompt gen_ai.completion gen_ai.content.prompt gen_ai.content.completion
    gen_ai.request.messages gen_ai.request.available_tools gen_ai.response.text
    gen_ai.response.tool_calls gen_ai.response.object gen_ai.retrieval.query.text
    gen_ai.retrieval.documents gen_ai.evaluation.explanation gen_ai.event.content
    exception.message exception.stacktrace error.message error.stack code.stacktrace
    db.statement db.query.text url.query http.request.body http.response.body graphql.document
    tool.parameters tool_call.function.arguments document.content document.metadata embedding.text
    message.content message.contents message.contents metadata
    ai.prompt ai.value ai.values ai.response.text ai.response.object ai.response.reasoning
    ai.response.toolCalls ai.toolCall.args ai.toolCall.result ai.embedding ai.embeddings ai.schema
    tool_arguments tool_response final_result all_messages_events all_messages raw_input
    lmnr.span.input lmnr.span.output braintrust.input braintrust.output
    langfuse.observation.status_message`),
)

/** Prefixes under which texts are content; numbers and booleans there are counts and switches. */
const PREFIXES = list(`
    gen_ai.prompt. gen_ai.completion. gen_ai.input. gen_ai.output. llm. ai.prompt. retrieval.documents.
    reranker. embedding.embeddings. input. output. input_messages. output_messages. message.contents.
    db.query.parameter. db.operation.parameter. mcp.request.argument. mcp.tool.result. mcp.prompt.
    langfuse.observation.input langfuse.observation.output langfuse.trace.input langfuse.trace.output
    langfuse.observation.metadata langfuse.trace.metadata traceloop.entity.input
    traceloop.entity.output traceloop.prompt. prompt.template ai.result.`)

/** Under those prefixes, and nonetheless no content. */
const METADATA = new RegExp(
  `^(?:${[
    'llm\\.(?:model|model_name|provider|system|vendor|request\\.(?:type|model)|response\\.model)$',
    'llm\\.(?:token_count|cost|usage|finish_reason|is_streaming)(?:\\.|$)',
    '(?:input|output)\\.(?:mime_type|hash|bytes|size|shape)$',
    'gen_ai\\.(?:prompt\\.(?:name|version|id)|output\\.type)$',
    'gen_ai\\.(?:prompt|completion)\\.\\d+\\.(?:role|finish_reason)$',
    'llm\\.(?:input|output)_messages\\.\\d+\\.message\\.role$',
    'prompt\\.template\\.version$',
    'mcp\\.prompt\\.name$',
  ].join('|')})`,
)

/** A last part of a name that means content, whoever made the span. */
const LAST_PARTS: ReadonlySet<string> = new Set(
  list(`input inputs output outputs prompt prompts completion completions messages arguments args
    body payload content stacktrace query_text input_json output_json`),
)

const URL_NAMES: ReadonlySet<string> = new Set(list('url.full http.url http.target url.original'))

/**
 * What an attribute of this name carries: `content`; `text` that is content only if it is a text;
 * `url` with a query that is; or nothing of the kind.
 */
export function contentOf(name: string): 'content' | 'text' | 'url' | undefined {
  if (NAMES.has(name)) return 'content'
  if (URL_NAMES.has(name)) return 'url'
  if (METADATA.test(name)) return undefined
  if (PREFIXES.some((prefix) => name.startsWith(prefix))) return 'text'
  const dot = name.lastIndexOf('.')
  return dot >= 0 && LAST_PARTS.has(name.slice(dot + 1)) ? 'text' : undefined
}
