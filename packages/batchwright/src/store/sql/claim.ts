import type { ClaimedTask, ClaimRequest } from '../contract/index.ts'
import { ROW_BY_ROW } from './claim-rows.ts'
import type { ClaimWords, Head } from './claim-words.ts'
import { claimed } from './claimed.ts'
import { emit } from './events.ts'
import { charge, fairClock, openLanes, roomOf, wakeDue, type OpenLane, type Room } from './lanes.ts'
import { BEFORE_ALL, queuedPage, type QueuedPage, type QueuedStep, type StepPlace } from './queued.ts'
import { number } from './rows.ts'
import type { Session } from './session.ts'
import { divide, startOf, type Share } from './shares.ts'
import { SlotRoom } from './slot-room.ts'

/**
 * ready -> leased. A claim looks at the lanes that have something, divides what it wants between their tenants, and takes
 * from each tenant's lanes the highest priority first, of one lane the oldest step first, of one step by index.
 */

export function claim(session: Session, request: ClaimRequest): Promise<readonly ClaimedTask[]> {
  return claimWith(ROW_BY_ROW, session, request)
}

export async function claimWith(
  words: ClaimWords,
  session: Session,
  request: ClaimRequest,
): Promise<readonly ClaimedTask[]> {
  if (!(await isAlive(session, request.workerId))) return []
  const again = await claimed(session, request.workerId, request.claimId)
  if (again.length > 0) return again
  const load = await loadOf(session, request.workerId)
  if (load.held > 0 && load.suspect) return []
  await wakeDue(session)
  const lanes = await openLanes(session, request.runs)
  if (lanes.length === 0) return []
  const taking = new Taking(words, session, request, lanes, await roomOf(session, lanes), load.held === 0)
  await taking.takeShares()
  return taking.finish()
}

/** A worker that is alive stays so until the claim has ended: a reaper waits for it. */
async function isAlive(session: Session, workerId: string): Promise<boolean> {
  const alive = `select 1 from workers where worker_id = :workerId and state = 'alive'${session.dialect.forKeyShare}`
  return (await session.get(alive, { workerId })) !== undefined
}

/** What the worker holds already, and whether a task that crashed a worker is among it. */
async function loadOf(
  session: Session,
  workerId: string,
): Promise<{ readonly held: number; readonly suspect: boolean }> {
  const row = await session.get(
    `select count(*) as held, coalesce(max(crash_count), 0) as crashes from tasks where worker = :workerId`,
    { workerId },
  )
  return row === undefined
    ? { held: 0, suspect: false }
    : { held: number(row, 'held'), suspect: number(row, 'crashes') > 0 }
}

/** One claim under way. */
class Taking {
  readonly #words: ClaimWords
  readonly #session: Session
  readonly #request: ClaimRequest
  /** Lanes that may have more, by tenant, in the order they are taken from. */
  readonly #lanes: Map<string, OpenLane[]>
  readonly #shares: readonly Share[]
  readonly #pools: Map<string, number>
  readonly #tenants: Map<string, number>
  readonly #idle: boolean
  readonly #slots: SlotRoom
  readonly #taken: Head[] = []
  readonly #given = new Map<string, number>()
  /** Steps that have no more, as it seems. */
  readonly #empty: QueuedStep[] = []
  /** A task that crashed a worker stands in the way: nothing overtakes it. */
  #stopped = false
  #clock = 0

