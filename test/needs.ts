// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { needsChromium } from './services/chromium.ts'
import { needsGo } from './services/go-binaries.ts'
import { needsKafka } from './services/kafka.ts'
import { needsLitewitness } from './services/litewitness.ts'
import { succeeds } from './services/run-command.ts'

export type NeedName =
  | 'kafka'
  | 'collector'
  | 'jaeger'
  | 'go'
  | 'browser'
  | 'openssl'
  | 'litewitness'

/** What a suite may need, each a probe: undefined when it is here, else how to get it. */
export const needs: Readonly<Record<NeedName, () => Promise<string | undefined>>> = {
  kafka: () => needsKafka(),
  collector: () => needsGo('otelcol'),
  jaeger: () => needsGo('jaeger'),
  browser: async () => needsChromium(),
  go: async () => ((await succeeds('go', ['version'])) ? undefined : 'install Go 1.26 or later'),
  litewitness: () => needsLitewitness(),
  openssl: async () => ((await succeeds('openssl', ['version'])) ? undefined : 'install OpenSSL 3'),
}
