// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { writeFileSync } from 'node:fs'
import { schemaFile, validatorModule } from './validator.ts'

/** Writes what is generated from `record-schema.ts`: `node --conditions=spanseal-source generate/run.ts` */
writeFileSync(new URL('../schema/record-v1.schema.json', import.meta.url), schemaFile())
writeFileSync(new URL('../src/validate.generated.ts', import.meta.url), validatorModule())
