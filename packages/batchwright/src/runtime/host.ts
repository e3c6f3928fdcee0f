import type { JobDefinition } from '../job/index.ts'
import { systemClock, type Clock } from '../kernel/clock.ts'
import { systemRandom, type Random } from '../kernel/random.ts'
import type { ArtifactRef } from '../protocol/index.ts'
import type { Databases } from '../data/index.ts'
import { loadArtifact } from './load-artifact.ts'
import { LookupPool } from './lookups/pool.ts'
import { Redactor } from '../observe/index.ts'
import { FleetLine } from './fleet/line.ts'
import { Gate } from './fleet/gate.ts'
import { ServicePool } from './services.ts'
import { slotDatabases } from './tables.ts'

/** What a slot keeps from attempt to attempt. */
export interface SlotHost {
  readonly clock: Clock
  readonly random: Random
  readonly services: ServicePool
  readonly lookups: LookupPool
  readonly redactor: Redactor
  /** The way to the databases of tables. */
  readonly databases: Databases
  /** To whom the attempts of the slot talk about what the whole fleet shares. */
  readonly line: FleetLine
  /** Where calls of services leave. */
  readonly gate: Gate
  /** The job of an artifact; loaded once for a code version. */
  job(artifact: ArtifactRef): Promise<JobDefinition>
  /** Closes the slot's services. */
  close(): Promise<void>
}

export interface SlotHostOptions {
  /** Default: the system's. */
  readonly clock?: Clock
  readonly random?: Random
  /** Where secrets are read from; default `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Told of each secret that services have read, once, before they get it. */
  readonly onSecret?: (secret: string, name: string) => void
  /** Where jobs come from; default `loadArtifact`. For jobs in memory, and tests. */
  readonly job?: (artifact: ArtifactRef) => Promise<JobDefinition>
}

/** Opens what a slot keeps. Nothing is started or connected before an attempt needs it. */
export function createHost(options: SlotHostOptions = {}): SlotHost {
  const redactor = new Redactor(options.onSecret)
  const clock = options.clock ?? systemClock
  const line = new FleetLine()
  const gate = new Gate(line, clock)
  const services = new ServicePool(options.environment ?? process.env, redactor, gate)
  return {
    clock,
    line,
    gate,
    random: options.random ?? systemRandom,
    services,
    lookups: new LookupPool(),
    redactor,
    databases: slotDatabases(options.environment ?? process.env, redactor),
    job: options.job ?? loadArtifact,
    close: () => services.close(),
  }
}
