/** `show --json`: where the time went, beside the run. */
import type { JsonValue } from '../../kernel/errors.ts'
import { isoOrNull } from '../render/text.ts'
import type { CriticalPath } from './critical-path.ts'
import type { RunTimes } from './gather.ts'
import type { WhereTime } from './where.ts'

export function timesJson(times: RunTimes, path: CriticalPath | null, where: WhereTime): Record<string, JsonValue> {
  return {
    timeline: {
      from: isoOrNull(times.from),
      to: isoOrNull(times.to),
      takenUp: times.takenUp,
      phases: times.totals.map((group) => {
        const lane = times.activity.lanes.find(({ step, kind }) => step === group.step && kind === group.kind)
        return {
          step: group.step,
          kind: group.kind,
          tasks: group.tasks,
          attempts: group.attempts,
          outcomes: { ...group.outcomes },
          firstLeasedAt: isoOrNull(group.firstLeasedAt),
          lastEndedAt: isoOrNull(group.lastEndedAt),
          busyMs: group.busyMs,
          records: group.read,
          longest: { ...group.longest },
          mostAtOnce: lane?.most ?? null,
        }
      }),
      idle: times.activity.idle.map(({ from, to }) => ({ from: isoOrNull(from), to: isoOrNull(to), ms: to - from })),
    },
    criticalPath:
      path === null
        ? null
        : {
            stretches: path.stretches.map(({ step, phase, from, to, partitions }) => ({
              step,
              phase,
              from: isoOrNull(from),
              ms: to - from,
              partitions:
                partitions === null
                  ? null
                  : { ...partitions, longest: { ...partitions.longest }, last: { ...partitions.last } },
            })),
            lostMs: path.lostMs,
            shorterEvenlyMs: Math.round(path.evenlyMs),
            shorterSmallerMs: Math.round(path.smallerMs),
            floorMs: path.floorMs,
          },
    time: {
      wallMs: where.wallMs,
      idleMs: where.idleMs,
      mostAtOnce: where.most,
      usedShare: where.usedShare,
      slotMs: Object.fromEntries(where.shares.map(({ what, ms }) => [what, ms])),
    },
    longest: times.longest.map((attempt) => ({
      step: attempt.step,
      partition: attempt.index,
      label: attempt.label,
      ms: attempt.workedMs,
      leasedAt: isoOrNull(attempt.leasedAt),
      endedAt: isoOrNull(attempt.endedAt),
      outcome: attempt.outcome,
      records: attempt.read - attempt.from.read,
      worker: attempt.worker.workerId,
      slot: attempt.slot,
    })),
  }
}
