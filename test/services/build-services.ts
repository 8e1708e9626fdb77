// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

// node test/services/build-services.ts [collector] [jaeger] [litewitness]: fills the cache ahead of the tests.

import { collectorBinary, jaegerBinary, litewitnessBinary } from './go-binaries.ts'

const builders = {
  collector: collectorBinary,
  jaeger: jaegerBinary,
  litewitness: litewitnessBinary,
}

for (const name of process.argv.slice(2)) {
  const build = builders[name as keyof typeof builders]
  if (!build) throw new Error(`unknown: ${name}; known: ${Object.keys(builders).join(', ')}`)
  const started = performance.now()
  const binary = await build()
  console.log(`${name}: ${binary} (${((performance.now() - started) / 1000).toFixed(1)} s)`)
}
