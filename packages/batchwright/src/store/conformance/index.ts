/**
 * The conformance suite: what every store must do, written against the contract alone. A store passes it by handing in the
 * way to open itself; each test's name is the rule it proves. For tests only; not part of the room's door.
 */
import { afterEach, describe } from 'vitest'
import { arrowRules } from './arrows.ts'
import { claimRules } from './claims.ts'
import { SettableClock } from './clock.ts'
import { copyRules } from './copies.ts'
import { controlRules } from './control.ts'
import { effectRules } from './effects.ts'
import { eventRules } from './outbox.ts'
import { fenceRules } from './fences.ts'
import { depthRules } from './depths.ts'
import { fleetRules } from './fleet.ts'
import { historyRules } from './histories.ts'
import { fairnessRules } from './fairness.ts'
import { laneRules } from './lanes.ts'
import { poolRules } from './pools.ts'
import { leaseRules } from './leases.ts'
import { planRules } from './plans.ts'
import { PROPERTY_RUNS, propertyRules } from './properties.ts'
import { publicationRules } from './publications.ts'
import { replayRules } from './replays.ts'
import { readRules } from './reading.ts'
import { retryRules } from './retries.ts'
import { serviceRules } from './services.ts'
import { retentionRules } from './retention.ts'
import { runRules } from './runs.ts'
import { splitRules } from './splits.ts'
import { stepRules } from './steps.ts'
import { World, type StoreUnderTest } from './world.ts'

export { SettableClock } from './clock.ts'
export type { StoreUnderTest } from './world.ts'

/** Opens a fresh world for a test; closed when the test ends. */
export type OpenWorld = () => Promise<World>

export function storeConformance(
  name: string,
  subject: StoreUnderTest,
  { propertyRuns = PROPERTY_RUNS }: { readonly propertyRuns?: number } = {},
): void {
  describe(`${name} keeps the store's contract`, () => {
    const open: (() => Promise<void>)[] = []
    const world: OpenWorld = async () => {
      const clock = new SettableClock()
      const opened = await subject.open(clock)
      open.push(() => opened.dispose())
      return new World(opened.store, clock, () => opened.again())
    }
    afterEach(async () => {
      for (const dispose of open.splice(0)) await dispose()
    })
    const topics = {
      runs: runRules,
      claims: claimRules,
      lanes: laneRules,
      pools: poolRules,
      fairness: fairnessRules,
      fences: fenceRules,
      leases: leaseRules,
      depths: depthRules,
      fleet: fleetRules,
      plans: planRules,
      steps: stepRules,
      retention: retentionRules,
      retries: retryRules,
      services: serviceRules,
      effects: effectRules,
      splits: splitRules,
      copies: copyRules,
      control: controlRules,
      publications: publicationRules,
      events: eventRules,
      histories: historyRules,
      replays: replayRules,
      reads: readRules,
      transitions: arrowRules,
      properties: (open: OpenWorld) => {
        propertyRules(open, propertyRuns)
      },
    }
    for (const [topic, rules] of Object.entries(topics)) {
      describe(topic, () => {
        rules(world)
      })
    }
  })
}
