// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { setTimeout as sleep } from 'node:timers/promises'
import type { Deployment } from './deployment.ts'
import type { Scene } from './fault-run.ts'
import { busiestLeader, connectionCut, leaderKilled, twoDown } from './faults.ts'
import { controlledRoll, slowNetwork } from './slow-faults.ts'

const FREEZE_MILLIS = 20_000

/** What a fault of the soak has to do with: processes of the agents' side besides the brokers. */
export interface SoakScene extends Scene {
  readonly load: Deployment
  readonly shipment: Deployment
}

export interface SoakFault {
  readonly title: string
  readonly run: (scene: SoakScene) => Promise<void>
}

const leaderFrozen: SoakFault = {
  title: `a leader freezes for ${FREEZE_MILLIS / 1_000} s, and thaws`,
  async run(scene) {
    const { cluster, shipment, topic } = scene
    const victim = await busiestLeader(scene)
    const thaw = performance.now() + FREEZE_MILLIS
    await cluster.kill(victim, 'SIGSTOP')
    await shipment.goesOn()
    await sleep(Math.max(0, thaw - performance.now()))
    await cluster.kill(victim, 'SIGCONT')
    await cluster.inSync(topic)
  },
}

const shipperKilled: SoakFault = {
  title: 'the shipper is killed, and another one goes on',
  async run({ shipment }) {
    await shipment.killShipper()
    shipment.startShipper()
  },
}

const agentKilled: SoakFault = {
  title: 'the agents are killed, and others go on',
  async run({ load }) {
    await load.killAgent()
    load.startAgent()
  },
}

/** One a minute, in this order and then again. */
export const soakFaults: readonly SoakFault[] = [
  leaderKilled,
  connectionCut,
  leaderFrozen,
  shipperKilled,
  controlledRoll,
  agentKilled,
  twoDown,
  slowNetwork,
]