  constructor(
    words: ClaimWords,
    session: Session,
    request: ClaimRequest,
    lanes: readonly OpenLane[],
    room: Room,
    idle: boolean,
  ) {
    this.#words = words
    this.#session = session
    this.#request = request
    this.#slots = new SlotRoom(request)
    this.#pools = new Map(room.pools)
    this.#tenants = new Map(room.tenants)
    this.#idle = idle
    const open = lanes.filter((lane) => this.#roomIn(lane) > 0)
    this.#lanes = Map.groupBy(open, ({ tenant }) => tenant)
    for (const group of this.#lanes.values()) group.sort((one, other) => other.priority - one.priority)
    this.#shares = [...this.#lanes.values()].flatMap((group) => group.slice(0, 1).map(({ share }) => share))
  }

  get #left(): number {
    return this.#stopped ? 0 : this.#slots.tasks
  }

  #roomIn({ pool, tenant }: OpenLane): number {
    return Math.min(this.#pools.get(pool) ?? Infinity, this.#tenants.get(tenant) ?? Infinity)
  }

  /** Divides what is left between the tenants that may have more, until nothing is left of the one or the other. */
  async takeShares(): Promise<void> {
    const clock = (this.#clock = this.#shares.length > 1 ? await fairClock(this.#session) : 0)
    while (this.#left > 0 && this.#lanes.size > 0) {
      const waiting = this.#shares
        .filter(({ name }) => this.#lanes.has(name))
        .map((share) => ({ ...share, pass: startOf(share, clock) + (this.#given.get(share.name) ?? 0) / share.weight }))
      for (const [tenant, places] of divide(waiting, clock, this.#left)) {
        if (this.#left > 0) await this.#takeFrom(tenant, Math.min(places, this.#left))
      }
    }
  }

  async #takeFrom(tenant: string, places: number): Promise<void> {
    const lanes = this.#lanes.get(tenant) ?? []
    let wanted = places
    while (wanted > 0 && !this.#stopped) {
      const [lane] = lanes
      if (lane === undefined) break
      const most = Math.min(wanted, this.#roomIn(lane))
      const taken = most > 0 ? await this.#takeLane(lane, most) : 0
      wanted -= taken
      if (taken < most || most === 0) lanes.shift()
    }
    if (lanes.length === 0) this.#lanes.delete(tenant)
  }

  /** Takes up to `most` tasks of a lane, step by step; fewer mean that it has no more. */
  async #takeLane(lane: OpenLane, most: number): Promise<number> {
    let taken = 0
    let after: StepPlace | null = BEFORE_ALL
    while (after !== null && taken < most && this.#left > 0) {
      const page: QueuedPage = await queuedPage(this.#session, lane.lane, after, most - taken, this.#request.runs)
      const steps = this.#slots.fitting(page.steps)
      const wanted = Math.min(most - taken, this.#left)
      const found = steps.length === 0 ? [] : await this.#words.heads(this.#session, this.#request, steps, wanted)
      const had = this.#allowed(found).filter(({ step }) => this.#slots.take(step))
      await this.#take(lane, had)
      taken += had.length
      this.#note(steps, found, found.length < wanted)
      after = page.next
    }
    return taken
  }

  /** What of it may be had: nothing from a task on that crashed a worker, unless it can be had alone. */
  #allowed(found: readonly Head[]): readonly Head[] {
    const suspect = found.findIndex(({ crashCount }) => crashCount > 0)
    if (suspect === -1) return found
    // It waits until it can be had alone, and nothing overtakes it.
    this.#stopped = true
    const alone = suspect === 0 && this.#taken.length === 0 && this.#idle
    return found.slice(0, alone ? 1 : suspect)
  }

  async #take(lane: OpenLane, had: readonly Head[]): Promise<void> {
    if (had.length === 0) return
    await this.#words.lease(this.#session, this.#request, had)
    this.#taken.push(...had)
    this.#given.set(lane.tenant, (this.#given.get(lane.tenant) ?? 0) + had.length)
    this.#lower(this.#pools, lane.pool, had.length)
    this.#lower(this.#tenants, lane.tenant, had.length)
  }

  #lower(room: Map<string, number>, name: string, count: number): void {
    const left = room.get(name)
    if (left !== undefined) room.set(name, left - count)
  }

  /** Steps before the last one that gave something have no more; all of them, where more was wanted. */
  #note(steps: readonly QueuedStep[], found: readonly Head[], all: boolean): void {
    const last = found.at(-1)?.step
    this.#empty.push(...(all || last === undefined ? steps : steps.slice(0, steps.indexOf(last))))
  }

  /** Says what was taken, and answers with it in the order in which it was. */
  async finish(): Promise<readonly ClaimedTask[]> {
    if (!this.#stopped && this.#empty.length > 0) await this.#words.settle(this.#session, this.#empty)
    if (this.#taken.length === 0) return []
    await this.#announce()
    const { workerId, claimId } = this.#request
    const tasks = new Map((await claimed(this.#session, workerId, claimId)).map((task) => [task.taskId, task]))
    if (this.#shares.length > 1) await charge(this.#session, this.#shares, this.#clock, this.#given)
    return this.#taken.flatMap(({ taskId }) => tasks.get(taskId) ?? [])
  }

  async #announce(): Promise<void> {
    const worker = this.#request.workerId
    for (const [step, heads] of Map.groupBy(this.#taken, (head) => head.step)) {
      if (step.first) await this.#moveRun(step)
      await emit(this.#session, {
        runId: step.runId,
        step: step.name,
        type: 'tasks.leased',
        data: { kind: step.kind, worker, count: heads.length, tasks: heads.map(({ taskId }) => taskId) },
      })
    }
  }

  async #moveRun({ run, runId }: QueuedStep): Promise<void> {
    const moved = await this.#session.run(
      `update runs set state = 'running', started_at = store_now() where run = :run and state = 'queued'`,
      { run },
    )
    if (moved === 0) return
    await emit(this.#session, { runId, type: 'run.running', data: { worker: this.#request.workerId } })
  }
}
