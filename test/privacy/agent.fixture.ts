// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api'
import { audit } from '@spanseal/otel/register'
import { plantCalls } from './plant-calls.ts'
import { plantCarriers, plantForeignSpans } from './plant-foreign-spans.ts'
import { plantIdentities } from './plant-identities.ts'
import { hasForm, secrets } from './planted-secrets.ts'
import { planted } from './planting.ts'

// An agent that knows nothing of options: started with `--import @spanseal/otel/register`, and with
// everything that OpenTelemetry has to say on the console.
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.ALL)
const planter = { audit, said: [] }
const all = planted(secrets, { errors: 'committed', knows: hasForm })
await plantCalls(planter, all)
await plantForeignSpans(planter, all)
await plantCarriers(planter, all)
await plantIdentities(planter, all.ids)
process.stdout.write(`${JSON.stringify(audit.health())}\n`)
