// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

export type { McpClientOptions } from './client.ts'
export { auditMcpClient } from './client.ts'
export type { McpServerOptions } from './server.ts'
export { auditMcpServer } from './server.ts'
