// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { connect, createServer } from 'node:net'

/**
 * Below the range from which Linux (32768) and others (49152) take the near end of outgoing
 * connections: a server that is down for a moment would find its port taken by one, even by a
 * client's attempt to reach that very server.
 */
const FIRST_PORT = 15_000
const PORTS = 17_000
/** Given out by this process: whoever got one may not listen on it yet. */
const given = new Set<number>()

/**
 * Ports of 127.0.0.1 that nobody listens on, all different. Another process may take one before it
 * is used; among so many that is rare.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS)
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Whether somebody accepts connections on the port of 127.0.0.1. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** Whether the address answers a GET with a status of 200 to 299 within ten seconds. */
export async function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(10_000) }).then(
    async (response) => {
      await response.body?.cancel()
      return response.ok
    },
    () => false,
  )
}
