// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base'
import {
  convertLegacyHttpOptions,
  createOtlpHttpExportDelegate,
} from '@opentelemetry/otlp-exporter-base/node-http'
import type { IExportTraceServiceResponse, ISerializer } from '@opentelemetry/otlp-transformer'
import { JsonTraceSerializer, TraceExporterMetricsHelper } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'
import type { OtlpEndpoint } from './options.ts'
import type { NamedExporter, Rejection } from './otlp-leg.ts'

/**
 * The OTLP/HTTP exporters of an audit: what `OTLPTraceExporter` 0.223 is put together from, with a
 * serializer that also reads the answers. That class calls a batch delivered of which the endpoint
 * refused spans, and says so to `diag` alone.
 */

/** One OTLP/HTTP exporter an endpoint. `OTEL_EXPORTER_OTLP_*` holds for what the options leave open. */
export function otlpExporters(endpoints: readonly OtlpEndpoint[]): NamedExporter[] {
  return endpoints.map(otlpExporter)
}

function otlpExporter({ url, exact, headers }: OtlpEndpoint): NamedExporter {
  const address = new URL(url)
  if (exact !== true && !address.pathname.endsWith('/v1/traces')) {
    address.pathname = `${address.pathname.replace(/\/$/, '')}/v1/traces`
  }
  const config = {
    url: address.href,
    ...(headers === undefined ? {} : { headers: { ...headers } }),
  }
  const own = { 'Content-Type': 'application/json' }
  const answers = new AnswerReader()
  const delegate = createOtlpHttpExportDelegate(
    convertLegacyHttpOptions(config, 'TRACES', 'v1/traces', own),
    answers,
    'otlp_http_span_exporter',
    TraceExporterMetricsHelper,
    undefined,
  )
  return {
    name: `${address.protocol}//${address.host}`,
    exporter: new OTLPExporterBase(delegate),
    takeRejection: () => answers.takeRejection(),
  }
}

/** The JSON of OTLP, noting what an answer says of spans that were not taken. */
class AnswerReader implements ISerializer<ReadableSpan[], IExportTraceServiceResponse> {
  #rejection: Rejection | undefined

  serializeRequest(spans: ReadableSpan[]): Uint8Array | undefined {
    this.#rejection = undefined
    return JsonTraceSerializer.serializeRequest(spans)
  }

  /** Called for the one answer below 300 of a batch, before the exporter says how it went. */
  deserializeResponse(body: Uint8Array): IExportTraceServiceResponse {
    const response: IExportTraceServiceResponse = JsonTraceSerializer.deserializeResponse(body)
    this.#rejection = rejectionIn(response)
    return response
  }

  takeRejection(): Rejection | undefined {
    const rejection = this.#rejection
    this.#rejection = undefined
    return rejection
  }
}

const DIGITS = /^\d{1,15}$/

/**
 * What `partial_success` says. `rejected_spans` is an int64, which JSON may hold as a number or as a
 * text of digits (https://protobuf.dev/programming-guides/json/); none with a message is a warning.
 */
function rejectionIn(response: unknown): Rejection | undefined {
  const { partialSuccess, partial_success } = (response ?? {}) as Record<string, unknown>
  const partial = partialSuccess ?? partial_success
  if (typeof partial !== 'object' || partial === null) return undefined
  const { rejectedSpans, rejected_spans, errorMessage, error_message } = partial as Record<
    string,
    unknown
  >
  const count = rejectedSpans ?? rejected_spans ?? 0
  const message = errorMessage ?? error_message
  const reason = typeof message === 'string' ? message : ''
  const spans = typeof count === 'string' && DIGITS.test(count) ? Number(count) : count
  const isCount = typeof spans === 'number' && Number.isSafeInteger(spans) && spans >= 0
  if (!isCount || (spans === 0 && reason === '')) return undefined
  return { spans, reason }
}
